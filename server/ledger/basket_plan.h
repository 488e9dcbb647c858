// Where the units of a basket would come from: the one answer that asking and holding share. Demand
// is counted once: what one line takes is not there for the next. Pure; any thread that may read
// the state, which may be an overlay.
#ifndef ONHAND_SERVER_LEDGER_BASKET_PLAN_H_
#define ONHAND_SERVER_LEDGER_BASKET_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "onhand/v1/reservations.pb.h"
#include "server/ledger/basket.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// Units of a line from one place.
struct PlannedPart {
  int32_t units = 0;
  v1::LinePromise promise = v1::LINE_PROMISE_STOCK;
  uint32_t location = 0;  // STOCK always has one
  int64_t available_from_us = 0;
  std::string location_reason;  // why the hub chose it; empty if the caller did
};

struct PlannedLine {
  std::vector<PlannedPart> parts;
  int32_t units = 0;      // of all parts
  std::string shortfall;  // why less than wanted; empty if all
};

struct BasketPlan {
  std::vector<PlannedLine> lines;  // as in the basket
  // The first line that gets less than it wants; -1 if none does.
  int FirstShort() const;
  bool IsEmpty() const;
};

// Each line gets, in this order: all its units from one location, as many lines of the basket from
// one as want it left to the hub; all from several (SHIP, allow_split); all beyond stock; or what
// there is, which FirstShort tells.
BasketPlan PlanBasket(const State& state, const RuleBook& book, const WantedBasket& wanted,
                      int64_t now_us);

v1::BasketAnswer AnswerOf(const State& state, const WantedLine& wanted, const PlannedLine& planned);

// Kilometres between two points, along the earth's surface.
double DistanceKm(double latitude_a, double longitude_a, double latitude_b, double longitude_b);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_BASKET_PLAN_H_
