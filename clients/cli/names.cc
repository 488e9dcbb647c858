#include "clients/cli/names.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/session.h"

namespace onhand::cli {
namespace {

constexpr absl::string_view kUnspecified = "UNSPECIFIED";

// The contract's style gives every enum a first value PREFIX_UNSPECIFIED.
size_t PrefixSize(const google::protobuf::EnumDescriptor& type) {
  return type.value(0)->name().size() - kUnspecified.size();
}

}  // namespace

std::string NameOf(const google::protobuf::EnumDescriptor& type, int value) {
  if (value == 0) return "";
  const google::protobuf::EnumValueDescriptor* known = type.FindValueByNumber(value);
  if (known == nullptr) return absl::StrCat(value);
  const std::string name = known->name().substr(PrefixSize(type));
  return absl::AsciiStrToLower(absl::StrReplaceAll(name, {{"_", "-"}}));
}

absl::StatusOr<int> ValueOf(const google::protobuf::EnumDescriptor& type, absl::string_view option,
                            absl::string_view name) {
  const std::string wanted = absl::AsciiStrToLower(absl::StrReplaceAll(name, {{"_", "-"}}));
  for (int i = 1; i < type.value_count(); ++i) {
    if (NameOf(type, type.value(i)->number()) == wanted) return type.value(i)->number();
  }
  return UsageError(option, name, absl::StrCat("give one of ", absl::StrJoin(NamesOf(type), ", ")));
}

std::vector<std::string> NamesOf(const google::protobuf::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 1; i < type.value_count(); ++i) {
    names.push_back(NameOf(type, type.value(i)->number()));
  }
  return names;
}

}  // namespace onhand::cli
