#include "server/ledger/catalog_view.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kNanosPerMicro = 1'000;
// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the bounds of google.protobuf.Timestamp.
constexpr int64_t kFirstSecond = -62'135'596'800;
constexpr int64_t kLastSecond = 253'402'300'799;

// The public id of a row; empty if there is none, which only a damaged journal could cause.
template <class Row, class Name>
std::string NameOf(const Table<uint32_t, Row>& table, uint32_t id, Name name) {
  const Row* row = table.Find(id);
  return row == nullptr ? std::string() : std::string(name(*row));
}

std::string LocationIdOf(const State& state, uint32_t id) {
  return NameOf(state.locations, id, [](const auto& row) { return row.location_id(); });
}
std::string GroupIdOf(const State& state, uint32_t id) {
  return NameOf(state.groups, id, [](const auto& row) { return row.group_id(); });
}
std::string ChannelIdOf(const State& state, uint32_t id) {
  return NameOf(state.channels, id, [](const auto& row) { return row.channel_id(); });
}

}  // namespace

google::protobuf::Timestamp TimestampOf(int64_t us) {
  int64_t seconds = us / kMicrosPerSecond;
  int64_t rest_us = us % kMicrosPerSecond;
  if (rest_us < 0) {
    rest_us += kMicrosPerSecond;
    --seconds;
  }
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(std::clamp(seconds, kFirstSecond, kLastSecond));
  timestamp.set_nanos(static_cast<int32_t>(rest_us * kNanosPerMicro));
  return timestamp;
}

int64_t MicrosOf(const google::protobuf::Timestamp& timestamp) {
  return std::clamp(timestamp.seconds(), kFirstSecond, kLastSecond) * kMicrosPerSecond +
         timestamp.nanos() / kNanosPerMicro;
}

v1::Item ItemOf(const journal::Item& item) {
  v1::Item shown;
  shown.set_sku(item.sku());
  shown.set_name(item.name());
  for (const journal::Alias& alias : item.aliases()) {
    v1::Alias& added = *shown.add_aliases();
    added.set_code(alias.code());
    added.set_source_id(alias.source_id());
    added.set_pack_factor(std::max(1u, alias.pack_factor()));
  }
  shown.set_parent_sku(item.parent_sku());
  shown.set_category(item.category());
  shown.set_supply(static_cast<v1::Supply>(item.supply()));
  if (item.supply_us() != 0) *shown.mutable_supply_date() = TimestampOf(item.supply_us());
  shown.set_published(item.published());
  shown.set_stopped(item.stopped());
  shown.set_revision(item.revision());
  shown.set_like_sku(item.like_sku());
  shown.set_unit_value(item.unit_value());
  return shown;
}

v1::Location LocationOf(const State& state, const journal::Location& location) {
  v1::Location shown;
  shown.set_location_id(location.location_id());
  shown.set_name(location.name());
  shown.set_time_zone(location.time_zone());
  for (const journal::OpeningHours& hours : location.hours()) {
    v1::OpeningHours& added = *shown.add_hours();
    added.set_day_of_week(hours.day_of_week());
    added.set_opens_minute(hours.opens_minute());
    added.set_closes_minute(hours.closes_minute());
  }
  for (const journal::HoursException& exception : location.exceptions()) {
    v1::HoursException& added = *shown.add_exceptions();
    added.set_date(exception.date());
    added.set_closed(exception.closed());
    added.set_opens_minute(exception.opens_minute());
    added.set_closes_minute(exception.closes_minute());
  }
  shown.set_latitude(location.latitude());
  shown.set_longitude(location.longitude());
  shown.set_has_coordinates(location.has_coordinates());
  shown.set_warehouse(location.warehouse());
  shown.set_revision(location.revision());
  if (location.stocktake_until_us() > state.counters.time_us) {
    *shown.mutable_stocktake_until() = TimestampOf(location.stocktake_until_us());
  }

  // A pause whose time is over is none, although no fact says so.
  const bool paused = location.state() == static_cast<uint32_t>(v1::LOCATION_STATE_PAUSED);
  if (paused && location.paused_until_us() != 0 &&
      location.paused_until_us() <= state.counters.time_us) {
    shown.set_state(v1::LOCATION_STATE_OPEN);
    return shown;
  }
  shown.set_state(static_cast<v1::LocationState>(location.state()));
  for (const uint32_t channel : location.paused_channels()) {
    shown.add_paused_channel_ids(ChannelIdOf(state, channel));
  }
  if (location.paused_until_us() != 0) {
    *shown.mutable_paused_until() = TimestampOf(location.paused_until_us());
  }
  shown.set_state_reason(location.state_reason());
  return shown;
}

v1::LocationGroup GroupOf(const State& state, const journal::Group& group) {
  v1::LocationGroup shown;
  shown.set_group_id(group.group_id());
  shown.set_name(group.name());
  for (const uint32_t location : group.locations()) {
    shown.add_location_ids(LocationIdOf(state, location));
  }
  shown.set_rank(group.rank());
  shown.set_revision(group.revision());
  return shown;
}

v1::Channel ChannelOf(const State& state, const journal::Channel& channel) {
  v1::Channel shown;
  shown.set_channel_id(channel.channel_id());
  shown.set_name(channel.name());
  shown.set_kind(static_cast<v1::ChannelKind>(channel.kind()));
  for (const uint32_t location : channel.locations()) {
    shown.add_location_ids(LocationIdOf(state, location));
  }
  for (const uint32_t group : channel.groups()) shown.add_group_ids(GroupIdOf(state, group));
  shown.set_reservation_ttl_s(channel.reservation_ttl_s());
  shown.set_revision(channel.revision());
  return shown;
}

