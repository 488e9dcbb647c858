// Messages between JSON and protobuf, by the names of their types. Pure functions; any thread.
#ifndef ONHAND_SERVER_GATEWAY_TRANSCODE_H_
#define ONHAND_SERVER_GATEWAY_TRANSCODE_H_

#include <string>

#include "absl/status/statusor.h"

namespace onhand::gateway {

// Fields that are not known are ignored, as they are in protobuf; an empty text is an empty object.
// INVALID_ARGUMENT (INVALID_JSON) says where it is not the message's JSON.
absl::StatusOr<std::string> JsonToProto(const std::string& type, const std::string& json);
// lowerCamelCase names, 64-bit integers as strings, what is at its default left out.
// INTERNAL if these are not a message's bytes.
absl::StatusOr<std::string> ProtoToJson(const std::string& type, const std::string& bytes);

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_TRANSCODE_H_
