#include "clients/cli/find.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/point.h"
#include "clients/cli/rule_refusals.h"
#include "clients/cli/table.h"
#include "onhand/v1/find.grpc.pb.h"

namespace onhand::cli {
namespace {

// What people wrote where the hub names a field of the request.
absl::Status InOptions(const absl::Status& refused) {
  static const auto& words = *new FieldWords{.of = OptionWords().of,
                                             .others = {{"sku", "SKU"},
                                                        {"parent_sku", "--parent"},
                                                        {"channel_id", "--channel"},
                                                        {"near.latitude", "--near"},
                                                        {"near.longitude", "--near"},
                                                        {"near_location_id", "--near-location"},
                                                        {"limit", "--limit"},
                                                        {"within_km", "--within-km"},
                                                        {"units", "--units"}}};
  return InWords(refused, words);
}

// In the time zone of whoever asks: the answer names no other.
std::string OpenText(const v1::NearbyLocation& location, absl::Time now, absl::TimeZone zone) {
  if (!location.has_open_now()) return "not known";
  const std::string state = location.open_now() ? "open" : "shut";
  if (!location.has_open_changes_at()) return state;
  const absl::Time changes_at = FromProto(location.open_changes_at());
  const bool today = absl::ToCivilDay(changes_at, zone) == absl::ToCivilDay(now, zone);
  return absl::StrCat(state, " until ",
                      absl::FormatTime(today ? "%H:%M" : "%Y-%m-%d %H:%M", changes_at, zone));
}

void PrintFound(Session& session, const v1::FindNearbyResponse& found, bool with_skus) {
  std::vector<std::string> titles = {"LOCATION", "NAME",  ">KM",         "STATUS",
                                     ">UP TO",   "HOURS", "TOLD THROUGH"};
  if (with_skus) titles.insert(titles.begin() + 3, "SKU");
  Table table(std::move(titles));
  const absl::Time now = HubNow(session);
  for (const v1::NearbyLocation& location : found.locations()) {
    for (const v1::NearbyItem& item : location.items()) {
      std::vector<std::string> cells = {
          location.location_id(),
          location.name(),
          location.has_distance_km() ? absl::StrFormat("%.1f", location.distance_km()) : "",
          NameOf(item.status()),
          absl::StrCat(item.max_quantity()),
          OpenText(location, now, session.zone),
          location.has_known_through()
              ? FormatMoment(FromProto(location.known_through()), now, session.zone)
              : "never told"};
      if (with_skus) cells.insert(cells.begin() + 3, item.sku());
      table.Add(std::move(cells));
    }
  }
  table.Print(session.out, "No location there can promise it; --empty shows those that cannot.");
}

}  // namespace

absl::Status FindNearby(Session& session, const FindOptions& options) {
  if (options.sku.empty() == options.parent_sku.empty()) {
    return UsageError("find", "", "give a SKU or --parent, one of the two");
  }
  if (options.near.empty() == options.near_location_id.empty()) {
    return UsageError("find", "", "give --near LAT,LON or --near-location ID, one of the two");
  }
  v1::FindNearbyRequest request;
  request.set_sku(options.sku);
  request.set_parent_sku(options.parent_sku);
  request.set_channel_id(options.channel_id);
  request.set_near_location_id(options.near_location_id);
  if (!options.near.empty()) {
    absl::StatusOr<v1::GeoPoint> point = ParsePoint("--near", options.near);
    if (!point.ok()) return point.status();
    *request.mutable_near() = *std::move(point);
  }
  request.set_limit(options.limit);
  request.set_within_km(options.within_km);
  request.set_units(options.units);
  request.set_with_empty(options.with_empty);
  const auto found = session.hub.Call(&v1::FindService::Stub::FindNearby, request);
  if (!found.ok()) return InOptions(found.status());
  if (session.json) {
    PrintJson(session, *found);
  } else {
    PrintFound(session, *found, !options.parent_sku.empty());
  }
  return absl::OkStatus();
}

}  // namespace onhand::cli