v1::Chain ChainOf(const State& state) {
  v1::Chain shown;
  const journal::Chain* chain = state.chain.Find(0u);
  if (chain == nullptr) return shown;
  shown.set_time_zone(chain->time_zone());
  if (chain->has_confirm_hiding_percent()) {
    shown.set_confirm_hiding_percent(chain->confirm_hiding_percent());
  }
  return shown;
}

v1::Incoming IncomingOf(const State& state, const journal::IncomingSet& incoming) {
  v1::Incoming shown;
  shown.set_reference(incoming.reference());
  shown.set_sku(NameOf(state.items, incoming.item(), [](const auto& row) { return row.sku(); }));
  shown.set_location_id(LocationIdOf(state, incoming.location()));
  shown.set_units(incoming.units());
  *shown.mutable_due_at() = TimestampOf(incoming.due_us());
  return shown;
}

std::string EtagOf(const journal::Rule& rule) {
  return absl::StrCat(rule.revision(), ".", rule.version());
}

namespace {

v1::Buffer BufferOf(const journal::Buffer& buffer) {
  v1::Buffer shown;
  if (buffer.has_units()) shown.set_units(buffer.units());
  if (buffer.has_percent()) shown.set_percent(buffer.percent());
  if (buffer.has_days_of_cover()) shown.set_days_of_cover(buffer.days_of_cover());
  if (buffer.has_risk_one_in()) shown.set_risk_one_in(buffer.risk_one_in());
  if (buffer.has_min_units()) shown.set_min_units(buffer.min_units());
  if (buffer.has_max_units()) shown.set_max_units(buffer.max_units());
  shown.set_tries(static_cast<int32_t>(buffer.tries()));
  return shown;
}

}  // namespace

v1::Rule RuleOf(const State& state, const journal::Rule& rule) {
  v1::Rule shown;
  shown.set_rule_id(rule.rule_id());
  v1::RuleScope& scope = *shown.mutable_scope();
  if (rule.has_location()) scope.set_location_id(LocationIdOf(state, rule.location()));
  if (rule.has_group()) scope.set_group_id(GroupIdOf(state, rule.group()));
  if (rule.has_item()) {
    scope.set_sku(NameOf(state.items, rule.item(), [](const auto& row) { return row.sku(); }));
  }
  scope.set_category(rule.category());
  if (rule.has_channel()) scope.set_channel_id(ChannelIdOf(state, rule.channel()));
  scope.set_channel_kind(static_cast<v1::ChannelKind>(rule.channel_kind()));
  scope.set_supply(static_cast<v1::Supply>(rule.supply()));
  if (rule.effective_from_us() != 0) {
    *shown.mutable_effective_from() = TimestampOf(rule.effective_from_us());
  }
  if (rule.effective_until_us() != 0) {
    *shown.mutable_effective_until() = TimestampOf(rule.effective_until_us());
  }
  shown.set_zero_policy(static_cast<v1::ZeroPolicy>(rule.zero_policy()));
  if (rule.has_location_floor()) shown.set_location_floor(rule.location_floor());
  if (rule.has_chain_floor()) {
    v1::Floor& floor = *shown.mutable_chain_floor();
    floor.set_units(rule.chain_floor());
    floor.set_reshow_units(rule.chain_floor_reshow());
    floor.set_dwell_s(rule.chain_floor_dwell_s());
  }
  if (rule.has_buffer()) *shown.mutable_buffer() = BufferOf(rule.buffer());
  if (rule.has_chain_buffer()) *shown.mutable_chain_buffer() = BufferOf(rule.chain_buffer());
  if (rule.has_included()) shown.set_included(rule.included());
  if (rule.has_max_quantity()) shown.set_max_quantity(rule.max_quantity());
  if (rule.has_low_stock_at()) shown.set_low_stock_at(rule.low_stock_at());
  if (rule.has_backorder_limit()) shown.set_backorder_limit(rule.backorder_limit());
  if (rule.has_backorder_lead_days()) shown.set_backorder_lead_days(rule.backorder_lead_days());
  if (rule.has_freshness_target_s()) shown.set_freshness_target_s(rule.freshness_target_s());
  if (rule.has_cache_s()) shown.set_cache_s(rule.cache_s());
  shown.set_chain_mode(static_cast<v1::ChainMode>(rule.chain_mode()));
  shown.set_freshness_action(static_cast<v1::FreshnessAction>(rule.freshness_action()));
  shown.set_missing_stock(static_cast<v1::MissingStock>(rule.missing_stock()));
  if (rule.has_demand_factor()) shown.set_demand_factor(rule.demand_factor());
  if (rule.has_priority()) shown.set_priority(rule.priority());
  if (rule.has_pick_latency_s()) shown.set_pick_latency_s(rule.pick_latency_s());
  shown.set_version(rule.version());
  shown.set_etag(EtagOf(rule));
  shown.set_author(rule.author());
  shown.set_reason(rule.reason());
  if (rule.changed_us() != 0) *shown.mutable_changed_at() = TimestampOf(rule.changed_us());
  return shown;
}

}  // namespace onhand::ledger
