#include "storage/migrations/migrations.h"

namespace onhand::storage {

// Who showed which token, from where, by which call, and what it said before and after. Rows from
// before have none of it.
extern const Migration kAuditMigration;
const Migration kAuditMigration = {6, "audit", SchemaPart::kTables, R"sql(
ALTER TABLE audit ADD COLUMN principal {id} NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN peer {id} NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN method {id} NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN before_json {text};
ALTER TABLE audit ADD COLUMN after_json {text};
)sql"};

}  // namespace onhand::storage
