// The steps of an evaluation in words, in the order of decision. Owned by one evaluation, and only
// where a trace was asked for.
#ifndef ONHAND_SERVER_LEDGER_TRACE_STEPS_H_
#define ONHAND_SERVER_LEDGER_TRACE_STEPS_H_

#include <cstdint>
#include <string>

#include "server/ledger/availability.h"
#include "server/ledger/location_part.h"
#include "server/ledger/rule_book.h"

namespace onhand::ledger {

class Tracer {
 public:
  explicit Tracer(Trace& trace) : trace_(trace) {}

  void ItemIsStopped(const ItemTraits& item);
  void ItemIsMissing(const journal::Rule* rule);
  void LocationIsStopped(const Shelf& shelf, const LocationRules& rules, Stop stop);
  void LocationTakesPart(const Shelf& shelf, const LocationRules& rules,
                         const LocationNumbers& numbers, const LocationJudge& judge);
  void Sum(int64_t sum, bool is_pooled);
  // `expected`: units that may sell unheard of in the chain.
  void ChainBuffer(int64_t sum, int64_t salable, const Ruled<BufferRule>& buffer, int64_t withheld,
                   double expected);
  void ChainFloor(int64_t salable, bool is_below, const ResolvedRules& rules);
  void Risk(uint32_t location, int64_t salable, bool is_too_risky, double chance_of_failing,
            const Ruled<BufferRule>& risk);
  void LeftOut(int64_t salable, const journal::Rule* rule);
  void ZeroPolicy(uint32_t location, const Promise& promise, const journal::Rule* rule);
  void MaximumQuantity(uint32_t location, const Promise& promise, const journal::Rule* rule);
  // Puts the locations in the order in which orders try them.
  void SortLocations();

 private:
  void AddLocationSteps(const Shelf& shelf, const LocationRules& rules,
                        const LocationNumbers& numbers, const LocationJudge& judge);
  void Add(const char* step, uint32_t location, int64_t before, int64_t after,
           const journal::Rule* rule, std::string text);

  Trace& trace_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_TRACE_STEPS_H_
