// Which rule won each field that plays a part in an answer, which rules lost, and by which line of
// precedence. Pure; any thread that may read the state and the rule book.
#ifndef ONHAND_SERVER_LEDGER_EXPLAIN_FIELDS_H_
#define ONHAND_SERVER_LEDGER_EXPLAIN_FIELDS_H_

#include <string>

#include "onhand/v1/availability.pb.h"
#include "server/ledger/availability.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// Adds a row to `explanation.fields` for every field that some rule in effect sets for the question
// (of the location asked for, or of the chain), and for those whose built-in default always counts.
// An unknown item has none.
void ExplainFields(const State& state, const RuleBook& book, const Question& question,
                   v1::Explanation* explanation);

// Why a rule lost against the one that won a field, such as `a location's rule beats a group's`.
// Precondition: both hold at the same place, and `winner` comes first by precedence.
std::string WhyLost(const State& state, const journal::Rule& winner, const journal::Rule& loser);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_EXPLAIN_FIELDS_H_
