// The contract's enum values as a manager writes them: SOLD_OUT of ZeroPolicy is `sold-out`. Pure
// functions.
#ifndef ONHAND_CLIENTS_CLI_NAMES_H_
#define ONHAND_CLIENTS_CLI_NAMES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/generated_enum_reflection.h"

namespace onhand::cli {

// `sold-out`; empty for the unspecified value; the number for one that this program does not know.
std::string NameOf(const google::protobuf::EnumDescriptor& type, int value);

// The reverse, in either case, with '-' or '_'. `option` is named in the error, with all choices.
absl::StatusOr<int> ValueOf(const google::protobuf::EnumDescriptor& type, absl::string_view option,
                            absl::string_view name);

// All names but the unspecified one.
std::vector<std::string> NamesOf(const google::protobuf::EnumDescriptor& type);

template <typename Enum>
std::string NameOf(Enum value) {
  return NameOf(*google::protobuf::GetEnumDescriptor<Enum>(), static_cast<int>(value));
}

template <typename Enum>
absl::StatusOr<Enum> ValueOf(absl::string_view option, absl::string_view name) {
  absl::StatusOr<int> value = ValueOf(*google::protobuf::GetEnumDescriptor<Enum>(), option, name);
  if (!value.ok()) return value.status();
  return static_cast<Enum>(*value);
}

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_NAMES_H_
