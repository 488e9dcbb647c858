#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/decide_catalog.h"
#include "server/ledger/decide_reservation.h"
#include "server/ledger/refusal.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

constexpr int kLocationsMax = 1'000;  // in one request
constexpr int kGroupsMax = 1'000;     // in one request, and in all
constexpr uint32_t kRankMax = 1'000'000;
constexpr uint32_t kMinutesPerDay = 24 * 60;
constexpr int kHoursMax = 7 * 8;
constexpr int kExceptionsMax = 1'000;

struct Refuser {
  absl::string_view reason;
  absl::Status operator()(const std::string& field, std::string value, std::string problem,
                          std::string remedy) const {
    return Refuse(absl::StatusCode::kInvalidArgument, {.reason = reason,
                                                       .field = field,
                                                       .value = std::move(value),
                                                       .problem = std::move(problem),
                                                       .remedy = std::move(remedy)});
  }
};
constexpr Refuser kRefuseLocation{"INVALID_LOCATION"};
constexpr Refuser kRefuseState{"INVALID_STATE"};
constexpr Refuser kRefuseGroup{"INVALID_GROUP"};
constexpr Refuser kRefuseChannel{"INVALID_CHANNEL"};
constexpr Refuser kRefuseChain{"INVALID_CHAIN"};
constexpr Refuser kRefuseBatch{"BATCH_TOO_LARGE"};

// Id and name of a row, once in a request.
absl::Status CheckNamed(const Refuser& refuse, const std::string& id_field, const std::string& id,
                        const std::string& name_field, const std::string& name,
                        absl::flat_hash_set<absl::string_view>& seen) {
  if (absl::Status status = CheckId(id_field, id); !status.ok()) return status;
  if (absl::Status status = CheckText(name_field, name); !status.ok()) return status;
  if (seen.insert(id).second) return absl::OkStatus();
  return refuse(id_field, id, "is given twice", "send each id once in a request");
}

absl::Status CheckMinutes(const std::string& field, uint32_t opens, uint32_t closes) {
  if (opens < closes && closes <= kMinutesPerDay) return absl::OkStatus();
  return kRefuseLocation(
      field, absl::StrCat(opens, " to ", closes), "are no opening hours of one day",
      "send minutes after midnight, opens_minute below closes_minute and that at "
      "most 1440; hours past midnight belong to two days");
}

// YYYY-MM-DD and a day that exists.
bool IsDate(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  int numbers[3] = {0, 0, 0};
  int part = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == 4 || i == 7) {
      ++part;
      continue;
    }
    if (!absl::ascii_isdigit(static_cast<unsigned char>(text[i]))) return false;
    numbers[part] = numbers[part] * 10 + (text[i] - '0');
  }
  const absl::CivilDay day(numbers[0], numbers[1], numbers[2]);
  return numbers[0] >= 1 && day.month() == numbers[1] && day.day() == numbers[2];
}

