// Moments of the contract as absl::Time. Pure functions; any thread.
#ifndef ONHAND_CLIENTS_CPP_TIMESTAMP_H_
#define ONHAND_CLIENTS_CPP_TIMESTAMP_H_

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace onhand::client {

inline absl::Time FromProto(const google::protobuf::Timestamp& moment) {
  return absl::FromUnixSeconds(moment.seconds()) + absl::Nanoseconds(moment.nanos());
}

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_TIMESTAMP_H_
