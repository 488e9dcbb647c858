// Which items' answers a fact may change: the one place that knows it, for everybody who keeps
// answers and wants to know which of them to look at again. Pure; any thread.
#ifndef ONHAND_SERVER_LEDGER_TOUCHED_H_
#define ONHAND_SERVER_LEDGER_TOUCHED_H_

#include <cstdint>

#include "onhand/journal/v1/journal.pb.h"

namespace onhand::ledger {

namespace journal = ::onhand::journal::v1;

// Is told what a fact touched. Location 0: any.
class Touched {
 public:
  // So many units of the item moved at one position, and nothing else; the sign does not matter.
  virtual void Moved(uint32_t item, uint32_t location, int64_t units) = 0;
  // Anything else about the item's stock or its row.
  virtual void Item(uint32_t item, uint32_t location) = 0;
  // What the shop shows of the item: a fact that the answers of others follow.
  virtual void Shown(uint32_t item) = 0;
  // Any answer.
  virtual void Everything() = 0;
  // A location's known_through moved: what freshness had left out there may count again.
  virtual void KnownThrough(uint32_t location) = 0;
  // Which sources a location waits for, and so what it knows.
  virtual void Sources() = 0;
  // When rules and pauses begin and end.
  virtual void Periods() = 0;

 protected:
  ~Touched() = default;
};

void TellTouched(const journal::Fact& fact, Touched& touched);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_TOUCHED_H_
