#include "storage/migrations/migrations.h"

#include <algorithm>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace onhand::storage {

extern const Migration kJournalMigration, kImageMigration, kTablesMigration,
    kDisplayRuleVersionMigration, kReservationMigration, kAuditMigration;

namespace {

const Migration* const kMigrations[] = {&kJournalMigration,     &kImageMigration,
                                        &kTablesMigration,      &kDisplayRuleVersionMigration,
                                        &kReservationMigration, &kAuditMigration};

std::string InDialect(absl::string_view sql, Dialect dialect) {
  if (dialect == Dialect::kSqlite) {
    // TEXT compares byte by byte here, and lets people write names in quotes.
    return absl::StrReplaceAll(sql, {{"{int64}", "INTEGER"},
                                     {"{int32}", "INTEGER"},
                                     {"{id}", "TEXT"},
                                     {"{text}", "TEXT"},
                                     {"{blob}", "BLOB"},
                                     {"{keyed}", "WITHOUT ROWID"},
                                     {"{plain}", ""}});
  }
  // VARBINARY, because every collation of MariaDB ignores a trailing space, and most ignore case.
  constexpr absl::string_view kOptions =
      "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin";
  return absl::StrReplaceAll(sql, {{"{int64}", "BIGINT"},
                                   {"{int32}", "INT"},
                                   {"{id}", "VARBINARY(255)"},
                                   {"{text}", "MEDIUMTEXT"},
                                   {"{blob}", "LONGBLOB"},
                                   {"{keyed}", kOptions},
                                   {"{plain}", kOptions}});
}

}  // namespace

absl::Span<const Migration* const> Migrations() { return kMigrations; }

std::vector<std::string> Statements(const Migration& migration, Dialect dialect) {
  std::vector<std::string> statements;
  for (absl::string_view statement : absl::StrSplit(migration.sql, ";\n")) {
    statement = absl::StripAsciiWhitespace(statement);
    if (!statement.empty()) statements.push_back(InDialect(statement, dialect));
  }
  return statements;
}

std::string CreateMigrationTable(Dialect dialect) {
  return InDialect(
      "CREATE TABLE IF NOT EXISTS schema_migration ("
      "number {int64} NOT NULL PRIMARY KEY, name {id} NOT NULL) {plain}",
      dialect);
}

std::string NameOf(const Migration& migration) {
  return absl::StrFormat("%04d_%s", migration.number, migration.name);
}

absl::Status CheckApplied(absl::Span<const int> applied, absl::Span<const SchemaPart> parts) {
  absl::Status newer = CheckNotNewer(applied);
  if (!newer.ok()) return newer;
  for (const Migration* migration : Migrations()) {
    if (std::find(parts.begin(), parts.end(), migration->part) == parts.end()) continue;
    if (std::find(applied.begin(), applied.end(), migration->number) != applied.end()) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "schema: step ", NameOf(*migration), " is not applied: run `onhandd migrate --store ...`"));
  }
  return absl::OkStatus();
}

absl::Status CheckNotNewer(absl::Span<const int> applied) {
  const int newest = kMigrations[std::size(kMigrations) - 1]->number;
  for (int number : applied) {
    if (number <= newest) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("schema: step ", number, " is from a newer program, this one knows steps to ",
                     newest, ": run that program, or restore a backup made before it"));
  }
  return absl::OkStatus();
}

}  // namespace onhand::storage
