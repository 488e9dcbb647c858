#include "server/rpc/find_service.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"
#include "server/ledger/validate.h"
#include "server/rpc/open_hours.h"
#include "server/rpc/question.h"
#include "server/rpc/unary_call.h"

namespace onhand::rpc {
namespace {

constexpr uint32_t kLimitMax = 100;
constexpr uint32_t kLimitDefault = 10;

absl::Status InvalidQuery(absl::string_view field, std::string value, std::string problem,
                          std::string remedy) {
  return ledger::Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_QUERY",
                                                             .field = field,
                                                             .value = std::move(value),
                                                             .problem = std::move(problem),
                                                             .remedy = std::move(remedy)});
}

absl::Status CheckEither(absl::string_view field, bool has_one, bool has_other,
                         absl::string_view other, std::string remedy) {
  if (has_one != has_other) return absl::OkStatus();
  return InvalidQuery(field, "",
                      absl::StrCat("and ", other, has_one ? " are both given" : " are both empty"),
                      std::move(remedy));
}

// Not by the opposite: NaN is no number of degrees or kilometres either.
bool IsWithin(double value, double least, double most) { return value >= least && value <= most; }

absl::Status CheckPoint(const v1::GeoPoint& point) {
  if (!IsWithin(point.latitude(), -90, 90)) {
    return InvalidQuery("near.latitude", absl::StrCat(point.latitude()), "is out of range",
                        "give degrees north, -90 to 90");
  }
  if (!IsWithin(point.longitude(), -180, 180)) {
    return InvalidQuery("near.longitude", absl::StrCat(point.longitude()), "is out of range",
                        "give degrees east, -180 to 180");
  }
  return absl::OkStatus();
}

absl::Status CheckQuery(const v1::FindNearbyRequest& request) {
  if (absl::Status wrong = CheckEither("sku", !request.sku().empty(), !request.parent_sku().empty(),
                                       "parent_sku", "name one item, or the parent of several");
      !wrong.ok()) {
    return wrong;
  }
  if (absl::Status wrong =
          CheckEither("near", request.has_near(), !request.near_location_id().empty(),
                      "near_location_id", "give a point, or a location to search around");
      !wrong.ok()) {
    return wrong;
  }
  if (absl::Status wrong = CheckPoint(request.near()); !wrong.ok()) return wrong;
  if (request.limit() > kLimitMax) {
    return InvalidQuery("limit", absl::StrCat(request.limit()), "is out of range",
                        "ask for 1 to 100 locations");
  }
  if (!IsWithin(request.within_km(), 0, HUGE_VAL)) {
    return InvalidQuery("within_km", absl::StrCat(request.within_km()), "is no distance",
                        "give kilometres, or 0 for however far");
  }
  if (request.units() < 0) {
    return InvalidQuery("units", absl::StrCat(request.units()), "is negative",
                        "give the least units that a location must be able to promise");
  }
  return absl::OkStatus();
}

void AddPlace(const ledger::Ledger& ledger, const ledger::NearbySearch::Place& place,
              v1::FindNearbyResponse* response) {
  const ledger::journal::Location& row = *ledger.state().locations.Find(place.location);
  v1::NearbyLocation& location = *response->add_locations();
  location.set_location_id(row.location_id());
  location.set_name(row.name());
  if (place.distance_km.has_value()) location.set_distance_km(*place.distance_km);
  for (const ledger::NearbySearch::Offer& offer : place.offers) {
    v1::NearbyItem& item = *location.add_items();
    item.set_sku(offer.sku);
    item.set_status(offer.status);
    item.set_max_quantity(offer.max_quantity);
  }
  const int64_t known_through_us = ledger.rule_book().PlaceOf(place.location).known_through_us;
  if (known_through_us != 0) {
    *location.mutable_known_through() = ledger::TimestampOf(known_through_us);
  }
  if (const std::optional<ledger::EarthPoint> point = ledger::PointOf(row)) {
    location.mutable_point()->set_latitude(point->latitude);
    location.mutable_point()->set_longitude(point->longitude);
  }
}

void AddHours(const ledger::journal::Location& row, int64_t now_us, v1::NearbyLocation& location) {
  const OpenHours hours = OpenHoursAt(row, now_us);
  if (hours.open_now.has_value()) location.set_open_now(*hours.open_now);
  if (hours.changes_at_us != 0) {
    *location.mutable_open_changes_at() = ledger::TimestampOf(hours.changes_at_us);
  }
}

}  // namespace

