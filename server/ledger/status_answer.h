// What a shop is told once the numbers are known: from stock, or what the zero policy says. Pure;
// any thread that may read the state.
#ifndef ONHAND_SERVER_LEDGER_STATUS_ANSWER_H_
#define ONHAND_SERVER_LEDGER_STATUS_ANSWER_H_

#include <cstdint>

#include "onhand/v1/types.pb.h"
#include "server/ledger/availability.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

struct Answering {
  const State& state;
  const RuleBook& book;
  const Question& question;
  const ResolvedRules& rules;
  v1::ZeroPolicy policy;  // what is left of the rules' once supply has ended
  int64_t now_us = 0;
};

// Both fill status, rule, quantity and date. Precondition of the first: promise.salable > 0.
void AnswerFromStock(const Answering& answering, Promise& promise);
// `stopped`: nothing may be promised whatever the rules say, only told.
void AnswerFromNothing(const Answering& answering, bool stopped, Promise& promise);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_STATUS_ANSWER_H_
