#include "server/ledger/availability.h"

#include <algorithm>
#include <optional>

#include "server/ledger/asked_item.h"
#include "server/ledger/back_order.h"
#include "server/ledger/chain_buffer.h"
#include "server/ledger/explain.h"
#include "server/ledger/item_walk.h"
#include "server/ledger/location_part.h"
#include "server/ledger/status_answer.h"
#include "server/ledger/trace_steps.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kNoSlackLimit = std::numeric_limits<int64_t>::max();
constexpr int64_t kNoMoment = std::numeric_limits<int64_t>::max();

// Units that may move before a number reaches a level, or leaves it.
int64_t SlackAt(int64_t units, int64_t level) {
  return units >= level ? units - level : level - units - 1;
}

// The grid on which items whose answers follow demand are due, each at its own moment of it, so
// that no second of it is busier than the others.
int64_t NextLook(uint32_t item, int64_t now_us) {
  constexpr int64_t kGridUs = RuleBook::kWindowGridUs;
  constexpr uint64_t kSpread = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
  const auto offset_us = static_cast<int64_t>((item * kSpread >> 20) % kGridUs);
  return (now_us - offset_us + kGridUs) / kGridUs * kGridUs + offset_us;
}

// Whether two sets of rules make the same number of what the locations add. KEEP_SELLING apart.
bool SumsAlike(const ResolvedRules& a, const ResolvedRules& b) {
  return a.chain_mode.value == b.chain_mode.value && a.cache_s.value == b.cache_s.value &&
         a.chain_buffer.rule == b.chain_buffer.rule;
}

// One evaluation. Nothing is allocated but by its tracer, and where more rules hold for the item
// than Candidates has room for.
class Evaluation {
 public:
  Evaluation(const State& state, const RuleBook& book, const Question& question)
      : state_(state), book_(book), question_(question) {
    now_us_ = question.now_us != 0 ? question.now_us : state.counters.time_us;
  }

  Promise Run(Trace* trace);
  Promise RunEverywhere(absl::FunctionRef<void(uint32_t location, const Promise&)> visit);
  Promise RunDecided(uint32_t location);

 private:
  void LookUpItem();
  void ResolveRules();
  void ReadPolicy();
  LocationJudge JudgeOf(const ItemForecast& forecast) const;
  void Sum();
  void SumAlike(const LocationJudge& judge);
  bool AsksOneLocation() const;
  void TakePosition(const LocationJudge& judge, uint32_t location, const Cell& cell,
                    int64_t available);
  void TakeRisk(const LocationJudge& judge, const LocationRules& rules, const Shelf& shelf,
                int64_t salable);
  void WithholdForTheChain();
  void CompareChainFloor(int64_t salable);
  void CompareRisk();
  void Answer();
  void FindSlack();
  void LookAhead();
  void SetCacheUntil();
  void TakeDecision(const Promise& chain);
  Promise AnswerAlone() const;
  void AnswerAt(const LocationJudge& judge, uint32_t location, const Cell& cell, int64_t available);
  bool IsTheChainsFloor() const;
  bool LeftOut() const;
  bool IsMissing() const;
  bool Stopped() const;
  int64_t KnownThroughOf(uint32_t location) const {
    return ledger::KnownThroughOf(state_, book_, location);
  }

  const State& state_;
  const RuleBook& book_;
  Question question_;
  std::optional<Tracer> tracer_;
  int64_t now_us_ = 0;

  ItemTraits item_;
  absl::string_view category_;
  RuleBook::Candidates candidates_;
  ResolvedRules rules_;
  v1::Supply supply_ = v1::SUPPLY_REORDERABLE;
  v1::ZeroPolicy policy_ = v1::ZERO_POLICY_HIDE;
  bool keeps_selling_ = false;
  bool is_pooled_ = false;
  bool weighs_risk_ = false;   // risk buffers decide whether the item is shown at all
  bool pools_demand_ = false;  // the chain buffer follows demand

