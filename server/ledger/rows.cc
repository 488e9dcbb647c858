#include "server/ledger/rows.h"

namespace onhand::ledger {

Event RowReader::event(int i, uint32_t source, uint32_t spool, uint64_t sequence,
                       uint32_t arrived_s) const {
  Event event;
  event.at_us = occurred_us(i);
  event.sequence = sequence;
  event.kind = static_cast<uint64_t>(kind(i));
  event.inferred = 0;
  event.source = source;
  event.row = row(i);
  event.spool = spool;
  event.quantity = static_cast<int32_t>(quantity(i));
  event.arrived_s = arrived_s;
  return event;
}

int RowWriter::Add(uint32_t item, uint32_t location, uint32_t kind, int64_t quantity,
                   int64_t occurred_us, uint32_t row) {
  const int index = rows_->item_size();
  if (index == 0) {
    rows_->add_location(location);
    rows_->set_base_us(occurred_us);
  } else if (rows_->location_size() == 1 && rows_->location(0) != location) {
    const uint32_t common = rows_->location(0);
    rows_->mutable_location()->Resize(index, common);
    rows_->add_location(location);
  } else if (rows_->location_size() > 1) {
    rows_->add_location(location);
  }
  rows_->add_item(item);
  rows_->mutable_kind()->push_back(static_cast<char>(kind));
  rows_->add_quantity(quantity);
  rows_->add_occurred(occurred_us - rows_->base_us());
  if (rows_->row_size() > 0) {
    rows_->add_row(row);
  } else if (row != static_cast<uint32_t>(index)) {
    for (int i = 0; i < index; ++i) rows_->add_row(static_cast<uint32_t>(i));
    rows_->add_row(row);
  }
  return index;
}

}  // namespace onhand::ledger