absl::Status CheckHours(const std::string& field, const v1::Location& location) {
  if (location.hours_size() > kHoursMax || location.exceptions_size() > kExceptionsMax) {
    return kRefuseLocation(
        absl::StrCat(field, ".hours"),
        absl::StrCat(location.hours_size(), " and ", location.exceptions_size()), "are too many",
        absl::StrCat("send at most ", kHoursMax, " hours and ", kExceptionsMax, " exceptions"));
  }
  for (int i = 0; i < location.hours_size(); ++i) {
    const v1::OpeningHours& hours = location.hours(i);
    const std::string path = absl::StrCat(field, ".hours[", i, "]");
    if (hours.day_of_week() < 1 || hours.day_of_week() > 7) {
      return kRefuseLocation(absl::StrCat(path, ".day_of_week"), absl::StrCat(hours.day_of_week()),
                             "is no day of the week", "send 1 (Monday) to 7 (Sunday)");
    }
    absl::Status status = CheckMinutes(path, hours.opens_minute(), hours.closes_minute());
    if (!status.ok()) return status;
    for (int k = 0; k < i; ++k) {
      const v1::OpeningHours& other = location.hours(k);
      if (other.day_of_week() == hours.day_of_week() &&
          other.opens_minute() < hours.closes_minute() &&
          hours.opens_minute() < other.closes_minute()) {
        return kRefuseLocation(path, absl::StrCat(hours.opens_minute()),
                               absl::StrCat("overlaps hours[", k, "]"), "send hours that do not");
      }
    }
  }
  for (int i = 0; i < location.exceptions_size(); ++i) {
    const v1::HoursException& exception = location.exceptions(i);
    const std::string path = absl::StrCat(field, ".exceptions[", i, "]");
    if (!IsDate(exception.date())) {
      return kRefuseLocation(absl::StrCat(path, ".date"), exception.date(), "is no date",
                             "send YYYY-MM-DD");
    }
    if (exception.closed()) continue;
    absl::Status status = CheckMinutes(path, exception.opens_minute(), exception.closes_minute());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckLocation(const std::string& field, const v1::Location& location,
                           TimeZoneKnown time_zone_known) {
  if (!time_zone_known(location.time_zone())) {
    return kRefuseLocation(absl::StrCat(field, ".time_zone"), location.time_zone(),
                           "is no time zone", "send an IANA name such as Europe/Madrid");
  }
  if (!v1::LocationState_IsValid(location.state())) {
    return kRefuseLocation(absl::StrCat(field, ".state"), absl::StrCat(location.state()),
                           "is no state", "send PLANNED, OPEN, PAUSED, CLOSING or CLOSED");
  }
  if (location.has_coordinates()) {
    // Written so that what is not a number is refused too.
    if (!(std::abs(location.latitude()) <= 90)) {
      return kRefuseLocation(absl::StrCat(field, ".latitude"), absl::StrCat(location.latitude()),
                             "is out of range", "send -90 to 90");
    }
    if (!(std::abs(location.longitude()) <= 180)) {
      return kRefuseLocation(absl::StrCat(field, ".longitude"), absl::StrCat(location.longitude()),
                             "is out of range", "send -180 to 180");
    }
  }
  return CheckHours(field, location);
}

// The row that an element asks for; its state is the known one's.
journal::Location RowOf(const v1::Location& location, uint32_t id, const journal::Location* known) {
  journal::Location row;
  row.set_id(id);
  row.set_location_id(location.location_id());
  row.set_name(location.name());
  row.set_time_zone(location.time_zone());
  for (const v1::OpeningHours& hours : location.hours()) {
    journal::OpeningHours& added = *row.add_hours();
    added.set_day_of_week(hours.day_of_week());
    added.set_opens_minute(hours.opens_minute());
    added.set_closes_minute(hours.closes_minute());
  }
  for (const v1::HoursException& exception : location.exceptions()) {
    journal::HoursException& added = *row.add_exceptions();
    added.set_date(exception.date());
    added.set_closed(exception.closed());
    if (exception.closed()) continue;
    added.set_opens_minute(exception.opens_minute());
    added.set_closes_minute(exception.closes_minute());
  }
  if (location.has_coordinates()) {
    row.set_has_coordinates(true);
    row.set_latitude(location.latitude());
    row.set_longitude(location.longitude());
  }
  row.set_warehouse(location.warehouse());
  if (known != nullptr) {
    row.set_state(known->state());
    *row.mutable_paused_channels() = known->paused_channels();
    row.set_paused_until_us(known->paused_until_us());
    row.set_state_reason(known->state_reason());
    row.set_stocktake_from_us(known->stocktake_from_us());
    row.set_stocktake_until_us(known->stocktake_until_us());
  } else {
    row.set_state(static_cast<uint32_t>(location.state() == v1::LOCATION_STATE_UNSPECIFIED
                                            ? v1::LOCATION_STATE_OPEN
                                            : location.state()));
  }
  return row;
}

template <class Row>
bool SameRow(const Row& known, const Row& wanted) {
  Row before = known;
  before.set_revision(0);
  return before.SerializeAsString() == wanted.SerializeAsString();
}

// Dense ids of locations, each once and in order.
template <class Ids>
absl::StatusOr<std::vector<uint32_t>> FindLocations(const State& state, const std::string& field,
                                                    const Ids& location_ids) {
  std::vector<uint32_t> found;
  for (int i = 0; i < location_ids.size(); ++i) {
    const absl::StatusOr<uint32_t> location =
        FindLocation(state, absl::StrCat(field, "[", i, "]"), location_ids.Get(i));
    if (!location.ok()) return location.status();
    found.push_back(*location);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

size_t CountRows(const Table<uint32_t, journal::Group>& groups) {
  size_t count = 0;
  groups.ForEach([&](uint32_t, const journal::Group&) { ++count; });
  return count;
}

}  // namespace

absl::StatusOr<v1::BatchUpsertLocationsResponse> DecideUpsertLocations(
    Group& group, const v1::BatchUpsertLocationsRequest& request, TimeZoneKnown time_zone_known) {
  if (request.locations_size() > kLocationsMax) {
    return kRefuseBatch("locations", absl::StrCat(request.locations_size()), "are too many",
                        absl::StrCat("send at most ", kLocationsMax, " in one request"));
  }
  const State& state = group.state();
  v1::BatchUpsertLocationsResponse response;
  std::vector<journal::Location> rows;
  absl::flat_hash_set<absl::string_view> seen;
  for (int i = 0; i < request.locations_size(); ++i) {
    const v1::Location& location = request.locations(i);
    const std::string field = absl::StrCat("locations[", i, "]");
    absl::Status status =
        CheckNamed(kRefuseLocation, absl::StrCat(field, ".location_id"), location.location_id(),
                   absl::StrCat(field, ".name"), location.name(), seen);
    if (status.ok()) status = CheckLocation(field, location, time_zone_known);
    if (!status.ok()) return status;

    const uint32_t* known_id = state.location_ids.Find(location.location_id());
    const journal::Location* known =
        known_id == nullptr ? nullptr : state.locations.Find(*known_id);
    const uint32_t id =
        known != nullptr ? *known_id : state.counters.location_end + response.created_count();
    journal::Location row = RowOf(location, id, known);
    if (known == nullptr) {
      response.set_created_count(response.created_count() + 1);
    } else if (SameRow(*known, row)) {
      response.set_unchanged_count(response.unchanged_count() + 1);
      continue;
    } else {
      response.set_updated_count(response.updated_count() + 1);
    }
    rows.push_back(std::move(row));
  }
  if (request.dry_run()) return response;

  response.set_revision(group.revision());
  for (journal::Location& row : rows) {
    journal::Fact fact;
    *fact.mutable_location_set()->mutable_location() = std::move(row);
    group.Add(std::move(fact));
  }
  return response;
}

absl::StatusOr<v1::SetLocationStateResponse> DecideSetLocationState(
    Group& group, const v1::SetLocationStateRequest& request) {
  const State& state = group.state();
  const absl::StatusOr<uint32_t> location =
      FindLocation(state, "location_id", request.location_id());
  if (!location.ok()) return location.status();
  if (absl::Status status = CheckText("reason", request.reason()); !status.ok()) return status;
  if (absl::Status status = CheckText("author", request.author()); !status.ok()) return status;
  if (!v1::LocationState_IsValid(request.state()) ||
      request.state() == v1::LOCATION_STATE_UNSPECIFIED) {
    return kRefuseState("state", absl::StrCat(request.state()), "is no state",
                        "send PLANNED, OPEN, PAUSED, CLOSING or CLOSED");
  }
  const bool pauses = request.state() == v1::LOCATION_STATE_PAUSED;
  if (!pauses && !request.paused_channel_ids().empty()) {
    return kRefuseState("paused_channel_ids", absl::StrCat(request.paused_channel_ids_size()),
                        "are given for a state that is not PAUSED", "leave them out or pause");
  }
  if (!pauses && request.has_paused_until()) {
    return kRefuseState("paused_until", "", "is given for a state that is not PAUSED",
                        "leave it out or pause");
  }

  journal::Fact fact;
  journal::LocationStateSet& set = *fact.mutable_location_state_set();
  set.set_location(*location);
  set.set_state(static_cast<uint32_t>(request.state()));
  for (int i = 0; i < request.paused_channel_ids_size(); ++i) {
    const absl::StatusOr<uint32_t> channel = FindChannel(
        state, absl::StrCat("paused_channel_ids[", i, "]"), request.paused_channel_ids(i));
    if (!channel.ok()) return channel.status();
    set.add_paused_channels(*channel);
  }
  std::sort(set.mutable_paused_channels()->begin(), set.mutable_paused_channels()->end());
  if (request.has_paused_until()) {
    set.set_paused_until_us(MicrosOf(request.paused_until()));
    if (set.paused_until_us() <= group.now_us()) {
      return kRefuseState("paused_until", absl::StrCat(request.paused_until().seconds()),
                          "is over already",
                          "send a later moment, or none for 'until further notice'");
    }
  }
  set.set_reason(request.reason());
  set.set_author(request.author());
  group.Add(std::move(fact));

  v1::SetLocationStateResponse response;
  *response.mutable_location() = LocationOf(state, *state.locations.Find(*location));
  response.set_revision(group.revision());
  return response;
}

absl::StatusOr<v1::AnnounceStocktakeResponse> DecideAnnounceStocktake(
    Group& group, const v1::AnnounceStocktakeRequest& request) {
  const absl::StatusOr<uint32_t> location =
      FindLocation(group.state(), "location_id", request.location_id());
  if (!location.ok()) return location.status();
  if (absl::Status status = CheckText("reason", request.reason()); !status.ok()) return status;
  if (absl::Status status = CheckText("author", request.author()); !status.ok()) return status;
  const int64_t until_us = MicrosOf(request.until());
  if (until_us <= group.now_us()) {
    return kRefuseState("until", absl::StrCat(request.until().seconds()),
                        "is missing or over already", "send when the stocktake ends");
  }
  journal::Fact fact;
  journal::StocktakeAnnounced& announced = *fact.mutable_stocktake_announced();
  announced.set_location(*location);
  announced.set_until_us(until_us);
  announced.set_reason(request.reason());
  announced.set_author(request.author());
  group.Add(std::move(fact));

  v1::AnnounceStocktakeResponse response;
  *response.mutable_location() =
      LocationOf(group.state(), *group.state().locations.Find(*location));
  response.set_revision(group.revision());
  return response;
}

absl::StatusOr<v1::BatchUpsertGroupsResponse> DecideUpsertGroups(
    Group& group, const v1::BatchUpsertGroupsRequest& request) {
  const State& state = group.state();
  std::vector<journal::Group> rows;
  absl::flat_hash_set<absl::string_view> seen;
  uint32_t created = 0;
  for (int i = 0; i < request.groups_size(); ++i) {
    const v1::LocationGroup& wanted = request.groups(i);
    const std::string field = absl::StrCat("groups[", i, "]");
    absl::Status status =
        CheckNamed(kRefuseGroup, absl::StrCat(field, ".group_id"), wanted.group_id(),
                   absl::StrCat(field, ".name"), wanted.name(), seen);
    if (!status.ok()) return status;
    if (wanted.rank() > kRankMax) {
      return kRefuseGroup(absl::StrCat(field, ".rank"), absl::StrCat(wanted.rank()),
                          "is out of range", absl::StrCat("send 0 to ", kRankMax));
    }
    const absl::StatusOr<std::vector<uint32_t>> locations =
        FindLocations(state, absl::StrCat(field, ".location_ids"), wanted.location_ids());
    if (!locations.ok()) return locations.status();

    const uint32_t* known = state.group_ids.Find(wanted.group_id());
    journal::Group row;
    row.set_id(known != nullptr ? *known : state.counters.group_end + created++);
    row.set_group_id(wanted.group_id());
    row.set_name(wanted.name());
    row.mutable_locations()->Add(locations->begin(), locations->end());
    row.set_rank(wanted.rank());
    if (known == nullptr || !SameRow(*state.groups.Find(*known), row)) {
      rows.push_back(std::move(row));
    }
  }
  if (CountRows(state.groups) + created > kGroupsMax) {
    return kRefuseGroup("groups", absl::StrCat(created), "are too many new groups",
                        absl::StrCat("a chain has at most ", kGroupsMax));
  }
  for (journal::Group& row : rows) {
    journal::Fact fact;
    *fact.mutable_group_set()->mutable_group() = std::move(row);
    group.Add(std::move(fact));
  }
  v1::BatchUpsertGroupsResponse response;
  response.set_revision(group.revision());
  return response;
}

absl::StatusOr<v1::BatchUpsertChannelsResponse> DecideUpsertChannels(
    Group& group, const v1::BatchUpsertChannelsRequest& request) {
  const State& state = group.state();
  std::vector<journal::Channel> rows;
  absl::flat_hash_set<absl::string_view> seen;
  uint32_t next_id = 0;
  for (int i = 0; i < request.channels_size(); ++i) {
    const v1::Channel& wanted = request.channels(i);
    const std::string field = absl::StrCat("channels[", i, "]");
    absl::Status status =
        CheckNamed(kRefuseChannel, absl::StrCat(field, ".channel_id"), wanted.channel_id(),
                   absl::StrCat(field, ".name"), wanted.name(), seen);
    if (!status.ok()) return status;
    if (!v1::ChannelKind_IsValid(wanted.kind()) || wanted.kind() == v1::CHANNEL_KIND_UNSPECIFIED) {
      return kRefuseChannel(absl::StrCat(field, ".kind"), absl::StrCat(wanted.kind()),
                            "is no kind of channel", "send SHIP, PICKUP or IN_STORE");
    }
    if (wanted.reservation_ttl_s() < 0 || wanted.reservation_ttl_s() > kReservationTtlMax_s) {
      return kRefuseChannel(
          absl::StrCat(field, ".reservation_ttl_s"), absl::StrCat(wanted.reservation_ttl_s()),
          "is out of range",
          absl::StrCat("send 1 to ", kReservationTtlMax_s, ", or 0 for ", kReservationTtl_s));
    }
    const absl::StatusOr<std::vector<uint32_t>> locations =
        FindLocations(state, absl::StrCat(field, ".location_ids"), wanted.location_ids());
    if (!locations.ok()) return locations.status();

    journal::Channel row;
    row.set_channel_id(wanted.channel_id());
    row.set_name(wanted.name());
    row.set_kind(static_cast<uint32_t>(wanted.kind()));
    row.set_reservation_ttl_s(wanted.reservation_ttl_s());
    row.mutable_locations()->Add(locations->begin(), locations->end());
    for (int k = 0; k < wanted.group_ids_size(); ++k) {
      const absl::StatusOr<uint32_t> found =
          FindGroup(state, absl::StrCat(field, ".group_ids[", k, "]"), wanted.group_ids(k));
      if (!found.ok()) return found.status();
      row.add_groups(*found);
    }
    std::sort(row.mutable_groups()->begin(), row.mutable_groups()->end());
    row.mutable_groups()->erase(
        std::unique(row.mutable_groups()->begin(), row.mutable_groups()->end()),
        row.mutable_groups()->end());

    if (const uint32_t* known = state.channel_ids.Find(wanted.channel_id())) {
      row.set_id(*known);
      if (SameRow(*state.channels.Find(*known), row)) continue;
    } else {
      while (next_id < RuleBook::kChannelsMax && state.channels.Contains(next_id)) ++next_id;
      if (next_id == RuleBook::kChannelsMax) {
        return kRefuseChannel(absl::StrCat(field, ".channel_id"), wanted.channel_id(),
                              "would be one channel too many",
                              absl::StrCat("a chain has at most ", RuleBook::kChannelsMax));
      }
      row.set_id(next_id++);
    }
    rows.push_back(std::move(row));
  }
  for (journal::Channel& row : rows) {
    journal::Fact fact;
    *fact.mutable_channel_set()->mutable_channel() = std::move(row);
    group.Add(std::move(fact));
  }
  v1::BatchUpsertChannelsResponse response;
  response.set_revision(group.revision());
  return response;
}

absl::StatusOr<v1::SetChainResponse> DecideSetChain(Group& group,
                                                    const v1::SetChainRequest& request,
                                                    TimeZoneKnown time_zone_known) {
  const v1::Chain& wanted = request.chain();
  if (absl::Status status = CheckText("author", request.author()); !status.ok()) return status;
  if (absl::Status status = CheckText("reason", request.reason()); !status.ok()) return status;
  if (!wanted.time_zone().empty() && !time_zone_known(wanted.time_zone())) {
    return kRefuseChain("chain.time_zone", wanted.time_zone(), "is no time zone",
                        "send an IANA name such as Europe/Madrid, or none for UTC");
  }
  // Written so that what is not a number is refused too.
  const double percent = wanted.confirm_hiding_percent();
  if (!(percent >= 0 && percent <= 100)) {
    return kRefuseChain("chain.confirm_hiding_percent", absl::StrCat(percent), "is out of range",
                        "send 0 to 100, or none for 20");
  }
  journal::Fact fact;
  journal::ChainSet& set = *fact.mutable_chain_set();
  set.mutable_chain()->set_time_zone(wanted.time_zone());
  if (wanted.has_confirm_hiding_percent()) {
    set.mutable_chain()->set_confirm_hiding_percent(percent);
  }
  set.set_author(request.author());
  set.set_reason(request.reason());
  group.Add(std::move(fact));

  v1::SetChainResponse response;
  *response.mutable_chain() = ChainOf(group.state());
  response.set_revision(group.revision());
  return response;
}

}  // namespace onhand::ledger
