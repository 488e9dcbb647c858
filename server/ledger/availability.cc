#include "server/ledger/availability.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/ledger/explain.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kSecondsPerDay = int64_t{24} * 3600;
constexpr int64_t kNoSlackLimit = std::numeric_limits<int64_t>::max();
constexpr int64_t kNoMoment = std::numeric_limits<int64_t>::max();

// Lines of an item's cells that are asked of the memory at once; the processor follows by itself.
constexpr size_t kLinesPrefetched = 12;
constexpr size_t kLineBytes = 64;

// Whether no more of the item will come at a moment.
bool SupplyEnded(const ItemTraits& item, int64_t now_us) {
  if (item.supply == v1::SUPPLY_ENDED) return true;
  return item.supply == v1::SUPPLY_SEASONAL && item.supply_us != 0 && item.supply_us <= now_us;
}

ItemTraits TraitsOf(const journal::Item* item) {
  if (item == nullptr) return {};
  return {.supply_us = item->supply_us(),
          .supply = static_cast<uint8_t>(item->supply()),
          .published = item->published(),
          .stopped = item->stopped(),
          .known = true};
}

void PrefetchCells(const State& state, uint32_t item) {
  const PositionTable::ItemPositions positions = state.positions.Of(item);
  const auto* first = reinterpret_cast<const char*>(positions.locations.data());
  const auto* last = reinterpret_cast<const char*>(positions.cells.data() + positions.cells.size());
  for (size_t i = 0; i < kLinesPrefetched && first < last; ++i, first += kLineBytes) {
    __builtin_prefetch(first);
  }
}

// Calls visit(location, available units) for every position of an item, in order of location id.
template <class Visit>
void ForEachPosition(const State& state, uint32_t item, Visit visit) {
  const auto available = [](const Cell& cell, const Beside* beside) {
    const int64_t unavailable = beside == nullptr ? 0 : beside->now.unavailable();
    return cell.on_hand - unavailable;
  };
  if (state.is_overlay) {
    for (const uint32_t location : state.positions.LocationsOf(item)) {
      const PositionTable::View view = state.positions.Find(item, location);
      visit(location, available(*view.cell, view.beside));
    }
    return;
  }
  const PositionTable::ItemPositions positions = state.positions.Of(item);
  // What lies beside is scattered: asked for all at once, it costs one wait instead of many.
  for (const Cell& cell : positions.cells) {
    if (cell.beside != 0) __builtin_prefetch(&state.positions.BesideOf(cell)->now);
  }
  for (size_t i = 0; i < positions.locations.size(); ++i) {
    const Cell& cell = positions.cells[i];
    visit(positions.locations[i], available(cell, state.positions.BesideOf(cell)));
  }
}

// One evaluation. kTraced: also tells how it came about; without it nothing is allocated.
template <bool kTraced>
class Evaluation {
 public:
  Evaluation(const State& state, const RuleBook& book, const Question& question, Trace* trace)
      : state_(state), book_(book), question_(question), trace_(trace) {
    now_us_ = question.now_us != 0 ? question.now_us : state.counters.time_us;
  }

  Promise Run();

 private:
  void Sum();
  void TakePosition(uint32_t location, int64_t available);
  void CompareChainFloor(int64_t salable);
  void Answer();
  void AnswerZero(bool stopped);
  void AnswerFromStock();
  void FindSlack();
  void SetCacheUntil();
  bool LeftOut() const;
  bool Stopped() const;
  // The book holds them side by side, but knows what is committed only.
  void LookUpItem();
  int64_t KnownThroughOf(uint32_t location) const {
    if (!state_.is_overlay) return book_.KnownThroughOf(location);
    const LocationClock* clock = state_.clocks.Find(location);
    return clock == nullptr ? 0 : clock->KnownThrough();
  }

  // Steps and locations exist only in a traced evaluation.
  void AddStep(const char* step, uint32_t location, int64_t before, int64_t after,
               const journal::Rule* rule, std::string text) {
    if (!trace_->with_steps) return;
    trace_->steps.push_back(
        {step, location, before, after, rule == nullptr ? "" : rule->rule_id(), std::move(text)});
  }

  const State& state_;
  const RuleBook& book_;
  const Question& question_;
  Trace* const trace_;
  int64_t now_us_ = 0;

