// An answer in one sentence that a customer-service person can paste. Pure functions; any thread
// that may read the state.
#ifndef ONHAND_SERVER_LEDGER_EXPLAIN_H_
#define ONHAND_SERVER_LEDGER_EXPLAIN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "onhand/v1/types.pb.h"
#include "server/ledger/availability.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"
#include "server/ledger/wording.h"

namespace onhand::ledger {

// What the sentence is made from, beyond the promise itself.
struct Circumstances {
  const State& state;
  const RuleBook& book;
  const Question& question;
  const journal::Item& item;
  const ResolvedRules& rules;
  v1::ZeroPolicy policy;
  Stop stop = Stop::kNone;  // of the location asked for
  bool left_out = false;
  int64_t chain_sum = 0;       // before the chain buffer
  int64_t chain_withheld = 0;  // by it
  int64_t chain_salable = 0;
  const Ruled<BufferRule>& risk;  // the strictest that decides whether the item is shown
  const std::vector<LocationPart>& locations;
  int64_t now_us = 0;
};

// Such as `Hidden since 14:05 UTC: 4 left in the chain, rule 'below-5' needs 5 (set by Ana on 3 May
// 2026); returns at 8.`
std::string SentenceOf(const Circumstances& circumstances, const Promise& promise);

// Such as `the location is paused`.
std::string TextOf(Stop stop);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_EXPLAIN_H_
