#include "server/ledger/hold_numbers.h"

#include <algorithm>

#include "server/ledger/asked_item.h"
#include "server/ledger/availability.h"
#include "server/ledger/back_order.h"
#include "server/ledger/chain_buffer.h"
#include "server/ledger/item_walk.h"
#include "server/ledger/location_part.h"

namespace onhand::ledger {

HoldNumbers::HoldNumbers(const State& state, const RuleBook& book, uint32_t item, uint32_t channel,
                         int64_t now_us)
    : state_(state), book_(book), item_(item), channel_(channel), now_us_(now_us) {
  const journal::Item* row = state.items.Find(item);
  traits_ = TraitsOf(row);
  if (row == nullptr || row->merged_into() != 0) traits_.known = false;
  supply_ = SupplyAt(traits_, now_us);
  candidates_ = book.CandidatesOf(item, row == nullptr ? absl::string_view() : row->category(),
                                  supply_, channel, now_us);
  rules_ = book.Resolve(candidates_, std::nullopt);
  policy_ = PolicyOf(rules_, supply_);
  // Pooled, the chain's one buffer takes the place of the locations' where any of them may fill
  // the order; a customer who collects meets one location's shelf.
  withholds_own_ = rules_.chain_mode.value != v1::CHAIN_MODE_POOLED ||
                   book.KindOf(channel) != v1::CHANNEL_KIND_SHIP;
}

HoldPlace HoldNumbers::At(uint32_t location) const {
  HoldPlace place{.location = location, .stop = book_.StopAt(location, channel_, now_us_)};
  const ResolvedRules rules =
      candidates_.by_location ? book_.Resolve(candidates_, location) : rules_;
  place.priority = rules.priority.value;
  const PositionTable::View view = state_.positions.Find(item_, location);
  if (view.cell == nullptr) return place;
  place.available = AvailableUnits(*view.cell, view.beside);
  if (place.stop != Stop::kNone || !IsForSale()) return place;
  const ItemForecast forecast(state_.learned().ItemOf(item_), book_.scatter());
  const LocationJudge judge(forecast,
                            AskedOf(book_, channel_, rules, PolicyOf(rules, supply_), now_us_));
  const Shelf shelf{.location = location,
                    .available = place.available,
                    .known_through_us = KnownThroughOf(state_, book_, location),
                    .estimates = view.cell->estimates,
                    .place = book_.PlaceOf(location)};
  const LocationNumbers numbers = judge.Judge(rules, shelf, withholds_own_);
  if (numbers.counts)
    place.units = std::min(numbers.salable, std::max<int64_t>(place.available, 0));
  return place;
}

void HoldNumbers::Walk() {
  if (walked_.has_value()) return;
  Walked& walked = walked_.emplace();
  const ItemForecast forecast(state_.learned().ItemOf(item_), book_.scatter());
  const bool is_pooled = rules_.chain_mode.value == v1::CHAIN_MODE_POOLED;
  const BufferRule& rule = rules_.chain_buffer.value;
  const bool withholds = policy_ != v1::ZERO_POLICY_KEEP_SELLING && !rule.IsNone();
  const LocationJudge judge(forecast, AskedOf(book_, channel_, rules_, policy_, now_us_));
  ChainBuffer buffer(rule);
  int64_t sum = 0;
  ForEachPosition(state_, item_, [&](uint32_t location, const Cell& cell, int64_t available) {
    const RuleBook::Place& at = book_.PlaceOf(location);
    const Stop stop = at.StopAt(channel_, now_us_);
    walked.any_reported = walked.any_reported || stop != Stop::kNotInChannel;
    if (stop != Stop::kNone || !IsForSale()) return;
    const HoldPlace place = At(location);
    if (place.units > 0) walked.places.push_back(place);
    if (!withholds) return;
    // As the chain's own number is made, but for floors.
    const LocationRules rules =
        candidates_.by_location ? book_.ResolveLocation(candidates_, location) : rules_;
    const Shelf shelf{.location = location,
                      .available = available,
                      .known_through_us = KnownThroughOf(state_, book_, location),
                      .estimates = cell.estimates,
                      .place = at};
    const LocationNumbers numbers = judge.Judge(rules, shelf, !is_pooled);
    if (!numbers.counts || numbers.salable == 0) return;
    sum += numbers.salable;
    if (rule.FollowsDemand() && !numbers.grown) buffer.Add(judge, rules, shelf);
  });
  if (withholds) {
    walked.chain_units =
        std::max<int64_t>(sum - buffer.Of(sum, book_.scatter().chain_overdispersion()), 0);
  }
}

const std::vector<HoldPlace>& HoldNumbers::Everywhere() {
  Walk();
  return walked_->places;
}

int64_t HoldNumbers::ChainUnits() {
  // Seen without a walk.
  if (rules_.chain_buffer.value.IsNone()) return kNoLimit;
  Walk();
  return walked_->chain_units;
}

BeyondStock HoldNumbers::Beyond(uint32_t location, int64_t more_promised) {
  BeyondStock beyond;
  const ResolvedRules rules = location == 0 ? rules_ : book_.Resolve(candidates_, location);
  const v1::ZeroPolicy policy = PolicyOf(rules, supply_);
  if (policy != v1::ZERO_POLICY_KEEP_SELLING && policy != v1::ZERO_POLICY_BACKORDER) return beyond;
  const bool open =
      location == 0 ? book_.AnyOpen(channel_, now_us_) : book_.IsOpen(location, channel_, now_us_);
  if (!open || !IsForSale() || !rules.included.value) return beyond;
  if (rules.missing_stock.value == v1::MISSING_STOCK_HIDE) {
    Walk();
    if (!walked_->any_reported) return beyond;
  }
  if (policy == v1::ZERO_POLICY_KEEP_SELLING) {
    beyond = {.promise = v1::LINE_PROMISE_KEEP_SELLING, .units = kKeepSellingMax};
    if (const auto next =
            NextSupplyOf(state_, book_, item_, channel_, location, now_us_, more_promised)) {
      beyond.available_from_us = next->due_us;
    }
    return beyond;
  }
  const BackOrder order =
      BackOrderOf(state_, book_, rules, item_, channel_, location, now_us_, more_promised);
  return {.promise = v1::LINE_PROMISE_BACKORDER,
          .units = order.units,
          .available_from_us = order.available_from_us};
}

}  // namespace onhand::ledger
