// Reads the columns of movements as rows, and writes rows as columns.
#ifndef ONHAND_SERVER_LEDGER_ROWS_H_
#define ONHAND_SERVER_LEDGER_ROWS_H_

#include <cstdint>

#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/fold.h"

namespace onhand::ledger {

namespace journal = ::onhand::journal::v1;

class RowReader {
 public:
  // `rows` outlives the reader.
  explicit RowReader(const journal::MovementColumns& rows) : rows_(rows) {}

  int size() const { return rows_.item_size(); }
  uint32_t item(int i) const { return rows_.item(i); }
  uint32_t location(int i) const { return rows_.location(rows_.location_size() == 1 ? 0 : i); }
  EventKind kind(int i) const {
    return static_cast<EventKind>(rows_.kind()[static_cast<size_t>(i)]);
  }
  int64_t quantity(int i) const { return rows_.quantity(i); }
  int64_t occurred_us(int i) const { return rows_.base_us() + rows_.occurred(i); }
  uint32_t row(int i) const {
    return rows_.row_size() == 0 ? static_cast<uint32_t>(i) : rows_.row(i);
  }
  Event event(int i, uint32_t source, uint32_t spool, uint64_t sequence, uint32_t arrived_s) const;

 private:
  const journal::MovementColumns& rows_;
};

// Appends rows to columns. One location for all rows is kept as one value; row numbers only if one
// is left out.
class RowWriter {
 public:
  explicit RowWriter(journal::MovementColumns* rows) : rows_(rows) {}

  // Returns the index of the row in the columns.
  int Add(uint32_t item, uint32_t location, uint32_t kind, int64_t quantity, int64_t occurred_us,
          uint32_t row);

 private:
  journal::MovementColumns* rows_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_ROWS_H_
