// `onhand audit`: who changed what, from where, and what it was before.
#ifndef ONHAND_CLIENTS_CLI_AUDIT_H_
#define ONHAND_CLIENTS_CLI_AUDIT_H_

#include <string>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

struct AuditOptions {
  std::string subject;  // a word of AuditSubject; empty: all
  std::string subject_id;
  std::string principal;
  std::string since;
  std::string method;
  int limit = 50;
};
absl::Status ShowAudit(Session& session, const AuditOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_AUDIT_H_
