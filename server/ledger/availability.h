// What may be promised of an item on a channel: a pure function of a state, its rules and a moment.
// No allocation and no message in it unless a trace is asked for: every website's reads run here.
// Any thread that may read the state and the rule book.
#ifndef ONHAND_SERVER_LEDGER_AVAILABILITY_H_
#define ONHAND_SERVER_LEDGER_AVAILABILITY_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "onhand/v1/types.pb.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// KEEP_SELLING shows this many at most.
inline constexpr int32_t kKeepSellingMax = 10'000;

// One item on one channel.
struct Question {
  uint32_t item = 0;
  uint32_t channel = 0;
  uint32_t location = 0;  // 0: the chain, as far as the channel may use it
  // The moment for periods, pauses, freshness and dates. 0: the ledger's time. Callers pass a later
  // one only towards caution (no row came for a while).
  int64_t now_us = 0;
  // True only for the decision about what is shown: then a floor's re-show level and dwell may end
  // what the last display fact began. Everybody else takes the more careful of both.
  bool decides_display = false;
};

// What a shop may tell and take. Times are microseconds, 0: none or unknown.
struct Promise {
  v1::AvailabilityStatus status = v1::AVAILABILITY_STATUS_HIDDEN;
  bool orderable = false;
  // The chain's salable is under its floor, or was and has not reached the re-show level.
  bool below_floor = false;
  int32_t max_quantity = 0;
  int64_t salable = 0;  // of the chain or the location asked for, before floor and zero policy
  int64_t available_from_us = 0;
  int64_t known_through_us = 0;
  int64_t cache_until_us = 0;
  // Some location told too long ago for its freshness target and adds nothing.
  bool any_stale = false;
  // The rule that made the status what it is; null: a default or a stop. Owned by the rule book.
  const journal::Rule* rule = nullptr;

  // For the display evaluator. So many units of the item may move anywhere before the status or
  // below_floor of the chain's answer may change ...
  int64_t slack_units = std::numeric_limits<int64_t>::max();
  // ... and at this moment it may change by itself (rule periods and pauses apart).
  int64_t changes_at_us = RuleBook::kNever;
};

// One location's part of the chain's sum.
struct LocationPart {
  uint32_t location = 0;
  int64_t salable = 0;  // 0 if stopped, stale, left out or under its floor
  int64_t known_through_us = 0;
  // Told too long ago for its freshness target, and so adding nothing.
  bool stale = false;
  int32_t freshness_target_s = 0;
};

// One step of the arithmetic, as v1.ExplainedStep.
struct Step {
  const char* step = "";
  uint32_t location = 0;  // 0: the chain
  int64_t before = 0;
  int64_t after = 0;
  std::string rule_id;
  std::string text;
};

// What an answer shows beyond the promise, if asked for.
struct Trace {
  bool with_steps = false;
  std::vector<LocationPart> locations;  // those that the channel uses, in order of location id
  std::vector<Step> steps;              // in the order of decision
  std::string sentence;                 // one a customer-service person can paste
};

// Asks the memory for what an answer about the item will read. Worth a call some questions ahead in
// a batch. Committed states only.
void Prefetch(const State& state, const RuleBook& book, uint32_t item);

// Never fails: an unknown item or channel is HIDDEN. `trace` may be null. `state` may be an overlay
// (slower). `book` is the
// one of `state`, or of the state under it.
Promise Evaluate(const State& state, const RuleBook& book, const Question& question,
                 Trace* trace = nullptr);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_AVAILABILITY_H_
