// The rules as a lookup structure, with what else a promise asks of each item and location, side by
// side in memory: which channels may use a location, what it told, whether an item is for sale.
// Built from a State and owned by the Ledger; it keeps its own copy of each rule, so that rows of
// the state may move. Changed only by the thread that applies; read by many under the hub's lock.
#ifndef ONHAND_SERVER_LEDGER_RULE_BOOK_H_
#define ONHAND_SERVER_LEDGER_RULE_BOOK_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "onhand/v1/rules.pb.h"
#include "server/ledger/forecast.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// A field's winner: its value and the rule it came from (null: the built-in default).
template <class T>
struct Ruled {
  T value{};
  const journal::Rule* rule = nullptr;
};

// How many units to withhold, as journal::Buffer says it.
struct BufferRule {
  enum class Mode : uint8_t { kUnits, kPercent, kDays, kRisk };
  static constexpr uint8_t kDefaultTries = 3;

  Mode mode = Mode::kUnits;
  uint8_t tries = kDefaultTries;  // kRisk: how many locations an order may try
  int32_t min_units = 0;
  int32_t max_units = std::numeric_limits<int32_t>::max();
  double amount = 0;      // units, percent, days, or N: 1 order in N may fail
  double alpha = 0.01;    // kRisk: 1/N
  double tail_share = 0;  // TailShareOf(alpha)

  // It withholds nothing, whatever is there.
  bool IsNone() const { return mode == Mode::kUnits && amount == 0 && min_units == 0; }
  // It changes with time and sales, not only with what is there.
  bool FollowsDemand() const { return mode == Mode::kDays || mode == Mode::kRisk; }
  int64_t Bounded(int64_t units) const {
    return std::max<int64_t>(min_units, std::min<int64_t>(units, max_units));
  }
};

// What the rules say at one location.
struct LocationRules {
  Ruled<bool> included{true};
  Ruled<int32_t> location_floor;
  Ruled<BufferRule> buffer;
  Ruled<std::optional<int32_t>> freshness_target_s;  // the action comes from the same rule
  v1::FreshnessAction freshness_action = v1::FRESHNESS_ACTION_EXCLUDE;
  Ruled<double> demand_factor{1};
  Ruled<int32_t> priority{100};
  Ruled<int32_t> pick_latency_s{3'600};
};

// What the rules say about one item on one channel, for the chain or at one location.
struct ResolvedRules : LocationRules {
  Ruled<uint32_t> zero_policy{1};  // v1::ZeroPolicy; HIDE
  Ruled<int32_t> chain_floor;      // re-show level and dwell come from the same rule
  int32_t chain_floor_reshow = 0;  // at least the floor
  int32_t chain_floor_dwell_s = 0;
  Ruled<BufferRule> chain_buffer;
  Ruled<uint32_t> chain_mode{v1::CHAIN_MODE_AGGREGATE};      // v1::ChainMode
  Ruled<uint32_t> missing_stock{v1::MISSING_STOCK_AS_ZERO};  // v1::MissingStock
  Ruled<std::optional<int32_t>> max_quantity;
  Ruled<std::optional<int32_t>> low_stock_at;
  Ruled<std::optional<int32_t>> backorder_limit;
  Ruled<int32_t> backorder_lead_days;
  Ruled<int32_t> cache_s{30};
};

// Why a location may promise nothing on a channel.
enum class Stop : uint8_t { kNone, kNotInChannel, kPlanned, kPaused, kClosing, kClosed };

// What a promise asks of an item before its numbers.
struct ItemTraits {
  int64_t supply_us = 0;
  uint32_t category = 0;  // see RuleBook::CategoryOf
  uint8_t supply = 0;     // v1::Supply
  bool published = false;
  bool stopped = false;
  bool known = false;
};
static_assert(sizeof(ItemTraits) == 16);

// What an item's supply counts as at a moment: REORDERABLE where nothing is said, ENDED once its
// season is over.
v1::Supply SupplyAt(const ItemTraits& item, int64_t now_us);

class RuleBook {
 public:
  static constexpr uint32_t kChannelsMax = 8;
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  // A rule made ready for many questions. Opaque outside this class.
  struct Entry;
  // The rules that are in effect for one item on one channel, the most specific first.
  struct Candidates {
    absl::InlinedVector<const Entry*, 12> entries;
    uint32_t channel = 0;
    // False: no candidate is scoped to a location or group, so every location resolves alike.
    bool by_location = false;
    // Some candidate's buffer is a risk.
    bool by_risk = false;
    // Some candidate makes a number follow demand, and so time.
    bool by_demand = false;
  };
  // What a promise asks of a location before its numbers.
  struct Place {
    int64_t known_through_us = 0;  // 0: unknown
    int64_t paused_until_us = 0;
    ForecastWindow window;
    uint8_t used_by = 0;      // bit c: channel c may use the location
    uint8_t paused_for = 0;   // bit c: PAUSED closes channel c
    uint8_t stopped_for = 0;  // bit c: its state closes channel c for good
    uint8_t state = 0;        // v1::LocationState

