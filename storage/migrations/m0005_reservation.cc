#include "storage/migrations/migrations.h"

namespace onhand::storage {

// A row is a line of a reservation; `expires_at_us` is null unless lines are held.
extern const Migration kReservationMigration;
const Migration kReservationMigration = {5, "reservation", SchemaPart::kTables, R"sql(
CREATE TABLE IF NOT EXISTS reservation (
  reservation_id  {id}    NOT NULL,
  line_id         {int32} NOT NULL,
  order_reference {text}  NOT NULL,
  channel_id      {id}    NOT NULL,
  sku             {id}    NOT NULL,
  location_id     {id}    NOT NULL,
  units           {int32} NOT NULL,
  promise         {id}    NOT NULL,
  state           {id}    NOT NULL,
  created_at_us   {int64} NOT NULL,
  expires_at_us   {int64},
  revision        {int64} NOT NULL,
  PRIMARY KEY (reservation_id, line_id)
) {keyed};
)sql"};

}  // namespace onhand::storage
