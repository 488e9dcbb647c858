// Where a program keeps the requests whose answers it does not know yet, so that a crash between
// request and answer is mended by sending the same id again. An interface, so that a shop can keep
// them in its own database; file_request_store.h keeps them in a file.
#ifndef ONHAND_CLIENTS_CPP_REQUEST_STORE_H_
#define ONHAND_CLIENTS_CPP_REQUEST_STORE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace onhand::client {

// A request that was sent, or is about to be.
struct StoredRequest {
  std::string request_id;
  std::string method;  // of ReservationService, such as CreateReservation
  std::string name;    // what the program calls it, such as a cart; may be empty
  std::string body;    // the serialized request without its id

  bool operator==(const StoredRequest&) const = default;
};

// Any thread may call an implementation.
class RequestStore {
 public:
  virtual ~RequestStore() = default;

  // All that were put and not removed, the oldest first.
  virtual absl::StatusOr<std::vector<StoredRequest>> Load() = 0;
  // Durable once it returns OK; after a failure it may be there or not.
  virtual absl::Status Put(const StoredRequest& request) = 0;
  // A crash may undo it: the request is then sent once more, and answered as before.
  virtual absl::Status Remove(const std::string& request_id) = 0;
};

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_REQUEST_STORE_H_