    // kNone if it may promise something on the channel.
    Stop StopAt(uint32_t channel, int64_t now_us) const;
  };
  // Forecast windows end with a cell of this grid of ledger time, so that they need no new reading
  // with every row; they are up to that much too long.
  static constexpr int64_t kWindowGridUs = int64_t{60} * 1'000'000;

  RuleBook();
  ~RuleBook();
  RuleBook(RuleBook&&) noexcept;
  RuleBook& operator=(RuleBook&&) noexcept;

  static RuleBook Build(const State& state);
  // Needed after a location, group or channel changed.
  void TakePlaces(const State& state);
  // Needed after an item, or what a location's sources told, changed.
  void TakeItem(const journal::Item& item);
  void TakeKnownThrough(const State& state, uint32_t location);
  // Needed when the ledger's time moved, and after a learned fact other than of items.
  void TakeTime(const State& state);
  void TakeLearned(const State& state);
  // Takes a rule as it stands in the state, or forgets one: as good as building anew, and cheap.
  void TakeRule(const journal::Rule& rule);
  void DropRule(absl::string_view rule_id);

  ItemTraits TraitsOf(uint32_t item) const {
    return item < items_.size() ? items_[item] : ItemTraits{};
  }
  absl::string_view CategoryOf(const ItemTraits& traits) const {
    return categories_[traits.category];
  }
  void PrefetchTraits(uint32_t item) const {
    if (item < items_.size()) __builtin_prefetch(&items_[item]);
  }
  // No channel may use an unknown location.
  const Place& PlaceOf(uint32_t location) const {
    static const Place kNowhere;
    return location < places_.size() ? places_[location] : kNowhere;
  }
  const Scatter& scatter() const { return scatter_; }
  // Where all forecast windows end; a question asked later adds the time since.
  int64_t windows_until_us() const { return windows_until_us_; }

  // `category` is the item's path, `supply` as SupplyAt says. Rules out of their period are left
  // out.
  Candidates CandidatesOf(uint32_t item, absl::string_view category, v1::Supply supply,
                          uint32_t channel, int64_t now_us) const;
  // The winner of every field. Without a location: what holds for the chain's own answer; rules of
  // a location or group take part in it if they cover every location that the channel may use.
  ResolvedRules Resolve(const Candidates& candidates, std::optional<uint32_t> location) const;
  // The part of it that a location's numbers need.
  LocationRules ResolveLocation(const Candidates& candidates, uint32_t location) const;

  // Calls visit(rule) for those of the candidates that hold at the location, or for the chain's own
  // answer without one, the nearest first: the first that sets a field is its winner.
  void ForEachHolding(const Candidates& candidates, std::optional<uint32_t> location,
                      absl::FunctionRef<void(const journal::Rule& rule)> visit) const;

