#include "server/ledger/audit_log.h"

#include <utility>

namespace onhand::ledger {

void AuditLog::Add(::onhand::journal::v1::Audited entry) {
  entry.set_number(end++);
  std::string serialized = entry.SerializeAsString();
  bytes += serialized.size();
  entries.push_back(std::move(serialized));
  while (entries.size() > kEntriesMax || (bytes > kBytesMax && entries.size() > 1)) {
    dropped_through_revision = At(first()).revision();
    bytes -= entries.front().size();
    entries.pop_front();
  }
}

::onhand::journal::v1::Audited AuditLog::At(uint64_t number) const {
  ::onhand::journal::v1::Audited entry;
  entry.ParseFromString(entries[number - first()]);
  return entry;
}

}  // namespace onhand::ledger
