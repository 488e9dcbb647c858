// An answer in words: what a customer-service person can paste, and the texts of single steps.
// Pure functions; any thread that may read the state.
#ifndef ONHAND_SERVER_LEDGER_EXPLAIN_H_
#define ONHAND_SERVER_LEDGER_EXPLAIN_H_

#include <cstdint>
#include <string>

#include "onhand/v1/types.pb.h"
#include "server/ledger/availability.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// What the sentence is made from, beyond the promise itself.
struct Circumstances {
  const State& state;
  const Question& question;
  const journal::Item& item;
  const ResolvedRules& rules;
  v1::ZeroPolicy policy;
  Stop stop = Stop::kNone;  // of the location asked for
  bool left_out = false;
  int64_t chain_salable = 0;
  int64_t now_us = 0;
};

// Such as `Hidden since 14:05 UTC: 4 left in the chain, rule 'below-5' needs 5 (set by Ana on 3 May
// 2026); returns at 8.`
std::string SentenceOf(const Circumstances& circumstances, const Promise& promise);

// Such as `the location is paused`.
std::string TextOf(Stop stop);
// Such as `sold out`.
std::string TextOf(v1::AvailabilityStatus status);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_EXPLAIN_H_