  ItemTraits item_;
  absl::string_view category_;
  RuleBook::Candidates candidates_;
  ResolvedRules rules_;
  v1::ZeroPolicy policy_ = v1::ZERO_POLICY_HIDE;
  bool supply_ended_ = false;
  bool keeps_selling_ = false;

  int64_t chain_sum_ = 0;                 // before the chain buffer
  int64_t chain_salable_ = 0;             // after it
  int64_t location_part_ = 0;             // of the location asked for
  int64_t known_through_us_ = kNoMoment;  // the least that the sum rests on
  bool any_open_ = false;                 // some location with a position may promise
  bool any_included_ = false;
  int64_t floor_slack_ = kNoSlackLimit;  // units until a location crosses its floor
  int64_t fresh_until_us_ = RuleBook::kNever;
  const Display* display_ = nullptr;
  Promise promise_;
};

template <bool kTraced>
void Evaluation<kTraced>::LookUpItem() {
  if (!state_.is_overlay) {
    book_.PrefetchTraits(question_.item);
    if (question_.location == 0) PrefetchCells(state_, question_.item);
    item_ = book_.TraitsOf(question_.item);
    category_ = book_.CategoryOf(item_);
    return;
  }
  const journal::Item* row = state_.items.Find(question_.item);
  item_ = ledger::TraitsOf(row);
  if (row != nullptr) category_ = row->category();
}

template <bool kTraced>
Promise Evaluation<kTraced>::Run() {
  LookUpItem();
  if (!item_.known || !book_.HasChannel(question_.channel)) {
    promise_.cache_until_us = now_us_ + int64_t{rules_.cache_s.value} * kMicrosPerSecond;
    return promise_;
  }
  candidates_ = book_.CandidatesOf(question_.item, category_, question_.channel, now_us_);
  rules_ = book_.Resolve(candidates_, question_.location == 0
                                          ? std::nullopt
                                          : std::optional<uint32_t>(question_.location));
  supply_ended_ = SupplyEnded(item_, now_us_);
  policy_ = static_cast<v1::ZeroPolicy>(rules_.zero_policy.value);
  if (supply_ended_ &&
      (policy_ == v1::ZERO_POLICY_KEEP_SELLING || policy_ == v1::ZERO_POLICY_BACKORDER)) {
    policy_ = v1::ZERO_POLICY_SOLD_OUT;
  }
  keeps_selling_ = policy_ == v1::ZERO_POLICY_KEEP_SELLING;

  if (item_.stopped || !item_.published) {
    if constexpr (kTraced) {
      AddStep("stops", 0, 0, 0, nullptr,
              item_.stopped ? "the item is stopped everywhere" : "the item is not published");
    }
    SetCacheUntil();
  } else {
    Sum();
    Answer();
    SetCacheUntil();
    if (question_.decides_display) FindSlack();
  }
  if constexpr (kTraced) {
    trace_->sentence =
        SentenceOf({.state = state_,
                    .question = question_,
                    .item = *state_.items.Find(question_.item),
                    .rules = rules_,
                    .policy = policy_,
                    .stop = question_.location == 0
                                ? Stop::kNone
                                : book_.StopAt(question_.location, question_.channel, now_us_),
                    .left_out = LeftOut(),
                    .chain_salable = chain_salable_,
                    .now_us = now_us_},
                   promise_);
  }
  return promise_;
}

