#include "storage/migrations/migrations.h"

namespace onhand::storage {

// Which version of its rule decided what a shop shows. Rows from before say 0: it was not kept.
extern const Migration kDisplayRuleVersionMigration;
const Migration kDisplayRuleVersionMigration = {4, "display_rule_version", SchemaPart::kTables,
                                                R"sql(
ALTER TABLE display_change ADD COLUMN rule_version {int64} NOT NULL DEFAULT 0;
)sql"};

}  // namespace onhand::storage
