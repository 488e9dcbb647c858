#include "storage/migrations/migrations.h"

namespace onhand::storage {

// Unsigned 64-bit values (epoch, writer, chain) are kept as the signed number of the same bits.
// `meta` holds what there is one of, such as journal_id.
extern const Migration kJournalMigration;
const Migration kJournalMigration = {1, "journal", SchemaPart::kTruth, R"sql(
CREATE TABLE IF NOT EXISTS meta (
  name  {id} NOT NULL PRIMARY KEY,
  value {id} NOT NULL
) {plain};

CREATE TABLE IF NOT EXISTS journal (
  revision        {int64} NOT NULL PRIMARY KEY,
  epoch           {int64} NOT NULL,
  writer          {int64} NOT NULL,
  committed_at_us {int64} NOT NULL,
  chain           {int64} NOT NULL,
  payload         {blob}  NOT NULL
) {plain};
)sql"};

}  // namespace onhand::storage