// Walks only the location asked for where nothing depends on the rest of the chain.
template <bool kTraced>
void Evaluation<kTraced>::Sum() {
  const bool one_location = question_.location != 0 && rules_.chain_floor.value == 0 &&
                            rules_.chain_buffer_units.value == 0;
  if (one_location) {
    const PositionTable::View view = state_.positions.Find(question_.item, question_.location);
    if (view.cell != nullptr) {
      const int64_t unavailable = view.beside == nullptr ? 0 : view.beside->now.unavailable();
      TakePosition(question_.location, view.cell->on_hand - unavailable);
    }
  } else {
    ForEachPosition(state_, question_.item, [this](uint32_t location, int64_t available) {
      TakePosition(location, available);
    });
  }
  if (question_.location != 0) {
    promise_.known_through_us = KnownThroughOf(question_.location);
  } else if (known_through_us_ != kNoMoment) {
    promise_.known_through_us = known_through_us_;
  }
  // Without a buffer or floor the chain's number plays no part in a location's answer.
  chain_salable_ = chain_sum_;
  if (!keeps_selling_) {
    chain_salable_ = std::max<int64_t>(chain_sum_ - rules_.chain_buffer_units.value, 0);
  }
  if constexpr (kTraced) {
    if (!one_location) {
      AddStep("sum", 0, chain_sum_, chain_sum_, nullptr, "what the channel's locations add up to");
    }
    if (chain_salable_ != chain_sum_) {
      AddStep("chain buffer", 0, chain_sum_, chain_salable_, rules_.chain_buffer_units.rule,
              absl::StrCat(rules_.chain_buffer_units.value, " withheld for the chain"));
    }
  }
}

// `available` is on hand less unavailable; a negative one adds nothing and takes nothing from
// others.
template <bool kTraced>
void Evaluation<kTraced>::TakePosition(uint32_t location, int64_t available) {
  const Stop stop = book_.StopAt(location, question_.channel, now_us_);
  if (stop == Stop::kNotInChannel) return;
  if (stop != Stop::kNone) {
    if constexpr (kTraced) {
      AddStep("stops", location, std::max<int64_t>(available, 0), 0, nullptr, TextOf(stop));
      trace_->locations.push_back(
          {.location = location, .known_through_us = KnownThroughOf(location)});
    }
    return;
  }
  any_open_ = true;
  LocationRules here;
  if (candidates_.by_location) here = book_.ResolveLocation(candidates_, location);
  const LocationRules& rules = candidates_.by_location ? here : rules_;

  const int64_t known_through_us = KnownThroughOf(location);
  const int64_t stock = std::max<int64_t>(available, 0);
  const int64_t above_buffer = available - (keeps_selling_ ? 0 : rules.buffer_units.value);
  int64_t part = std::max<int64_t>(above_buffer, 0);
  bool counts = rules.included.value;
  bool stale = false;
  if (counts) {
    any_included_ = true;
    known_through_us_ = std::min(known_through_us_, known_through_us);
    if (rules.freshness_target_s.value.has_value() && !keeps_selling_) {
      const int64_t until_us =
          known_through_us + int64_t{*rules.freshness_target_s.value} * kMicrosPerSecond;
      stale = known_through_us == 0 || now_us_ > until_us;
      if (!stale) fresh_until_us_ = std::min(fresh_until_us_, until_us + 1);
    }
    counts = !stale;
  }
  promise_.any_stale = promise_.any_stale || stale;
  const int32_t floor = rules.location_floor.value;
  if (counts && floor > 0) {
    const int64_t distance = above_buffer < floor ? floor - above_buffer : above_buffer - floor + 1;
    floor_slack_ = std::min(floor_slack_, distance - 1);
  }
  const int64_t before_floor = part;
  if (part < floor) part = 0;

  if constexpr (kTraced) {
    AddStep("stock", location, stock, stock, nullptr,
            available < 0 ? absl::StrCat("the record says ", available, ", which promises nothing")
                          : absl::StrCat(stock, " available"));
    if (stale) {
      AddStep("freshness", location, stock, 0, rules.freshness_target_s.rule,
              absl::StrCat("last told more than ", *rules.freshness_target_s.value, " s ago"));
    }
    if (counts && above_buffer != available) {
      AddStep("location buffer", location, stock, before_floor, rules.buffer_units.rule,
              absl::StrCat(rules.buffer_units.value, " withheld"));
    }
    if (counts && part != before_floor) {
      AddStep("location floor", location, before_floor, part, rules.location_floor.rule,
              absl::StrCat("fewer than ", floor, " add nothing"));
    }
    if (!rules.included.value) {
      AddStep("included", location, stock, 0, rules.included.rule, "left out of the channel");
    }
    trace_->locations.push_back({.location = location,
                                 .salable = counts ? part : 0,
                                 .known_through_us = known_through_us,
                                 .stale = stale,
                                 .freshness_target_s = rules.freshness_target_s.value.value_or(0)});
  }
  if (!counts) return;
  chain_sum_ += part;
  if (location == question_.location) location_part_ = part;
}

