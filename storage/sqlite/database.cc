#include "storage/sqlite/database.h"

#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"

namespace onhand::storage {
namespace {

// SQLite's own busy handler soon sleeps 25 ms and more: an append would wait that long for a commit
// of 1 ms.
int WaitWhileBusy(void*, int attempts) {
  constexpr auto kPause = std::chrono::microseconds(300);
  constexpr int kAttemptsMax = 30'000;  // about 10 s
  if (attempts >= kAttemptsMax) return 0;
  std::this_thread::sleep_for(kPause);
  return 1;
}

// SQLite takes a null pointer as NULL, and an empty value may have one.
const char* NotNull(absl::string_view value) { return value.empty() ? "" : value.data(); }

}  // namespace

void SqliteStatement::BindText(int parameter, absl::string_view value) {
  sqlite3_bind_text64(statement_.get(), parameter, NotNull(value), value.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
}

void SqliteStatement::BindBlob(int parameter, absl::string_view value) {
  sqlite3_bind_blob64(statement_.get(), parameter, NotNull(value), value.size(), SQLITE_STATIC);
}

absl::string_view SqliteStatement::Bytes(int column) {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return absl::string_view(static_cast<const char*>(bytes), bytes == nullptr ? 0 : size);
}

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const std::string& path) {
  auto database = std::unique_ptr<SqliteDatabase>(new SqliteDatabase(path));
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  database->database_.reset(raw);
  if (raw == nullptr) return absl::ResourceExhaustedError("sqlite: out of memory");
  sqlite3_extended_result_codes(raw, 1);
  if (code != SQLITE_OK) {
    return absl::FailedPreconditionError(
        absl::StrCat("sqlite file ", path, ": ", sqlite3_errmsg(raw),
                     ": create its folder, or make it writable for this user"));
  }
  sqlite3_busy_handler(raw, WaitWhileBusy, nullptr);
  // FULL: a commit is on disk when it returns. A large WAL keeps checkpoints rare.
  absl::Status status = database->Execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=50000;"
      "PRAGMA temp_store=MEMORY;");
  if (!status.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        status.message(), ": name a file of an SQLite store, or one that does not exist yet"));
  }
  return database;
}

absl::Status SqliteDatabase::Execute(const std::string& sql) {
  const int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code);
}

absl::Status SqliteDatabase::Prepare(absl::string_view sql,
                                     std::unique_ptr<SqliteStatement>* statement) {
  if (*statement != nullptr) return absl::OkStatus();
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return Error(code);
  *statement = std::make_unique<SqliteStatement>(raw);
  return absl::OkStatus();
}

absl::Status SqliteDatabase::Run(SqliteStatement* statement) {
  SqliteReset reset(statement);
  const int code = statement->Step();
  return code == SQLITE_DONE || code == SQLITE_ROW ? absl::OkStatus() : Error(code);
}

absl::Status SqliteDatabase::Error(int code) const {
  const std::string message = absl::StrCat("sqlite file ", path_, ": ",
                                           sqlite3_errmsg(database_.get()), " (code ", code, ")");
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      return absl::UnavailableError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(absl::StrCat(message, ": restore it from a backup"));
    default:
      return absl::InternalError(message);
  }
}

}  // namespace onhand::storage