void FindService::Serve(CallQueue* queue) {
  ServeUnary(queue, &service_, &Service::RequestFindNearby,
             std::bind_front(&FindService::FindNearby, this));
}

absl::StatusOr<ledger::NearbyQuestion> FindService::QuestionOf(
    const ledger::State& state, const v1::FindNearbyRequest& request) {
  const absl::StatusOr<uint32_t> channel = ChannelAsked(state, request.channel_id());
  if (!channel.ok()) return channel.status();
  ledger::NearbyQuestion question{
      .channel = *channel,
      .now_us = MomentAsked(state, *clock_),
      .near = {.latitude = request.near().latitude(), .longitude = request.near().longitude()},
      .within_km = request.within_km(),
      .with_empty = request.with_empty(),
      .units = request.units() == 0 ? 1 : request.units(),
      .limit = request.limit() == 0 ? kLimitDefault : request.limit()};
  if (request.near_location_id().empty()) return question;
  const absl::StatusOr<uint32_t> location =
      ledger::FindLocation(state, "near_location_id", request.near_location_id());
  if (!location.ok()) return location.status();
  const std::optional<ledger::EarthPoint> point = ledger::PointOf(*state.locations.Find(*location));
  if (!point.has_value()) {
    return InvalidQuery("near_location_id", request.near_location_id(), "has no coordinates",
                        "give a point, or import the location with its coordinates");
  }
  question.near = *point;
  question.left_out = *location;
  return question;
}

absl::Status FindService::FindNearby(const v1::FindNearbyRequest& request,
                                     v1::FindNearbyResponse* response) {
  if (absl::Status wrong = CheckQuery(request); !wrong.ok()) return wrong;
  std::optional<ledger::NearbySearch> search;
  absl::Status status = hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    const ledger::State& state = ledger.state();
    const absl::StatusOr<ledger::NearbyQuestion> question = QuestionOf(state, request);
    if (!question.ok()) return question.status();
    search.emplace(ledger, *question);
    response->set_revision(state.counters.revision);
    if (request.sku().empty()) return absl::OkStatus();
    const absl::StatusOr<uint32_t> item = ledger::FindItem(state, "sku", request.sku());
    if (!item.ok()) return item.status();
    search->TakeItem(ledger, *item);
    return absl::OkStatus();
  });
  if (status.ok() && request.sku().empty()) status = TakeChildren(request.parent_sku(), *search);
  if (!status.ok()) return status;

  // Time zones are files: asked once the lock is gone.
  std::vector<ledger::journal::Location> rows;
  const std::vector<ledger::NearbySearch::Place> found = (*std::move(search)).Found();
  hub_->Read([&](const ledger::Ledger& ledger) {
    for (const ledger::NearbySearch::Place& place : found) {
      AddPlace(ledger, place, response);
      rows.push_back(*ledger.state().locations.Find(place.location));
    }
  });
  const int64_t now_us = clock_->NowUs();
  for (size_t i = 0; i < rows.size(); ++i) {
    AddHours(rows[i], now_us, *response->mutable_locations(static_cast<int>(i)));
  }
  return absl::OkStatus();
}

absl::Status FindService::TakeChildren(const std::string& parent_sku,
                                       ledger::NearbySearch& search) {
  std::string after;
  for (bool more = true; more;) {
    hub_->Read([&](const ledger::Ledger& ledger) {
      const auto& children = ledger.children();
      auto at = children.upper_bound({parent_sku, after});
      for (int i = 0; i < kItemsALock; ++i, ++at) {
        more = at != children.end() && at->first.first == parent_sku;
        if (!more) return;
        search.TakeItem(ledger, at->second);
        after = at->first.second;
      }
    });
  }
  if (!after.empty()) return absl::OkStatus();
  return ledger::Refuse(absl::StatusCode::kNotFound, {.reason = "UNKNOWN_ITEM",
                                                      .field = "parent_sku",
                                                      .value = parent_sku,
                                                      .problem = "is no item's parent",
                                                      .remedy = "check it, or import its items"});
}

}  // namespace onhand::rpc