  // Whether a channel is known, and its kind (v1::ChannelKind).
  bool HasChannel(uint32_t channel) const { return channel < kChannelsMax && kinds_[channel] != 0; }
  uint32_t KindOf(uint32_t channel) const { return kinds_[channel]; }
  // Why a location may promise nothing on a channel at a moment; kNone if it may.
  Stop StopAt(uint32_t location, uint32_t channel, int64_t now_us) const {
    return PlaceOf(location).StopAt(channel, now_us);
  }
  bool IsOpen(uint32_t location, uint32_t channel, int64_t now_us) const {
    return StopAt(location, channel, now_us) == Stop::kNone;
  }
  // Whether any location may promise something on the channel.
  bool AnyOpen(uint32_t channel, int64_t now_us) const;

  // The next moment after `now_us` at which a rule starts or ends or a pause ends; kNever if none.
  int64_t NextChange(int64_t now_us) const;
  // Calls visit(item) for each such moment in (from_us, until_us]; item 0: any item.
  void ForEachChange(int64_t from_us, int64_t until_us,
                     absl::FunctionRef<void(uint32_t item)> visit) const;

 private:
  using Bucket = std::vector<const Entry*>;  // the most specific first
  // One bit a location.
  class LocationSet {
   public:
    void Add(uint32_t location);
    void AddAllOf(const LocationSet& other);
    bool Has(uint32_t location) const {
      return location / 64 < words_.size() && (words_[location / 64] >> (location % 64) & 1) != 0;
    }
    bool HasAllOf(const LocationSet& other) const;
    bool empty() const;

   private:
    std::vector<uint64_t> words_;
  };
  struct GroupPlace {
    LocationSet locations;
    uint32_t rank = 0;
  };

  void TakeChannels(const State& state);
  void TakeLocation(const State& state, const journal::Location& location, uint8_t in_store);
  void TakeWindow(const State& state, uint32_t location);
  Bucket& BucketOf(const journal::Rule& rule);
  bool Covers(const Entry& entry, uint32_t location) const;
  void AddEdge(int64_t at_us, uint32_t item);
  void DropEdge(int64_t at_us, uint32_t item);

  std::vector<ItemTraits> items_;               // by item id
  std::vector<std::string> categories_ = {""};  // paths by number
  absl::flat_hash_map<std::string, uint32_t> category_numbers_ = {{"", 0}};

  std::array<uint32_t, kChannelsMax> kinds_{};
  std::array<LocationSet, kChannelsMax> channel_locations_;
  std::vector<Place> places_;                                          // by location id
  absl::flat_hash_map<uint32_t, std::unique_ptr<GroupPlace>> groups_;  // entries point into them

  absl::flat_hash_map<std::string, std::unique_ptr<Entry>> entries_;  // by rule id
  absl::flat_hash_map<uint32_t, Bucket> by_item_;
  absl::flat_hash_map<std::string, Bucket> by_category_;
  Bucket for_all_;
  std::multimap<int64_t, uint32_t> edges_;  // moment -> item, 0: any

  Scatter scatter_;
  int64_t windows_until_us_ = 0;
};

inline Stop RuleBook::Place::StopAt(uint32_t channel, int64_t now_us) const {
  const auto bit = static_cast<uint8_t>(1u << channel);
  if ((used_by & bit) == 0) return Stop::kNotInChannel;
  if (((stopped_for | paused_for) & bit) == 0) return Stop::kNone;
  if ((stopped_for & bit) != 0) {
    if (state == v1::LOCATION_STATE_CLOSING) return Stop::kClosing;
    return state == v1::LOCATION_STATE_CLOSED ? Stop::kClosed : Stop::kPlanned;
  }
  return paused_until_us == 0 || now_us < paused_until_us ? Stop::kPaused : Stop::kNone;
}

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_RULE_BOOK_H_
