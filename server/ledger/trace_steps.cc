#include "server/ledger/trace_steps.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/ledger/explain.h"

namespace onhand::ledger {
namespace {

// `12 %`, with more digits where it is small.
std::string Percent(double share) { return absl::StrFormat("%.2g %%", share * 100); }

std::string OneIn(const BufferRule& risk) {
  return absl::StrCat("1 order in ", static_cast<int64_t>(risk.amount));
}

// How many were withheld, and why so many.
std::string BufferText(const BufferRule& buffer, int64_t withheld, double expected) {
  std::string text = absl::StrCat(withheld, " withheld");
  switch (buffer.mode) {
    case BufferRule::Mode::kUnits:
      return text;
    case BufferRule::Mode::kPercent:
      absl::StrAppend(&text, ": ", absl::StrFormat("%g", buffer.amount), " %");
      break;
    case BufferRule::Mode::kDays:
      absl::StrAppend(&text, ": ", DaysOfCoverText(buffer.amount));
      break;
    case BufferRule::Mode::kRisk:
      absl::StrAppend(&text, ": ", absl::StrFormat("%.2g", expected), " may sell unheard of, and ",
                      OneIn(buffer), " may fail");
      break;
  }
  if (withheld == buffer.min_units && withheld > 0) {
    absl::StrAppend(&text, ", at least ", buffer.min_units);
  } else if (withheld == buffer.max_units) {
    absl::StrAppend(&text, ", at most ", buffer.max_units);
  }
  return text;
}

std::string LocationBufferText(const Shelf& shelf, const LocationRules& rules,
                               const LocationNumbers& numbers, double expected) {
  const BufferRule& buffer = rules.buffer.value;
  if (numbers.doubted) {
    return absl::StrCat("the shelf is empty with a chance of ",
                        Percent(shelf.estimates.doubt.empty), ", and ", OneIn(buffer), " may fail");
  }
  if (numbers.grown) {
    return absl::StrCat(numbers.withheld, " withheld: ", absl::StrFormat("%.2g", expected),
                        " may have sold since it last told");
  }
  return BufferText(buffer, numbers.withheld, expected);
}

}  // namespace

void Tracer::Add(const char* step, uint32_t location, int64_t before, int64_t after,
                 const journal::Rule* rule, std::string text) {
  trace_.steps.push_back(
      {step, location, before, after, rule == nullptr ? "" : rule->rule_id(), std::move(text)});
}

void Tracer::ItemIsStopped(const ItemTraits& item) {
  if (!trace_.with_steps) return;
  Add("stops", 0, 0, 0, nullptr,
      item.stopped ? "the item is stopped everywhere" : "the item is not published");
}

void Tracer::ItemIsMissing(const journal::Rule* rule) {
  if (!trace_.with_steps) return;
  Add("stock", 0, 0, 0, rule, "no location of the channel ever reported it");
}

void Tracer::LocationIsStopped(const Shelf& shelf, const LocationRules& rules, Stop stop) {
  if (trace_.with_steps) {
    Add("stops", shelf.location, std::max<int64_t>(shelf.available, 0), 0, nullptr, TextOf(stop));
  }
  trace_.locations.push_back({.location = shelf.location,
                              .known_through_us = shelf.known_through_us,
                              .priority = rules.priority.value,
                              .stop = stop,
                              .available = shelf.available});
}

void Tracer::LocationTakesPart(const Shelf& shelf, const LocationRules& rules,
                               const LocationNumbers& numbers, const LocationJudge& judge) {
  if (trace_.with_steps) AddLocationSteps(shelf, rules, numbers, judge);
  trace_.locations.push_back({.location = shelf.location,
                              .salable = numbers.part,
                              .known_through_us = shelf.known_through_us,
                              .stale = numbers.stale,
                              .freshness_target_s = rules.freshness_target_s.value.value_or(0),
                              .priority = rules.priority.value,
                              .included = rules.included.value,
                              .counts = numbers.counts,
                              .grown = numbers.grown,
                              .doubted = numbers.doubted,
                              .available = shelf.available,
                              .withheld = numbers.withheld,
                              .empty = shelf.estimates.doubt.empty,
                              .expected_run = shelf.estimates.doubt.run,
                              .buffer = rules.buffer,
                              .location_floor = rules.location_floor,
                              .freshness_rule = rules.freshness_target_s.rule});
}

void Tracer::AddLocationSteps(const Shelf& shelf, const LocationRules& rules,
                              const LocationNumbers& numbers, const LocationJudge& judge) {
  const int64_t stock = std::max<int64_t>(shelf.available, 0);
  Add("stock", shelf.location, stock, stock, nullptr,
      shelf.available < 0
          ? absl::StrCat("the record says ", shelf.available, ", which promises nothing")
          : absl::StrCat(stock, " available"));
  if (numbers.stale) {
    const std::string since =
        shelf.known_through_us == 0
            ? "has never told everything"
            : absl::StrCat("last told more than ", *rules.freshness_target_s.value, " s ago");
    Add("freshness", shelf.location, stock, numbers.counts ? stock : 0,
        rules.freshness_target_s.rule,
        numbers.grown ? absl::StrCat(since, ": its buffer grows") : since);
  }
  if (numbers.counts && numbers.withheld != 0) {
    Add("location buffer", shelf.location, stock, numbers.salable,
        numbers.grown ? rules.freshness_target_s.rule : rules.buffer.rule,
        LocationBufferText(shelf, rules, numbers, judge.DemandAt(rules, shelf).mean));
  }
  if (numbers.counts && numbers.part != numbers.salable) {
    Add("location floor", shelf.location, numbers.salable, numbers.part, rules.location_floor.rule,
        absl::StrCat("fewer than ", rules.location_floor.value, " add nothing"));
  }
  if (!rules.included.value) {
    Add("included", shelf.location, stock, 0, rules.included.rule, "left out of the channel");
  }
}

void Tracer::Sum(int64_t sum, bool is_pooled) {
  if (!trace_.with_steps) return;
  Add("sum", 0, sum, sum, nullptr,
      is_pooled ? "what is available at the channel's locations"
                : "what the channel's locations add up to");
}

void Tracer::ChainBuffer(int64_t sum, int64_t salable, const Ruled<BufferRule>& buffer,
                         int64_t withheld, double expected) {
  if (!trace_.with_steps) return;
  Add("chain buffer", 0, sum, salable, buffer.rule,
      absl::StrCat(BufferText(buffer.value, withheld, expected), " for the chain"));
}

void Tracer::ChainFloor(int64_t salable, bool is_below, const ResolvedRules& rules) {
  if (!trace_.with_steps) return;
  const int32_t floor = rules.chain_floor.value;
  Add("chain floor", 0, salable, is_below ? 0 : salable, rules.chain_floor.rule,
      absl::StrCat(is_below ? "hidden: needs " : "reached: needs ",
                   is_below && salable >= floor ? rules.chain_floor_reshow : floor));
}

void Tracer::Risk(uint32_t location, int64_t salable, bool is_too_risky, double chance_of_failing,
                  const Ruled<BufferRule>& risk) {
  if (!trace_.with_steps) return;
  Add("risk", location, salable, is_too_risky ? 0 : salable, risk.rule,
      absl::StrCat("an order that may try ", risk.value.tries, " locations fails with a chance of ",
                   Percent(chance_of_failing), ", and ", OneIn(risk.value), " may fail"));
}

void Tracer::LeftOut(int64_t salable, const journal::Rule* rule) {
  if (!trace_.with_steps) return;
  Add("included", 0, salable, 0, rule, "left out of the channel");
}

void Tracer::ZeroPolicy(uint32_t location, const Promise& promise, const journal::Rule* rule) {
  if (!trace_.with_steps) return;
  Add("zero policy", location, promise.salable, promise.max_quantity, rule,
      absl::StrCat("nothing to promise from stock: ", TextOf(promise.status)));
}

void Tracer::MaximumQuantity(uint32_t location, const Promise& promise, const journal::Rule* rule) {
  if (!trace_.with_steps || promise.max_quantity == promise.salable) return;
  Add("maximum quantity", location, promise.salable, promise.max_quantity, rule,
      absl::StrCat("at most ", promise.max_quantity, " shown"));
}

void Tracer::SortLocations() {
  std::sort(trace_.locations.begin(), trace_.locations.end(),
            [](const LocationPart& a, const LocationPart& b) {
              return std::tie(a.priority, a.location) < std::tie(b.priority, b.location);
            });
}

}  // namespace onhand::ledger
