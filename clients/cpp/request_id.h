// Request ids: UUIDv7 (RFC 9562), whose first 48 bits are the moment at which the sender made them.
// The hub keeps a request's answer until that moment + 7 days, so a retry with the same id is
// answered again instead of done again.
#ifndef ONHAND_CLIENTS_CPP_REQUEST_ID_H_
#define ONHAND_CLIENTS_CPP_REQUEST_ID_H_

#include <string>

#include "absl/random/bit_gen_ref.h"
#include "absl/time/time.h"

namespace onhand::client {

// A new id made at `now`, in its text form of 36 characters. 74 bits of it are random.
std::string NewRequestId(absl::Time now, absl::BitGenRef random);

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_REQUEST_ID_H_