  int64_t chain_sum_ = 0;                 // before the chain buffer
  int64_t chain_withheld_ = 0;            // by it
  int64_t chain_salable_ = 0;             // after it
  int64_t location_part_ = 0;             // of the location asked for
  int64_t known_through_us_ = kNoMoment;  // the least that the sum rests on
  bool any_position_ = false;             // reported, at a location of the channel, stopped or not
  bool any_open_ = false;                 // some location with a position may promise
  bool any_included_ = false;
  int64_t floor_slack_ = kNoSlackLimit;  // units until a location crosses its floor
  int64_t fresh_until_us_ = RuleBook::kNever;
  ChainBuffer chain_buffer_;
  Fillability fillability_{Fillability::kTriesMax};
  Ruled<BufferRule> risk_;     // the strictest of those locations'; no rule: none
  bool risk_settled_ = false;  // enough locations are good enough
  const Display* display_ = nullptr;
  // Everywhere: whether the display will say so, and the floor of that decision.
  std::optional<bool> shop_below_floor_;
  const journal::Rule* shop_floor_rule_ = nullptr;
  Promise promise_;
};

// The book holds them side by side, but knows what is committed only.
void Evaluation::LookUpItem() {
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

void Evaluation::ResolveRules() {
  supply_ = SupplyAt(item_, now_us_);
  candidates_ = book_.CandidatesOf(question_.item, category_, supply_, question_.channel, now_us_);
  rules_ = book_.Resolve(candidates_, question_.location == 0
                                          ? std::nullopt
                                          : std::optional<uint32_t>(question_.location));
  ReadPolicy();
  is_pooled_ = rules_.chain_mode.value == v1::CHAIN_MODE_POOLED;
  chain_buffer_ = ChainBuffer(rules_.chain_buffer.value);
  pools_demand_ = !keeps_selling_ && rules_.chain_buffer.value.FollowsDemand();
  weighs_risk_ = !keeps_selling_ && candidates_.by_risk &&
                 book_.KindOf(question_.channel) == v1::CHANNEL_KIND_SHIP;
  // Where locations differ in their tries, all that any of them may ask for are kept.
  if (!candidates_.by_location) fillability_ = Fillability(rules_.buffer.value.tries);
}

void Evaluation::ReadPolicy() {
  policy_ = PolicyOf(rules_, supply_);
  keeps_selling_ = policy_ == v1::ZERO_POLICY_KEEP_SELLING;
}

Promise Evaluation::Run(Trace* trace) {
  LookUpItem();
  if (!item_.known || !book_.HasChannel(question_.channel)) {
    promise_.cache_until_us = now_us_ + int64_t{rules_.cache_s.value} * kMicrosPerSecond;
    return promise_;
  }
  if (trace != nullptr) tracer_.emplace(*trace);
  ResolveRules();
  if (item_.stopped || !item_.published) {
    if (tracer_) tracer_->ItemIsStopped(item_);
    SetCacheUntil();
    promise_.alone = question_.location != 0;
  } else {
    Sum();
    Answer();
    SetCacheUntil();
    if (question_.decides_display) FindSlack();
    if (question_.looks_ahead) LookAhead();
  }
  if (trace == nullptr) return promise_;
  tracer_->SortLocations();
  trace->sentence =
      SentenceOf({.state = state_,
                  .book = book_,
                  .question = question_,
                  .item = *state_.items.Find(question_.item),
                  .rules = rules_,
                  .policy = policy_,
                  .stop = question_.location == 0
                              ? Stop::kNone
                              : book_.StopAt(question_.location, question_.channel, now_us_),
                  .left_out = LeftOut(),
                  .chain_sum = chain_sum_,
                  .chain_withheld = chain_withheld_,
                  .chain_salable = chain_salable_,
                  .risk = risk_,
                  .locations = trace->locations,
                  .now_us = now_us_},
                 promise_);
  return promise_;
}

// Nothing depends on the rest of the chain.
bool Evaluation::AsksOneLocation() const {
  return question_.location != 0 && rules_.chain_floor.value == 0 &&
         rules_.chain_buffer.value.IsNone();
}

LocationJudge Evaluation::JudgeOf(const ItemForecast& forecast) const {
  return {forecast, AskedOf(book_, question_.channel, rules_, policy_, now_us_)};
}

void Evaluation::Sum() {
  const ItemForecast forecast(state_.learned().ItemOf(question_.item), book_.scatter());
  const LocationJudge judge = JudgeOf(forecast);
  if (AsksOneLocation()) {
    const PositionTable::View view = state_.positions.Find(question_.item, question_.location);
    if (view.cell != nullptr && IsReported(*view.cell, view.beside)) {
      TakePosition(judge, question_.location, *view.cell, AvailableUnits(*view.cell, view.beside));
    }
  } else if (question_.location == 0 && !candidates_.by_location && !tracer_ &&
             !state_.is_overlay) {
    SumAlike(judge);
  } else {
    ForEachPosition(state_, question_.item,
                    [&](uint32_t location, const Cell& cell, int64_t available) {
                      TakePosition(judge, location, cell, available);
                    });
  }
  if (question_.location != 0) {
    promise_.known_through_us = KnownThroughOf(question_.location);
  } else if (known_through_us_ != kNoMoment) {
    promise_.known_through_us = known_through_us_;
  }
  if (tracer_ && !AsksOneLocation()) tracer_->Sum(chain_sum_, is_pooled_);
  WithholdForTheChain();
}

// What TakePosition does at each, where every location is under the same rules and nobody asks for
// one of them or for the way: with everything in registers a thousand take some microseconds.
void Evaluation::SumAlike(const LocationJudge& judge) {
  const bool withholds_own = !is_pooled_;
  const int64_t floor = rules_.location_floor.value;
  int64_t sum = 0, least_known_us = kNoMoment, fresh_until_us = RuleBook::kNever - 1;
  int64_t floor_slack = kNoSlackLimit;
  ChainBuffer chain_buffer(rules_.chain_buffer.value);
  bool any_position = false, any_open = false, any_stale = false;
  const auto take = [&](uint32_t location, const Cell& cell, int64_t available) {
    const RuleBook::Place& place = book_.PlaceOf(location);
    const Stop stop = place.StopAt(question_.channel, now_us_);
    any_position |= stop != Stop::kNotInChannel;
    if (stop != Stop::kNone) return;
    any_open = true;
    const Shelf shelf{.location = location,
                      .available = available,
                      .known_through_us = place.known_through_us,
                      .estimates = cell.estimates,
                      .place = place};
    const LocationNumbers numbers = judge.Judge(rules_, shelf, withholds_own);
    any_stale |= numbers.stale;
    least_known_us = std::min(least_known_us, shelf.known_through_us);
    fresh_until_us = std::min(fresh_until_us, numbers.fresh_until_us);
    if (numbers.counts && floor > 0) {
      floor_slack = std::min(floor_slack, SlackAt(available - numbers.withheld, floor));
    }
    sum += numbers.part;
    if (numbers.part == 0) return;
    if (pools_demand_ && !numbers.grown) chain_buffer.Add(judge, rules_, shelf);
    if (weighs_risk_) TakeRisk(judge, rules_, shelf, numbers.salable);
  };
  ForEachPosition(state_, question_.item, take);
  chain_sum_ = sum;
  any_position_ = any_position;
  any_open_ = any_open;
  any_included_ = any_open && rules_.included.value;
  promise_.any_stale = any_stale;
  if (any_included_) known_through_us_ = least_known_us;
  fresh_until_us_ = std::min(fresh_until_us_, fresh_until_us + 1);
  floor_slack_ = floor_slack;
  chain_buffer_ = chain_buffer;
}

// A negative `available` adds nothing and takes nothing from others.
inline void Evaluation::TakePosition(const LocationJudge& judge, uint32_t location,
                                     const Cell& cell, int64_t available) {
  const RuleBook::Place& place = book_.PlaceOf(location);
  const Stop stop = place.StopAt(question_.channel, now_us_);
  if (stop == Stop::kNotInChannel) return;
  any_position_ = true;
  std::optional<LocationRules> here;
  if (candidates_.by_location) here = book_.ResolveLocation(candidates_, location);
  const LocationRules& rules = here.has_value() ? *here : rules_;
  const Shelf shelf{.location = location,
                    .available = available,
                    .known_through_us = KnownThroughOf(location),
                    .estimates = cell.estimates,
                    .place = place};
  if (stop != Stop::kNone) {
    if (tracer_) tracer_->LocationIsStopped(shelf, rules, stop);
    return;
  }
  any_open_ = true;
  const bool is_asked_for = location == question_.location;
  // A location answers for itself with its own buffer, whatever the chain's number is made of.
  const bool withholds_own = !is_pooled_ || is_asked_for;
  const LocationNumbers numbers = judge.Judge(rules, shelf, withholds_own);
  promise_.any_stale = promise_.any_stale || numbers.stale;
  if (rules.included.value) {
    any_included_ = true;
    known_through_us_ = std::min(known_through_us_, shelf.known_through_us);
  }
  if (numbers.fresh_until_us != RuleBook::kNever) {
    fresh_until_us_ = std::min(fresh_until_us_, numbers.fresh_until_us + 1);
  }
  if (numbers.counts && rules.location_floor.value > 0) {
    floor_slack_ =
        std::min(floor_slack_, SlackAt(available - numbers.withheld, rules.location_floor.value));
  }
  if (tracer_) tracer_->LocationTakesPart(shelf, rules, numbers, judge);
  if (is_asked_for) location_part_ = numbers.part;
  const LocationNumbers added =
      is_pooled_ && is_asked_for ? judge.Judge(rules, shelf, false) : numbers;
  chain_sum_ += added.part;
  if (added.part == 0) return;
  // What a buffer that grew withholds already is not withheld once more for the chain.
  if (pools_demand_ && !added.grown) chain_buffer_.Add(judge, rules, shelf);
  if (weighs_risk_ && (question_.location == 0 || is_asked_for)) {
    TakeRisk(judge, rules, shelf, added.salable);
  }
}

// Most locations need no walk through a distribution: doubt alone makes them worse than others, or
// others are good enough already.
inline void Evaluation::TakeRisk(const LocationJudge& judge, const LocationRules& rules,
                                 const Shelf& shelf, int64_t salable) {
  const BufferRule& buffer = rules.buffer.value;
  if (buffer.mode == BufferRule::Mode::kRisk &&
      (risk_.rule == nullptr || buffer.alpha < risk_.value.alpha)) {
    risk_ = rules.buffer;
  }
  if (risk_settled_ || !fillability_.Matters(shelf.estimates.doubt.empty)) return;
  fillability_.Add(judge.FailureChanceAt(rules, shelf, salable));
  risk_settled_ = !tracer_ && !candidates_.by_location && fillability_.Shown(buffer.alpha);
}

// Without a buffer or floor the chain's number plays no part in a location's answer.
void Evaluation::WithholdForTheChain() {
  const BufferRule& buffer = rules_.chain_buffer.value;
  chain_salable_ = chain_sum_;
  if (keeps_selling_ || buffer.IsNone()) return;
  chain_withheld_ = chain_buffer_.Of(chain_sum_, book_.scatter().chain_overdispersion());
  chain_salable_ = std::max<int64_t>(chain_sum_ - chain_withheld_, 0);
  if (tracer_ && chain_salable_ != chain_sum_) {
    tracer_->ChainBuffer(chain_sum_, chain_salable_, rules_.chain_buffer, chain_withheld_,
                         chain_buffer_.expected());
  }
}

// The item, or the location asked for, does not take part in the channel.
bool Evaluation::LeftOut() const {
  if (question_.location == 0) return !rules_.included.value && !any_included_;
  return !rules_.included.value ||
         book_.StopAt(question_.location, question_.channel, now_us_) == Stop::kNotInChannel;
}

// A rule hides what no location of the channel ever reported.
bool Evaluation::IsMissing() const {
  if (rules_.missing_stock.value != v1::MISSING_STOCK_HIDE || any_position_) return false;
  if (!AsksOneLocation()) return true;
  bool any_position = false;
  ForEachPosition(state_, question_.item, [&](uint32_t location, const Cell&, int64_t) {
    const Stop stop = book_.StopAt(location, question_.channel, now_us_);
    any_position = any_position || stop != Stop::kNotInChannel;
  });
  return !any_position;
}

// Nothing may be promised whatever the rules say.
bool Evaluation::Stopped() const {
  if (question_.location != 0) {
    return !book_.IsOpen(question_.location, question_.channel, now_us_);
  }
  return !any_open_ && !book_.AnyOpen(question_.channel, now_us_);
}

// Whether the floor in force at the location asked for is the one that the chain's answer has.
bool Evaluation::IsTheChainsFloor() const {
  const journal::Rule* rule = shop_below_floor_.has_value()
                                  ? shop_floor_rule_
                                  : book_.Resolve(candidates_, std::nullopt).chain_floor.rule;
  return rule == rules_.chain_floor.rule;
}

// Hiding is immediate. Showing again is a fact that only the display decision makes.
void Evaluation::CompareChainFloor(int64_t salable) {
  const int32_t floor = rules_.chain_floor.value;
  if (floor == 0) return;
  promise_.below_floor = salable < floor;
  if (shop_below_floor_.has_value()) {
    promise_.below_floor = promise_.below_floor || (*shop_below_floor_ && IsTheChainsFloor());
    return;
  }
  display_ = state_.display.Find(DisplayKey{question_.item, question_.channel});
  if (promise_.below_floor || display_ == nullptr || !display_->below_floor) return;
  // Else what the chain shows was decided by another floor.
  if (question_.location != 0 && !IsTheChainsFloor()) return;
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

// Whether orders would find their unit often enough, where rules ask for that.
void Evaluation::CompareRisk() {
  if (risk_.rule == nullptr || promise_.salable == 0) return;
  const double chance = fillability_.ChanceOfFailing(risk_.value.tries);
  promise_.too_risky = !risk_settled_ && chance > risk_.value.alpha;
  if (tracer_) {
    tracer_->Risk(question_.location, promise_.salable, promise_.too_risky, chance, risk_);
  }
}

void Evaluation::Answer() {
  CompareChainFloor(chain_salable_);
  promise_.salable = chain_salable_;
  if (question_.location != 0) {
    promise_.salable = rules_.chain_buffer.value.IsNone()
                           ? location_part_
                           : std::min(location_part_, chain_salable_);
  }
  if (tracer_ && rules_.chain_floor.value > 0) {
    tracer_->ChainFloor(chain_salable_, promise_.below_floor, rules_);
  }
  if (LeftOut()) {
    promise_.rule = rules_.included.rule;
    promise_.below_floor = false;
    if (tracer_) tracer_->LeftOut(promise_.salable, promise_.rule);
    return;
  }
  promise_.missing = IsMissing();
  if (promise_.missing) {
    promise_.rule = rules_.missing_stock.rule;
    promise_.below_floor = false;
    if (tracer_) tracer_->ItemIsMissing(promise_.rule);
    return;
  }
  CompareRisk();
  const Answering answering{.state = state_,
                            .book = book_,
                            .question = question_,
                            .rules = rules_,
                            .policy = policy_,
                            .now_us = now_us_};
  if (promise_.salable > 0 && !promise_.below_floor && !promise_.too_risky) {
    AnswerFromStock(answering, promise_);
    if (tracer_) {
      tracer_->MaximumQuantity(question_.location, promise_, rules_.max_quantity.rule);
    }
    return;
  }
  AnswerFromNothing(answering, Stopped(), promise_);
  // What goes on selling below a floor, does so by the zero policy.
  if (!promise_.orderable) {
    if (promise_.too_risky) promise_.rule = risk_.rule;
    if (promise_.below_floor) promise_.rule = rules_.chain_floor.rule;
  }
  if (tracer_) tracer_->ZeroPolicy(question_.location, promise_, rules_.zero_policy.rule);
}

// The walk for the chain has summed what the locations add; each of them only needs its own rules
// and its own part, unless its rules read the chain's sum with other eyes.
Promise Evaluation::RunEverywhere(
    absl::FunctionRef<void(uint32_t location, const Promise&)> visit) {
  const Promise chain = Run(nullptr);
  if (!item_.known || !book_.HasChannel(question_.channel)) return chain;
  const bool answers = !item_.stopped && item_.published;
  const ResolvedRules chains = rules_;
  const bool chain_keeps_selling = keeps_selling_;
  TakeDecision(chain);
  const ItemForecast forecast(state_.learned().ItemOf(question_.item), book_.scatter());
  const LocationJudge judge = JudgeOf(forecast);
  const auto answer_at = [&](uint32_t location, const Cell& cell, int64_t available) {
    if (book_.StopAt(location, question_.channel, now_us_) == Stop::kNotInChannel) return;
    if (!answers) return visit(location, Promise{});
    question_.location = location;
    if (candidates_.by_location) {
      rules_ = book_.Resolve(candidates_, location);
      ReadPolicy();
      if (keeps_selling_ != chain_keeps_selling || !SumsAlike(rules_, chains)) {
        return visit(location, AnswerAlone());
      }
    }
    AnswerAt(judge, location, cell, available);
    visit(location, promise_);
  };
  ForEachPosition(state_, question_.item, answer_at);
  return chain;
}

Promise Evaluation::RunDecided(uint32_t location) {
  const Promise chain = Run(nullptr);
  if (location == 0) return chain;
  TakeDecision(chain);
  question_.location = location;
  return AnswerAlone();
}

void Evaluation::TakeDecision(const Promise& chain) {
  shop_below_floor_ =
      RemembersFloor(chain, state_.display.Find(DisplayKey{question_.item, question_.channel}));
  shop_floor_rule_ = rules_.chain_floor.rule;
}

Promise Evaluation::AnswerAlone() const {
  Evaluation alone(state_, book_, question_);
  alone.shop_below_floor_ = shop_below_floor_;
  alone.shop_floor_rule_ = shop_floor_rule_;
  return alone.Run(nullptr);
}

void Evaluation::AnswerAt(const LocationJudge& judge, uint32_t location, const Cell& cell,
                          int64_t available) {
  promise_ = Promise{};
  location_part_ = 0;
  if (weighs_risk_) {
    risk_ = {};
    risk_settled_ = false;
    fillability_ =
        Fillability(candidates_.by_location ? Fillability::kTriesMax : rules_.buffer.value.tries);
  }
  const RuleBook::Place& place = book_.PlaceOf(location);
  if (place.StopAt(question_.channel, now_us_) == Stop::kNone) {
    const Shelf shelf{.location = location,
                      .available = available,
                      .known_through_us = KnownThroughOf(location),
                      .estimates = cell.estimates,
                      .place = place};
    const LocationNumbers numbers = judge.Judge(rules_, shelf, true);
    location_part_ = numbers.part;
    const LocationNumbers added = is_pooled_ ? judge.Judge(rules_, shelf, false) : numbers;
    if (weighs_risk_ && added.part != 0) TakeRisk(judge, rules_, shelf, added.salable);
  }
  Answer();
}

// An answer may be kept no longer than until a rule, a pause, a freshness target or the end of a
// season could make it worse.
void Evaluation::SetCacheUntil() {
  if (item_.supply == v1::SUPPLY_SEASONAL && item_.supply_us > now_us_) {
    fresh_until_us_ = std::min(fresh_until_us_, item_.supply_us);
  }
  promise_.changes_at_us = std::min(promise_.changes_at_us, fresh_until_us_);
  promise_.cache_until_us = std::min({now_us_ + int64_t{rules_.cache_s.value} * kMicrosPerSecond,
                                      book_.NextChange(now_us_), fresh_until_us_});
}

// Every level of the chain's salable at which its status or below_floor could change is a
// threshold; so is every location's floor. Buffers in units and percent never move a number by more
// than the units that moved; one that follows demand moves by itself.
void Evaluation::FindSlack() {
  if (LeftOut()) {
    // Units at another location could bring the item back where rules differ by location.
    if (candidates_.by_location) promise_.slack_units = 0;
    return;
  }
  if (promise_.missing) {
    promise_.slack_units = 0;
    return;
  }
  promise_.follows_demand = candidates_.by_demand && !keeps_selling_;
  if (promise_.follows_demand) {
    promise_.slack_units = 0;
    promise_.changes_at_us = std::min(promise_.changes_at_us, NextLook(question_.item, now_us_));
    return;
  }
  int64_t slack = floor_slack_;
  const auto cross = [&](int64_t level) {
    slack = std::min(slack, SlackAt(chain_sum_ - chain_withheld_, level));
  };
  cross(1);
  if (rules_.chain_floor.value > 0) {
    cross(rules_.chain_floor.value);
    cross(rules_.chain_floor_reshow);
  }
  if (rules_.low_stock_at.value.value_or(0) > 0) cross(int64_t{*rules_.low_stock_at.value} + 1);
  promise_.slack_units = slack;
}

// When something in the answer may change by itself, what is told of dates included.
void Evaluation::LookAhead() {
  promise_.alone =
      AsksOneLocation() && rules_.missing_stock.value != v1::MISSING_STOCK_HIDE && !weighs_risk_;
  promise_.follows_demand = candidates_.by_demand && !keeps_selling_ && !LeftOut();
  if (promise_.follows_demand) {
    promise_.changes_at_us = std::min(promise_.changes_at_us, NextLook(question_.item, now_us_));
  }
  if (promise_.status == v1::AVAILABILITY_STATUS_BACKORDER) {
    promise_.changes_at_us =
        std::min(promise_.changes_at_us, NextBackOrderChange(state_, question_.item, now_us_));
  }
}

}  // namespace

void Prefetch(const State& state, const RuleBook& book, uint32_t item) {
  book.PrefetchTraits(item);
  PrefetchCells(state, item);
}

Promise Evaluate(const State& state, const RuleBook& book, const Question& question, Trace* trace) {
  return Evaluation(state, book, question).Run(trace);
}

Promise EvaluateEverywhere(const State& state, const RuleBook& book, const Question& chain,
                           absl::FunctionRef<void(uint32_t location, const Promise&)> visit) {
  Question question = chain;
  question.decides_display = true;
  return Evaluation(state, book, question).RunEverywhere(visit);
}

Promise EvaluateDecided(const State& state, const RuleBook& book, const Question& question) {
  Question chain = question;
  chain.location = 0;
  chain.decides_display = true;
  return Evaluation(state, book, chain).RunDecided(question.location);
}

bool RemembersFloor(const Promise& decided, const Display* shown) {
  return decided.below_floor && shown != nullptr &&
         (shown->below_floor || shown->status == v1::AVAILABILITY_STATUS_IN_STOCK ||
          shown->status == v1::AVAILABILITY_STATUS_LOW_STOCK);
}

}  // namespace onhand::ledger
