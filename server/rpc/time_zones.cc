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

ledger::journal::LocationOffsets OffsetsOf(const std::string& name, int64_t now_us) {
  absl::TimeZone zone = absl::UTCTimeZone();
  if (TimeZoneExists(name)) absl::LoadTimeZone(name, &zone);
  const absl::Time from = absl::FromUnixMicros(now_us) - absl::Hours(60 * 24);
  const absl::Time until = absl::FromUnixMicros(now_us) + absl::Hours(2 * 366 * 24);
  ledger::journal::LocationOffsets offsets;
  offsets.set_time_zone(name);
  offsets.set_until_s(absl::ToUnixSeconds(until));
  offsets.add_at_s(absl::ToUnixSeconds(from));
  offsets.add_offset_s(zone.At(from).offset);
  absl::TimeZone::CivilTransition transition;
  for (absl::Time at = from; zone.NextTransition(at, &transition);) {
    // Not FromCivil: when clocks go back, that hour comes twice, and the first one lies before the
    // transition, which would be found again and again.
    at = zone.At(transition.to).trans;
    if (at > until) break;
    offsets.add_at_s(absl::ToUnixSeconds(at));
    offsets.add_offset_s(zone.At(at).offset);
  }
  return offsets;
}

}  // namespace onhand::rpc
