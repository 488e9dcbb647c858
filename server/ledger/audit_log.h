// The newest audit entries, as the state keeps them: serialized, so that ten thousand take little
// room, and bounded by number and by bytes. Older ones are in the journal and in the table audit.
// Not thread-safe; the hub guards the committed one.
#ifndef ONHAND_SERVER_LEDGER_AUDIT_LOG_H_
#define ONHAND_SERVER_LEDGER_AUDIT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "onhand/journal/v1/journal.pb.h"

namespace onhand::ledger {

struct AuditLog {
  static constexpr size_t kEntriesMax = 10'000;
  static constexpr size_t kBytesMax = size_t{16} << 20;

  // Gives the entry the next number and keeps it; the oldest ones go.
  void Add(::onhand::journal::v1::Audited entry);
  // Entries [first(), end) are kept.
  uint64_t first() const { return end - entries.size(); }
  ::onhand::journal::v1::Audited At(uint64_t number) const;

  uint64_t end = 1;                       // the next entry's number
  uint64_t dropped_through_revision = 0;  // of the newest entry that is kept no more; 0: none is
  std::deque<std::string> entries;        // oldest first
  size_t bytes = 0;                       // of `entries`
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_AUDIT_LOG_H_
