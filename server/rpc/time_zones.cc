#include "server/rpc/time_zones.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/time/time.h"

namespace onhand::rpc {

bool TimeZoneExists(absl::string_view name) {
  // The loader also takes paths and this machine's own setting, which mean something else
  // elsewhere.
  const bool plain = !name.empty() && absl::ascii_isupper(static_cast<unsigned char>(name[0])) &&
                     std::all_of(name.begin(), name.end(), [](char c) {
                       return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '/' ||
                              c == '_' || c == '-' || c == '+';
                     });
  absl::TimeZone zone;
  return plain && absl::LoadTimeZone(name, &zone);
}

}  // namespace onhand::rpc
