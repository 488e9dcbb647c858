// The numbered steps that make this program's schema, embedded in the binary. Pure; any thread.
// A released step is never edited: a change is a new step with the next number.
#ifndef ONHAND_STORAGE_MIGRATIONS_MIGRATIONS_H_
#define ONHAND_STORAGE_MIGRATIONS_MIGRATIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace onhand::storage {

enum class Dialect { kSqlite, kMysql };

// What a step changes. SQLite keeps the two in separate files, so that a large commit of tables
// delays no journal row.
enum class SchemaPart { kTruth, kTables };

// A step. Its SQL is one for all databases; a word in braces stands for what they spell
// differently: {int64} {int32} {id} (byte-exact, to 255 bytes) {text} {blob} and, after a table,
// {keyed} (rows stored by their key) or {plain}. Statements end with a semicolon at the end of a
// line, and can be run twice; a column that is there already counts as added.
struct Migration {
  int number;
  absl::string_view name;
  SchemaPart part;
  absl::string_view sql;
};

// All steps in order.
absl::Span<const Migration* const> Migrations();

// The step's statements for one database.
std::vector<std::string> Statements(const Migration& migration, Dialect dialect);

// Creates the table schema_migration(number, name), where applied steps are recorded.
std::string CreateMigrationTable(Dialect dialect);

// `number_name`, as Store::Migrate returns it.
std::string NameOf(const Migration& migration);

// OK if `applied` holds exactly the steps of `parts`. FAILED_PRECONDITION says what to run
// otherwise.
absl::Status CheckApplied(absl::Span<const int> applied, absl::Span<const SchemaPart> parts);

// OK if `applied` holds no step that this program does not know.
absl::Status CheckNotNewer(absl::Span<const int> applied);

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_MIGRATIONS_MIGRATIONS_H_
