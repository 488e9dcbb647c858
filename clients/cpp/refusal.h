// What the hub said when it refused: a gRPC status with google.rpc.ErrorInfo, carried as an
// absl::Status whose payload keeps the machine-readable part. Everybody who talks to the hub reads
// errors through here. Pure functions; any thread may call them.
#ifndef ONHAND_CLIENTS_CPP_REFUSAL_H_
#define ONHAND_CLIENTS_CPP_REFUSAL_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace grpc {
class Status;
}

namespace onhand::client {

// The parts of a refusal. All are empty for a status without ErrorInfo.
struct Refusal {
  std::string reason;        // stable, such as UNKNOWN_ITEM
  std::string field;         // the request's field, such as `items[3].sku`
  std::string value;         // what it held
  std::string remedy;        // how to mend it
  std::optional<int> index;  // which element of a batch, if it was one
};

// The same code and message; ErrorInfo of the domain `onhand` goes along as payload.
absl::Status StatusFromGrpc(const grpc::Status& status);

// A status that carries `refusal`, as if a hub had sent it.
absl::Status RefusedStatus(absl::StatusCode code, absl::string_view message,
                           const Refusal& refusal);

// What `status` carries.
Refusal RefusalOf(const absl::Status& status);

// Whether a request id was refused because its moment is far from the hub's clock.
bool IsClockRefusal(const absl::Status& status);

// Message, field, value, remedy and reason as text for people. Parts that the message already says
// are not repeated.
std::string Describe(const absl::Status& status);

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_REFUSAL_H_
