// The live picture of the chain: asked from the hub like any client would, painted on a terminal or
// printed as plain text. Used by main's thread.
#ifndef ONHAND_TESTS_DEMO_VIEW_H_
#define ONHAND_TESTS_DEMO_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/connection.h"
#include "onhand/v1/hub.pb.h"
#include "tests/demo/probe.h"
#include "tests/demo/tills.h"

namespace onhand::demo {

class View {
 public:
  View(client::Connection* hub, const Tills* tills, const Probe* probe, int64_t scale)
      : hub_(hub), tills_(tills), probe_(probe), scale_(scale) {}

  // The table as text, without a terminal's codes. The hub's refusal if it does not answer.
  absl::StatusOr<std::string> Table();

  // Paints the table and the last of `narration` over the whole terminal.
  void Paint(const std::string& table, const std::vector<std::string>& narration) const;

 private:
  // Reports a second since a moment ago.
  double Rate(uint64_t reports);

  client::Connection* const hub_;
  const Tills* const tills_;
  const Probe* const probe_;
  const int64_t scale_;
  const absl::Time started_ = absl::Now();
  absl::Time counted_at_ = absl::InfinitePast();
  uint64_t counted_ = 0;
  double rate_ = 0;
};

}  // namespace onhand::demo

#endif  // ONHAND_TESTS_DEMO_VIEW_H_
