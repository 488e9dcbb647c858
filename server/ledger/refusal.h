// How the domain says no: a status whose payload is a google.rpc.ErrorInfo, so that a program can
// act on the stable reason and a person on the text.
#ifndef ONHAND_SERVER_LEDGER_REFUSAL_H_
#define ONHAND_SERVER_LEDGER_REFUSAL_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace onhand::ledger {

// Payload keys of the serialized google.rpc.ErrorInfo and google.rpc.RetryInfo.
inline constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
inline constexpr char kRetryInfoUrl[] = "type.googleapis.com/google.rpc.RetryInfo";

// What was refused. Only `reason` and `remedy` are always there.
struct Refusal {
  absl::string_view reason;  // stable, UPPER_SNAKE_CASE
  absl::string_view field;   // path in the request, such as items[3].sku
  std::string value;         // what came, shortened if long
  std::string problem;       // what is wrong with it
  std::string remedy;        // what to do
  // The same may be asked again after so long: a RetryInfo beside the ErrorInfo. 0: none is given.
  int64_t retry_after_ms = 0;
};

// `field VALUE: problem; remedy`, with the parts as ErrorInfo metadata `field`, `value`, `remedy`.
absl::Status Refuse(absl::StatusCode code, const Refusal& refusal);

// The reason of a refusal; empty for any other status.
std::string ReasonOf(const absl::Status& status);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_REFUSAL_H_
