// What may be promised of one item on a channel when a basket is held: at each location, by the
// chain, and beyond stock. The numbers of an answer (availability.h) but for floors, which hide an
// item and do not refuse a hold, and the maximum shown quantity. Lives for one decision or
// question; any thread that may read the state, which may be an overlay.
#ifndef ONHAND_SERVER_LEDGER_HOLD_NUMBERS_H_
#define ONHAND_SERVER_LEDGER_HOLD_NUMBERS_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "onhand/v1/reservations.pb.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// One location of the channel.
struct HoldPlace {
  uint32_t location = 0;
  int64_t units = 0;      // that a hold may take; 0 if the location is stopped or left out
  int64_t available = 0;  // of the position, whatever the channel's rules withhold
  int32_t priority = 0;   // the lower, the earlier
  Stop stop = Stop::kNone;
};

// Units beyond stock.
struct BeyondStock {
  v1::LinePromise promise = v1::LINE_PROMISE_UNSPECIFIED;  // unspecified: none are promised
  int64_t units = 0;
  int64_t available_from_us = 0;
};

class HoldNumbers {
 public:
  static constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

  // All outlive it.
  HoldNumbers(const State& state, const RuleBook& book, uint32_t item, uint32_t channel,
              int64_t now_us);

  // Known, published and not stopped.
  bool IsForSale() const { return traits_.known && traits_.published && !traits_.stopped; }
  HoldPlace At(uint32_t location) const;
  // Every open location of the channel with units to hold, by location id. One walk, then kept.
  const std::vector<HoldPlace>& Everywhere();
  // What all locations together may promise at most, where rules withhold something for the chain.
  int64_t ChainUnits();
  // What may be promised beyond stock, at a location or (0) by the chain, if `more_promised` units
  // were promised besides those of the state.
  BeyondStock Beyond(uint32_t location, int64_t more_promised);

 private:
  void Walk();

  const State& state_;
  const RuleBook& book_;
  const uint32_t item_;
  const uint32_t channel_;
  const int64_t now_us_;
  ItemTraits traits_;
  v1::Supply supply_ = v1::SUPPLY_REORDERABLE;
  RuleBook::Candidates candidates_;
  ResolvedRules rules_;  // the chain's
  v1::ZeroPolicy policy_ = v1::ZERO_POLICY_HIDE;
  bool withholds_own_ = true;

  struct Walked {
    std::vector<HoldPlace> places;
    int64_t chain_units = kNoLimit;
    bool any_reported = false;
  };
  std::optional<Walked> walked_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_HOLD_NUMBERS_H_
