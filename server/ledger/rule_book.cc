#include "server/ledger/rule_book.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "onhand/v1/types.pb.h"

namespace onhand::ledger {
namespace {

// Bits of the fields that a rule sets; a field is settled by the first candidate that sets it.
enum Field : uint32_t {
  kZeroPolicy = 1u << 0,
  kChainFloor = 1u << 1,
  kChainBuffer = 1u << 2,
  kMaxQuantity = 1u << 3,
  kLowStock = 1u << 4,
  kBackorderLimit = 1u << 5,
  kBackorderLead = 1u << 6,
  kCache = 1u << 7,
  kIncluded = 1u << 8,
  kLocationFloor = 1u << 9,
  kBuffer = 1u << 10,
  kFreshness = 1u << 11,
  kDemandFactor = 1u << 12,
  kPriority = 1u << 13,
  kPickLatency = 1u << 14,
  kChainMode = 1u << 15,
  kMissingStock = 1u << 16,
};
constexpr uint32_t kOfLocation =
    kIncluded | kLocationFloor | kBuffer | kFreshness | kDemandFactor | kPriority | kPickLatency;
constexpr uint32_t kAll = (1u << 17) - 1;

uint32_t FieldsOf(const journal::Rule& rule) {
  uint32_t fields = 0;
  if (rule.zero_policy() != 0) fields |= kZeroPolicy;
  if (rule.has_chain_floor()) fields |= kChainFloor;
  if (rule.has_chain_buffer()) fields |= kChainBuffer;
  if (rule.has_max_quantity()) fields |= kMaxQuantity;
  if (rule.has_low_stock_at()) fields |= kLowStock;
  if (rule.has_backorder_limit()) fields |= kBackorderLimit;
  if (rule.has_backorder_lead_days()) fields |= kBackorderLead;
  if (rule.has_cache_s()) fields |= kCache;
  if (rule.has_included()) fields |= kIncluded;
  if (rule.has_location_floor()) fields |= kLocationFloor;
  if (rule.has_buffer()) fields |= kBuffer;
  if (rule.has_freshness_target_s()) fields |= kFreshness;
  if (rule.has_demand_factor()) fields |= kDemandFactor;
  if (rule.has_priority()) fields |= kPriority;
  if (rule.has_pick_latency_s()) fields |= kPickLatency;
  if (rule.chain_mode() != 0) fields |= kChainMode;
  if (rule.missing_stock() != 0) fields |= kMissingStock;
  return fields;
}

BufferRule BufferOf(const journal::Buffer& buffer) {
  using Mode = BufferRule::Mode;
  BufferRule rule;
  if (buffer.has_percent()) {
    rule.mode = Mode::kPercent;
    rule.amount = buffer.percent();
  } else if (buffer.has_days_of_cover()) {
    rule.mode = Mode::kDays;
    rule.amount = buffer.days_of_cover();
  } else if (buffer.has_risk_one_in()) {
    rule.mode = Mode::kRisk;
    rule.amount = buffer.risk_one_in();
    rule.alpha = 1 / rule.amount;
    rule.tail_share = TailShareOf(rule.alpha);
    if (buffer.tries() != 0) {
      rule.tries = static_cast<uint8_t>(std::min<uint32_t>(buffer.tries(), Fillability::kTriesMax));
    }
  } else {
    rule.amount = buffer.units();
  }
  rule.min_units = buffer.min_units();
  if (buffer.has_max_units()) rule.max_units = buffer.max_units();
  return rule;
}

constexpr uint32_t kPlaceLocation = 0;
constexpr uint32_t kPlaceChain = std::numeric_limits<uint32_t>::max();

}  // namespace

// Where and when a rule holds, with its values beside it in plain numbers.
struct RuleBook::Entry {
  int64_t from_us = 0;
  int64_t until_us = kNever;
  uint32_t fields = 0;
  uint8_t channels = 0;                    // bit c: holds on channel c
  uint8_t chain_wide = 0;                  // bit c: takes part in channel c's own answer
  uint8_t channel_rank = 0;                // 0 a channel, 1 a kind, 2 all
  uint8_t supply = 0;                      // 0: any
  uint32_t place_rank = 0;                 // 0 a location, 1 + rank a group, the highest the chain
  uint32_t location = 0;                   // 0: none
  const LocationSet* locations = nullptr;  // of its group