// The item, or the location asked for, does not take part in the channel.
template <bool kTraced>
bool Evaluation<kTraced>::LeftOut() const {
  if (question_.location == 0) return !rules_.included.value && !any_included_;
  return !rules_.included.value ||
         book_.StopAt(question_.location, question_.channel, now_us_) == Stop::kNotInChannel;
}

// Nothing may be promised whatever the rules say.
template <bool kTraced>
bool Evaluation<kTraced>::Stopped() const {
  if (question_.location != 0) {
    return !book_.IsOpen(question_.location, question_.channel, now_us_);
  }
  return !any_open_ && !book_.AnyOpen(question_.channel, now_us_);
}

// Hiding is immediate. Showing again is a fact that only the display decision makes.
template <bool kTraced>
void Evaluation<kTraced>::CompareChainFloor(int64_t salable) {
  const int32_t floor = rules_.chain_floor.value;
  if (floor == 0) return;
  promise_.below_floor = salable < floor;
  display_ = state_.display.Find(DisplayKey{question_.item, question_.channel});
  if (promise_.below_floor || display_ == nullptr || !display_->below_floor) return;
  if (question_.location != 0 &&
      book_.Resolve(candidates_, std::nullopt).chain_floor.rule != rules_.chain_floor.rule) {
    return;  // what the chain shows was decided by another floor
  }
  if (!question_.decides_display) {
    promise_.below_floor = true;
    return;
  }
  const int64_t dwell_until_us =
      display_->changed_us + int64_t{rules_.chain_floor_dwell_s} * kMicrosPerSecond;
  if (salable < rules_.chain_floor_reshow) {
    promise_.below_floor = true;
  } else if (now_us_ < dwell_until_us) {
    promise_.below_floor = true;
    promise_.changes_at_us = dwell_until_us;
  }
}

template <bool kTraced>
void Evaluation<kTraced>::Answer() {
  CompareChainFloor(chain_salable_);
  promise_.salable = chain_salable_;
  if (question_.location != 0) {
    promise_.salable = rules_.chain_buffer_units.value == 0
                           ? location_part_
                           : std::min(location_part_, chain_salable_);
  }
  if constexpr (kTraced) {
    if (rules_.chain_floor.value > 0) {
      AddStep("chain floor", 0, chain_salable_, promise_.below_floor ? 0 : chain_salable_,
              rules_.chain_floor.rule,
              absl::StrCat(promise_.below_floor ? "hidden: needs " : "reached: needs ",
                           promise_.below_floor && chain_salable_ >= rules_.chain_floor.value
                               ? rules_.chain_floor_reshow
                               : rules_.chain_floor.value));
    }
  }
  if (LeftOut()) {
    promise_.rule = rules_.included.rule;
    promise_.below_floor = false;
    if constexpr (kTraced) {
      AddStep("included", 0, promise_.salable, 0, promise_.rule, "left out of the channel");
    }
    return;
  }
  if (promise_.salable == 0 || promise_.below_floor) {
    AnswerZero(Stopped());
  } else {
    AnswerFromStock();
  }
}

// Nothing can be promised from stock: the zero policy answers. A stop allows no more than telling.
template <bool kTraced>
void Evaluation<kTraced>::AnswerZero(bool stopped) {
  promise_.rule = promise_.below_floor ? rules_.chain_floor.rule : rules_.zero_policy.rule;
  const int32_t shown_max = rules_.max_quantity.value.value_or(std::numeric_limits<int32_t>::max());
  switch (policy_) {
    case v1::ZERO_POLICY_KEEP_SELLING:
      promise_.status = v1::AVAILABILITY_STATUS_SOLD_OUT;
      if (stopped) break;
      promise_.status = v1::AVAILABILITY_STATUS_KEEP_SELLING;
      promise_.max_quantity = std::min(kKeepSellingMax, shown_max);
      break;
    case v1::ZERO_POLICY_BACKORDER: {
      promise_.status = v1::AVAILABILITY_STATUS_SOLD_OUT;
      const int32_t limit = rules_.backorder_limit.value.value_or(0);
      if (stopped || limit == 0) break;
      promise_.status = v1::AVAILABILITY_STATUS_BACKORDER;
      promise_.max_quantity = std::min(limit, shown_max);
      promise_.available_from_us =
          now_us_ + rules_.backorder_lead_days.value * kSecondsPerDay * kMicrosPerSecond;
      break;
    }
    case v1::ZERO_POLICY_SOLD_OUT:
      promise_.status = v1::AVAILABILITY_STATUS_SOLD_OUT;
      break;
    default:
      promise_.status = v1::AVAILABILITY_STATUS_HIDDEN;
      break;
  }
  promise_.orderable = promise_.max_quantity > 0;
  if constexpr (kTraced) {
    AddStep("zero policy", question_.location, promise_.salable, promise_.max_quantity,
            rules_.zero_policy.rule,
            absl::StrCat("nothing to promise from stock: ", TextOf(promise_.status)));
  }
}

