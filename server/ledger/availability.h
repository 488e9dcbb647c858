// What may be promised of an item on a channel: a pure function of a state, its rules and a moment.
// No allocation and no message in it unless a trace is asked for: every website's reads run here.
// Any thread that may read the state and the rule book.
#ifndef ONHAND_SERVER_LEDGER_AVAILABILITY_H_
#define ONHAND_SERVER_LEDGER_AVAILABILITY_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
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
  // True for who keeps the answer and must know when to ask again: then changes_at_us covers all
  // that is told, and follows_demand and alone are filled.
  bool looks_ahead = false;
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
  // Some location told too long ago for its freshness target, with consequences.
  bool any_stale = false;
  // There is stock, but an order would fail more often than the buffer's risk accepts.
  bool too_risky = false;
  // No location of the channel ever reported the item, and a rule hides such items.
  bool missing = false;
  // The rule that made the status what it is; null: a default or a stop. Owned by the rule book.
  const journal::Rule* rule = nullptr;

  // For the display evaluator and watchers. So many units of the item may move anywhere before the
  // status or below_floor of the chain's answer may change ...
  int64_t slack_units = std::numeric_limits<int64_t>::max();
  // ... and at this moment it may change by itself (rule periods and pauses apart).
  int64_t changes_at_us = RuleBook::kNever;
  // Some number in it follows demand, so that it is looked at once a minute whatever happens.
  bool follows_demand = false;
  // Of a location's answer: no other location's stock and no display fact plays a part in it.
  bool alone = false;
};

// One location's part of the chain's sum.
struct LocationPart {
  uint32_t location = 0;
  int64_t salable = 0;  // 0 if stopped, stale, left out or under its floor
  int64_t known_through_us = 0;
  // Told too long ago for its freshness target, with consequences.
  bool stale = false;
  int32_t freshness_target_s = 0;
  int32_t priority = 0;  // the lower, the earlier it is tried

  // How it came about. Rules are owned by the book; null: a default.
  Stop stop = Stop::kNone;
  bool included = true;
  bool counts = false;      // included, and not left out for its age
  bool grown = false;       // its buffer grew with its age
  bool doubted = false;     // its shelf is too probably empty to promise anything
  int64_t available = 0;    // see AvailableUnits; may be negative
  int64_t withheld = 0;     // by its buffer
  double empty = 0;         // the chance that its shelf is empty although the record says otherwise
  double expected_run = 0;  // units that were expected to sell since the last one sold
  Ruled<BufferRule> buffer;
  Ruled<int32_t> location_floor;
  const journal::Rule* freshness_rule = nullptr;
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
  std::vector<LocationPart> locations;  // those that the channel uses, by priority, location id
  std::vector<Step> steps;              // in the order of decision
  std::string sentence;                 // one a customer-service person can paste
};

// Asks the memory for what an answer about the item will read. Worth a call some questions ahead in
// a batch. Committed states only.
void Prefetch(const State& state, const RuleBook& book, uint32_t item);

// Never fails: an unknown item or channel is HIDDEN. `trace` may be null. `state` may be an overlay
// (slower). `book` is the one of `state`, or of the state under it.
Promise Evaluate(const State& state, const RuleBook& book, const Question& question,
                 Trace* trace = nullptr);

// The chain's answer as the next display decision makes it (see decides_display), and, with that
// decision made, the answer at each position of a location that the channel uses: what asking them
// one by one would give, in one walk. Calls visit(location, promise) by location id; of those
// promises only what is told and taken is meant, no moments and no slack. `chain` names no
// location. Committed states only.
Promise EvaluateEverywhere(const State& state, const RuleBook& book, const Question& chain,
                           absl::FunctionRef<void(uint32_t location, const Promise&)> visit);

// The answer to a question once the next display decision is made. `state` may be an overlay.
Promise EvaluateDecided(const State& state, const RuleBook& book, const Question& question);

// Whether the display fact of a decision says that a floor hides the item until its re-show level:
// only what was shown has to reach that, a first delivery has nothing to return to. `shown`: the
// display before the decision; null: none.
bool RemembersFloor(const Promise& decided, const Display* shown);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_AVAILABILITY_H_