  uint32_t zero_policy = 0;
  int32_t chain_floor = 0;
  int32_t chain_floor_reshow = 0;
  int32_t chain_floor_dwell_s = 0;
  BufferRule chain_buffer;
  uint32_t chain_mode = 0;
  uint32_t missing_stock = 0;
  int32_t max_quantity = 0;
  int32_t low_stock_at = 0;
  int32_t backorder_limit = 0;
  int32_t backorder_lead_days = 0;
  int32_t cache_s = 0;
  int32_t location_floor = 0;
  BufferRule buffer;
  int32_t freshness_target_s = 0;
  v1::FreshnessAction freshness_action = v1::FRESHNESS_ACTION_EXCLUDE;
  double demand_factor = 1;
  int32_t priority = 0;
  int32_t pick_latency_s = 0;
  bool included = true;

  journal::Rule rule;

  bool FollowsDemand() const {
    return buffer.FollowsDemand() || chain_buffer.FollowsDemand() ||
           freshness_action == v1::FRESHNESS_ACTION_GROW_BUFFER;
  }
  bool IsScoped() const { return place_rank != kPlaceChain; }
  // The precedence inside one bucket, in which all rules are equally near to the item.
  auto Key() const {
    return std::make_tuple(place_rank, channel_rank, -from_us, absl::string_view(rule.rule_id()));
  }
};

RuleBook::RuleBook() = default;
RuleBook::~RuleBook() = default;
RuleBook::RuleBook(RuleBook&&) noexcept = default;
RuleBook& RuleBook::operator=(RuleBook&&) noexcept = default;

void RuleBook::LocationSet::Add(uint32_t location) {
  if (location / 64 >= words_.size()) words_.resize(location / 64 + 1);
  words_[location / 64] |= uint64_t{1} << (location % 64);
}

void RuleBook::LocationSet::AddAllOf(const LocationSet& other) {
  words_.resize(std::max(words_.size(), other.words_.size()));
  for (size_t i = 0; i < other.words_.size(); ++i) words_[i] |= other.words_[i];
}

bool RuleBook::LocationSet::HasAllOf(const LocationSet& other) const {
  for (size_t i = 0; i < other.words_.size(); ++i) {
    const uint64_t mine = i < words_.size() ? words_[i] : 0;
    if ((other.words_[i] & ~mine) != 0) return false;
  }
  return true;
}

bool RuleBook::LocationSet::empty() const {
  return std::all_of(words_.begin(), words_.end(), [](uint64_t word) { return word == 0; });
}

v1::Supply SupplyAt(const ItemTraits& item, int64_t now_us) {
  if (item.supply == v1::SUPPLY_UNSPECIFIED) return v1::SUPPLY_REORDERABLE;
  const bool is_over =
      item.supply == v1::SUPPLY_SEASONAL && item.supply_us != 0 && item.supply_us <= now_us;
  return is_over ? v1::SUPPLY_ENDED : static_cast<v1::Supply>(item.supply);
}

RuleBook RuleBook::Build(const State& state) {
  RuleBook book;
  book.items_.resize(state.counters.item_end);
  state.items.ForEach([&](uint32_t, const journal::Item& item) { book.TakeItem(item); });
  book.TakePlaces(state);
  book.TakeLearned(state);
  return book;
}

// Rules know by bits and sets where they hold, so they are taken anew with the places.
void RuleBook::TakePlaces(const State& state) {
  entries_.clear();
  by_item_.clear();
  by_category_.clear();
  for_all_.clear();
  edges_.clear();
  groups_.clear();
  state.groups.ForEach([&](uint32_t id, const journal::Group& group) {
    auto place = std::make_unique<GroupPlace>();
    place->rank = group.rank();
    for (const uint32_t location : group.locations()) place->locations.Add(location);
    groups_[id] = std::move(place);
  });
  places_.assign(state.counters.location_end, Place{});
  TakeChannels(state);
  uint8_t in_store = 0;
  for (uint32_t channel = 0; channel < kChannelsMax; ++channel) {
    if (kinds_[channel] == v1::CHANNEL_KIND_IN_STORE)
      in_store |= static_cast<uint8_t>(1u << channel);
  }
  state.locations.ForEach([&](uint32_t, const journal::Location& location) {
    TakeLocation(state, location, in_store);
  });
  for (uint32_t location = 1; location < places_.size(); ++location) TakeWindow(state, location);
  state.rules.ForEach([&](const std::string&, const journal::Rule& rule) { TakeRule(rule); });
}

void RuleBook::TakeChannels(const State& state) {
  kinds_ = {};
  channel_locations_ = {};
  state.channels.ForEach([&](uint32_t id, const journal::Channel& channel) {
    if (id >= kChannelsMax) return;
    kinds_[id] = channel.kind();
    LocationSet& used = channel_locations_[id];
    for (const uint32_t location : channel.locations()) used.Add(location);
    for (const uint32_t group : channel.groups()) {
      const auto found = groups_.find(group);
      if (found != groups_.end()) used.AddAllOf(found->second->locations);
    }
    const bool uses_all = channel.locations().empty() && channel.groups().empty();
    state.locations.ForEach([&](uint32_t location, const journal::Location&) {
      if (uses_all) used.Add(location);
      if (location < places_.size() && used.Has(location)) {
        places_[location].used_by |= static_cast<uint8_t>(1u << id);
      }
    });
  });
}

void RuleBook::TakeLocation(const State& state, const journal::Location& location,
                            uint8_t in_store) {
  if (location.id() >= places_.size()) return;
  Place& place = places_[location.id()];
  if (const LocationClock* clock = state.clocks.Find(location.id())) {
    place.known_through_us = clock->KnownThrough();
  }
  place.state = static_cast<uint8_t>(location.state());
  switch (location.state()) {
    case v1::LOCATION_STATE_OPEN:
      break;
    case v1::LOCATION_STATE_PAUSED:
      place.paused_until_us = location.paused_until_us();
      for (const uint32_t channel : location.paused_channels()) {
        place.paused_for |= static_cast<uint8_t>(1u << channel);
      }
      if (location.paused_channels().empty()) place.paused_for = 0xff;
      if (place.paused_until_us != 0) AddEdge(place.paused_until_us, 0);
      break;
    case v1::LOCATION_STATE_CLOSING:
      place.stopped_for = static_cast<uint8_t>(~in_store);
      break;
    default:
      place.stopped_for = 0xff;
      break;
  }
}

void RuleBook::TakeItem(const journal::Item& item) {
  if (item.id() >= items_.size()) items_.resize(item.id() + 1);
  const auto [number, is_new] =
      category_numbers_.try_emplace(item.category(), static_cast<uint32_t>(categories_.size()));
  if (is_new) categories_.push_back(item.category());
  items_[item.id()] = {.supply_us = item.supply_us(),
                       .category = number->second,
                       .supply = static_cast<uint8_t>(item.supply()),
                       .published = item.published(),
                       .stopped = item.stopped(),
                       .known = true};
}

void RuleBook::TakeKnownThrough(const State& state, uint32_t location) {
  const LocationClock* clock = state.clocks.Find(location);
  if (clock == nullptr || location >= places_.size()) return;
  places_[location].known_through_us = clock->KnownThrough();
  TakeWindow(state, location);
}

void RuleBook::TakeTime(const State& state) {
  const int64_t now_us = state.counters.time_us;
  if (now_us < windows_until_us_ && now_us >= windows_until_us_ - kWindowGridUs) return;
  windows_until_us_ = (now_us / kWindowGridUs + 1) * kWindowGridUs;
  for (uint32_t location = 1; location < places_.size(); ++location) TakeWindow(state, location);
}

void RuleBook::TakeLearned(const State& state) {
  scatter_ = Scatter(state.learned().chain);
  windows_until_us_ = 0;
  TakeTime(state);
}

void RuleBook::TakeWindow(const State& state, uint32_t location) {
  // A source that is enlisted and never told makes the location unknown, not what may have sold
  // there nothing.
  const LocationClock* clock = state.clocks.Find(location);
  const int64_t told_through_us = clock == nullptr ? 0 : clock->ToldThrough();
  places_[location].window = WindowOf(state.learned().LocationOf(location), told_through_us,
                                      state.counters.time_us, windows_until_us_);
}

RuleBook::Bucket& RuleBook::BucketOf(const journal::Rule& rule) {
  if (rule.has_item()) return by_item_[rule.item()];
  if (!rule.category().empty()) return by_category_[rule.category()];
  return for_all_;
}

void RuleBook::TakeRule(const journal::Rule& rule) {
  DropRule(rule.rule_id());
  auto made = std::make_unique<Entry>();
  Entry& entry = *made;
  entry.rule = rule;
  entry.from_us = rule.effective_from_us();
  if (rule.effective_until_us() != 0) entry.until_us = rule.effective_until_us();
  entry.fields = FieldsOf(rule);

  for (uint32_t channel = 0; channel < kChannelsMax; ++channel) {
    if (kinds_[channel] == 0) continue;
    if (rule.has_channel() && rule.channel() != channel) continue;
    if (rule.channel_kind() != 0 && rule.channel_kind() != kinds_[channel]) continue;
    entry.channels |= static_cast<uint8_t>(1u << channel);
  }
  entry.channel_rank = rule.has_channel() ? 0 : rule.channel_kind() != 0 ? 1 : 2;
  entry.supply = static_cast<uint8_t>(rule.supply());

  LocationSet one;
  const LocationSet* place = nullptr;  // null: the chain
  entry.place_rank = kPlaceChain;
  if (rule.has_location()) {
    entry.place_rank = kPlaceLocation;
    entry.location = rule.location();
    one.Add(rule.location());
    place = &one;
  } else if (rule.has_group()) {
    // A group that the book does not know holds no location, so that the rule holds nowhere.
    static const LocationSet kNowhere;
    const auto found = groups_.find(rule.group());
    entry.place_rank = 1 + (found == groups_.end() ? 0 : found->second->rank);
    entry.locations = found == groups_.end() ? &kNowhere : &found->second->locations;
    place = entry.locations;
  }
  for (uint32_t channel = 0; channel < kChannelsMax; ++channel) {
    const LocationSet& used = channel_locations_[channel];
    if (place == nullptr || (!used.empty() && place->HasAllOf(used))) {
      entry.chain_wide |= static_cast<uint8_t>(1u << channel);
    }
  }

  entry.zero_policy = rule.zero_policy();
  entry.chain_floor = rule.chain_floor();
  entry.chain_floor_reshow = std::max(rule.chain_floor_reshow(), rule.chain_floor());
  entry.chain_floor_dwell_s = rule.chain_floor_dwell_s();
  entry.chain_buffer = BufferOf(rule.chain_buffer());
  entry.chain_mode = rule.chain_mode();
  entry.missing_stock = rule.missing_stock();
  entry.max_quantity = rule.max_quantity();
  entry.low_stock_at = rule.low_stock_at();
  entry.backorder_limit = rule.backorder_limit();
  entry.backorder_lead_days = rule.backorder_lead_days();
  entry.cache_s = rule.cache_s();
  entry.location_floor = rule.location_floor();
  entry.buffer = BufferOf(rule.buffer());
  entry.freshness_target_s = rule.freshness_target_s();
  if (rule.freshness_action() != 0) {
    entry.freshness_action = static_cast<v1::FreshnessAction>(rule.freshness_action());
  }
  entry.demand_factor = rule.demand_factor();
  entry.priority = rule.priority();
  entry.pick_latency_s = rule.pick_latency_s();
  entry.included = rule.included();

  Bucket& bucket = BucketOf(entry.rule);
  bucket.insert(
      std::upper_bound(bucket.begin(), bucket.end(), &entry,
                       [](const Entry* a, const Entry* b) { return a->Key() < b->Key(); }),
      &entry);
  const uint32_t item = rule.has_item() ? rule.item() : 0;
  AddEdge(entry.from_us, item);
  AddEdge(entry.until_us, item);
  entries_[rule.rule_id()] = std::move(made);
}

void RuleBook::DropRule(absl::string_view rule_id) {
  const auto found = entries_.find(rule_id);
  if (found == entries_.end()) return;
  const Entry& entry = *found->second;
  Bucket& bucket = BucketOf(entry.rule);
  bucket.erase(std::find(bucket.begin(), bucket.end(), &entry));
  const uint32_t item = entry.rule.has_item() ? entry.rule.item() : 0;
  if (bucket.empty() && item != 0) by_item_.erase(item);
  if (item == 0 && !entry.rule.category().empty()) {
    const auto category = by_category_.find(entry.rule.category());
    if (category->second.empty()) by_category_.erase(category);
  }
  DropEdge(entry.from_us, item);
  DropEdge(entry.until_us, item);
  entries_.erase(found);
}

void RuleBook::AddEdge(int64_t at_us, uint32_t item) {
  if (at_us != kNever) edges_.emplace(at_us, item);
}

void RuleBook::DropEdge(int64_t at_us, uint32_t item) {
  const auto [first, last] = edges_.equal_range(at_us);
  const auto found =
      std::find_if(first, last, [&](const auto& edge) { return edge.second == item; });
  if (found != last) edges_.erase(found);
}

RuleBook::Candidates RuleBook::CandidatesOf(uint32_t item, absl::string_view category,
                                            v1::Supply supply, uint32_t channel,
                                            int64_t now_us) const {
  Candidates candidates;
  candidates.channel = channel;
  const auto bit = static_cast<uint8_t>(1u << channel);
  const auto take = [&](const Bucket& bucket) {
    for (const Entry* entry : bucket) {
      if ((entry->channels & bit) == 0 || now_us < entry->from_us || now_us >= entry->until_us) {
        continue;
      }
      if (entry->supply != 0 && entry->supply != supply) continue;
      candidates.entries.push_back(entry);
      candidates.by_location = candidates.by_location || entry->IsScoped();
      candidates.by_risk = candidates.by_risk || entry->buffer.mode == BufferRule::Mode::kRisk;
      candidates.by_demand = candidates.by_demand || entry->FollowsDemand();
    }
  };
  if (!by_item_.empty()) {
    if (const auto found = by_item_.find(item); found != by_item_.end()) take(found->second);
  }
  if (!by_category_.empty()) {
    while (!category.empty()) {
      if (const auto found = by_category_.find(category); found != by_category_.end()) {
        take(found->second);
      }
      const size_t slash = category.rfind('/');
      category = category.substr(0, slash == absl::string_view::npos ? 0 : slash);
    }
  }
  take(for_all_);
  return candidates;
}

bool RuleBook::Covers(const Entry& entry, uint32_t location) const {
  if (entry.locations != nullptr) return entry.locations->Has(location);
  return entry.location == 0 || entry.location == location;
}

namespace {

template <class T, class V>
void Take(Ruled<T>& field, const V& value, const journal::Rule* rule) {
  field.value = value;
  field.rule = rule;
}

// Fills the fields of `wanted` from a rule's entry.
template <class Entry>
void TakeLocationFields(LocationRules& rules, const Entry& entry, uint32_t wanted) {
  if (wanted & kIncluded) Take(rules.included, entry.included, &entry.rule);
  if (wanted & kLocationFloor) Take(rules.location_floor, entry.location_floor, &entry.rule);
  if (wanted & kBuffer) Take(rules.buffer, entry.buffer, &entry.rule);
  if (wanted & kFreshness) {
    Take(rules.freshness_target_s, entry.freshness_target_s, &entry.rule);
    rules.freshness_action = entry.freshness_action;
  }
  if (wanted & kDemandFactor) Take(rules.demand_factor, entry.demand_factor, &entry.rule);
  if (wanted & kPriority) Take(rules.priority, entry.priority, &entry.rule);
  if (wanted & kPickLatency) Take(rules.pick_latency_s, entry.pick_latency_s, &entry.rule);
}

template <class Entry>
void TakeChainFields(ResolvedRules& rules, const Entry& entry, uint32_t wanted) {
  if (wanted & kZeroPolicy) Take(rules.zero_policy, entry.zero_policy, &entry.rule);
  if (wanted & kChainFloor) {
    Take(rules.chain_floor, entry.chain_floor, &entry.rule);
    rules.chain_floor_reshow = entry.chain_floor_reshow;
    rules.chain_floor_dwell_s = entry.chain_floor_dwell_s;
  }
  if (wanted & kChainBuffer) Take(rules.chain_buffer, entry.chain_buffer, &entry.rule);
  if (wanted & kChainMode) Take(rules.chain_mode, entry.chain_mode, &entry.rule);
  if (wanted & kMissingStock) Take(rules.missing_stock, entry.missing_stock, &entry.rule);
  if (wanted & kMaxQuantity) Take(rules.max_quantity, entry.max_quantity, &entry.rule);
  if (wanted & kLowStock) Take(rules.low_stock_at, entry.low_stock_at, &entry.rule);
  if (wanted & kBackorderLimit) Take(rules.backorder_limit, entry.backorder_limit, &entry.rule);
  if (wanted & kBackorderLead) {
    Take(rules.backorder_lead_days, entry.backorder_lead_days, &entry.rule);
  }
  if (wanted & kCache) Take(rules.cache_s, entry.cache_s, &entry.rule);
}

}  // namespace

ResolvedRules RuleBook::Resolve(const Candidates& candidates,
                                std::optional<uint32_t> location) const {
  ResolvedRules rules;
  uint32_t open = kAll;
  for (const Entry* entry : candidates.entries) {
    const uint32_t wanted = entry->fields & open;
    if (wanted == 0) continue;
    const bool holds = location.has_value() ? Covers(*entry, *location)
                                            : (entry->chain_wide >> candidates.channel & 1) != 0;
    if (!holds) continue;
    TakeLocationFields(rules, *entry, wanted);
    TakeChainFields(rules, *entry, wanted);
    open &= ~wanted;
    if (open == 0) break;
  }
  return rules;
}

LocationRules RuleBook::ResolveLocation(const Candidates& candidates, uint32_t location) const {
  LocationRules rules;
  uint32_t open = kOfLocation;
  for (const Entry* entry : candidates.entries) {
    const uint32_t wanted = entry->fields & open;
    if (wanted == 0 || !Covers(*entry, location)) continue;
    TakeLocationFields(rules, *entry, wanted);
    open &= ~wanted;
    if (open == 0) break;
  }
  return rules;
}

void RuleBook::ForEachHolding(const Candidates& candidates, std::optional<uint32_t> location,
                              absl::FunctionRef<void(const journal::Rule& rule)> visit) const {
  for (const Entry* entry : candidates.entries) {
    const bool holds = location.has_value() ? Covers(*entry, *location)
                                            : (entry->chain_wide >> candidates.channel & 1) != 0;
    if (holds) visit(entry->rule);
  }
}

bool RuleBook::AnyOpen(uint32_t channel, int64_t now_us) const {
  for (uint32_t location = 0; location < places_.size(); ++location) {
    if (IsOpen(location, channel, now_us)) return true;
  }
  return false;
}

int64_t RuleBook::NextChange(int64_t now_us) const {
  // Nearly every edge is a rule's start long ago: that is seen without a search.
  if (edges_.empty() || edges_.rbegin()->first <= now_us) return kNever;
  const auto next = edges_.upper_bound(now_us);
  return next == edges_.end() ? kNever : next->first;
}

void RuleBook::ForEachChange(int64_t from_us, int64_t until_us,
                             absl::FunctionRef<void(uint32_t item)> visit) const {
  for (auto edge = edges_.upper_bound(from_us); edge != edges_.end() && edge->first <= until_us;
       ++edge) {
    visit(edge->second);
  }
}

}  // namespace onhand::ledger
