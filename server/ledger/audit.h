// What the audit tells of a call: who asked, from where, and of each subject that its facts changed
// what the contract said of it before and after. Listens to the group while the call is decided;
// the sequencer's thread.
#ifndef ONHAND_SERVER_LEDGER_AUDIT_H_
#define ONHAND_SERVER_LEDGER_AUDIT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "onhand/v1/audit.pb.h"
#include "server/ledger/group.h"

namespace onhand::ledger {

// Changes of one call that are told; the others are counted.
inline constexpr int kAuditChangesMax = 32;
// Of what a change tells as before, and as after.
inline constexpr size_t kAuditJsonBytesMax = 4'096;

// Who asks, from where, and what for.
struct AuditedCall {
  std::string principal;  // of the token shown; empty: none was asked for
  std::string token_id;
  uint32_t role = 0;  // v1::Role
  std::string peer;   // 203.0.113.7:51234
  v1::AuditPort port = v1::AUDIT_PORT_UNSPECIFIED;
  std::string method;  // package.Service/Method
  std::string author;  // as the caller says
  std::string reason;
};

class AuditTrail final : public FactListener {
 public:
  // From now on until Tell, or its end. `group` and `call` outlive the trail.
  AuditTrail(Group* group, const AuditedCall* call);
  ~AuditTrail();

  // Adds the fact that tells of the facts since; none if they changed nothing that is audited.
  // `request_id`: 16 bytes, or empty. Once.
  void Tell(absl::string_view request_id);

  void Before(const State& state, const journal::Fact& fact) override;
  void After(const State& state, const journal::Fact& fact) override;

 private:
  Group& group_;
  const AuditedCall& call_;
  const int first_fact_;
  journal::Audited told_;
  // Of the fact that is being applied, if it is told of: what the contract says of its subject.
  bool is_told_ = false;
  std::unique_ptr<google::protobuf::Message> before_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_AUDIT_H_