template <bool kTraced>
void Evaluation<kTraced>::AnswerFromStock() {
  const int64_t low = rules_.low_stock_at.value.value_or(0);
  const bool is_low = promise_.salable <= low;
  promise_.status = is_low ? v1::AVAILABILITY_STATUS_LOW_STOCK : v1::AVAILABILITY_STATUS_IN_STOCK;
  promise_.rule = is_low ? rules_.low_stock_at.rule : nullptr;
  int64_t most = keeps_selling_ ? kKeepSellingMax : promise_.salable;
  if (rules_.max_quantity.value.has_value()) {
    most = std::min<int64_t>(most, *rules_.max_quantity.value);
  }
  promise_.max_quantity =
      static_cast<int32_t>(std::min<int64_t>(most, std::numeric_limits<int32_t>::max()));
  promise_.orderable = promise_.max_quantity > 0;
  if constexpr (kTraced) {
    if (promise_.max_quantity != promise_.salable) {
      AddStep("maximum quantity", question_.location, promise_.salable, promise_.max_quantity,
              rules_.max_quantity.rule, absl::StrCat("at most ", promise_.max_quantity, " shown"));
    }
  }
}

// An answer may be kept no longer than until a rule, a pause, a freshness target or the end of a
// season could make it worse.
template <bool kTraced>
void Evaluation<kTraced>::SetCacheUntil() {
  if (item_.supply == v1::SUPPLY_SEASONAL && item_.supply_us > now_us_) {
    fresh_until_us_ = std::min(fresh_until_us_, item_.supply_us);
  }
  promise_.changes_at_us = std::min(promise_.changes_at_us, fresh_until_us_);
  promise_.cache_until_us = std::min({now_us_ + int64_t{rules_.cache_s.value} * kMicrosPerSecond,
                                      book_.NextChange(now_us_), fresh_until_us_});
}

// Every level of the chain's sum at which its status or below_floor could change is a threshold; so
// is every location's floor.
template <bool kTraced>
void Evaluation<kTraced>::FindSlack() {
  if (LeftOut()) {
    // Units at another location could bring the item back where rules differ by location.
    if (candidates_.by_location) promise_.slack_units = 0;
    return;
  }
  const int64_t withheld = keeps_selling_ ? 0 : rules_.chain_buffer_units.value;
  int64_t slack = floor_slack_;
  const auto cross = [&](int64_t level) {
    const int64_t threshold = level + withheld;
    const int64_t distance =
        chain_sum_ >= threshold ? chain_sum_ - threshold + 1 : threshold - chain_sum_;
    slack = std::min(slack, distance - 1);
  };
  cross(1);
  if (rules_.chain_floor.value > 0) {
    cross(rules_.chain_floor.value);
    cross(rules_.chain_floor_reshow);
  }
  if (rules_.low_stock_at.value.value_or(0) > 0) cross(int64_t{*rules_.low_stock_at.value} + 1);
  promise_.slack_units = slack;
}

}  // namespace

void Prefetch(const State& state, const RuleBook& book, uint32_t item) {
  book.PrefetchTraits(item);
  PrefetchCells(state, item);
}

Promise Evaluate(const State& state, const RuleBook& book, const Question& question, Trace* trace) {
  if (trace != nullptr) return Evaluation<true>(state, book, question, trace).Run();
  return Evaluation<false>(state, book, question, nullptr).Run();
}

}  // namespace onhand::ledger
