#include "clients/agent/spool_database.h"

#include <sqlite3.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhand::agent {
namespace {

// Format 1. `spool` has one row. `batch` holds the serialized onhand.v1.Batch of each sequence;
// hash is its rolling_hash, input_position repeats the batch's own; acked_at_us is set once the hub
// has it. `rejected` is the list for people of rows that were kept out, here (sequence 0) or by the
// hub.
constexpr const char* kSchema = R"sql(
BEGIN IMMEDIATE;
CREATE TABLE spool(
  one INTEGER PRIMARY KEY CHECK(one = 1),
  spool_id TEXT NOT NULL,
  source_id TEXT NOT NULL,
  created_at_us INTEGER NOT NULL,
  met_hub INTEGER NOT NULL,
  base_position BLOB NOT NULL,
  acked_sequence INTEGER NOT NULL,
  acked_hash INTEGER NOT NULL,
  acked_at_us INTEGER NOT NULL,
  last_error TEXT NOT NULL,
  last_error_at_us INTEGER NOT NULL,
  stopped TEXT NOT NULL
);
CREATE TABLE batch(
  sequence INTEGER PRIMARY KEY,
  hash INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  rows INTEGER NOT NULL,
  input_position BLOB NOT NULL,
  appended_at_us INTEGER NOT NULL,
  acked_at_us INTEGER
);
CREATE TABLE rejected(
  id INTEGER PRIMARY KEY,
  at_us INTEGER NOT NULL,
  place TEXT NOT NULL,
  content TEXT NOT NULL,
  reason TEXT NOT NULL
);
PRAGMA user_version = 1;
COMMIT;
)sql";
constexpr int64_t kFormat = 1;

absl::Status FromSqlite(sqlite3* database, int code) {
  const std::string message =
      absl::StrCat("spool: ", database ? sqlite3_errmsg(database) : sqlite3_errstr(code));
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(
          absl::StrCat(message, ": free space on the spool's disk"));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(absl::StrCat(
          message, ": move the spool file away; a new one continues from what the hub has"));
    default:
      return absl::UnavailableError(
          absl::StrCat(message, ": check --spool, its folder and its rights"));
  }
}

absl::StatusOr<sqlite3*> OpenFile(const std::string& path, int flags) {
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &database, flags | SQLITE_OPEN_FULLMUTEX, nullptr);
  if (code == SQLITE_OK) {
    sqlite3_busy_timeout(database, 5000);
    return database;
  }
  const absl::Status status = FromSqlite(database, code);
  sqlite3_close(database);
  return status;
}

}  // namespace

Query::Query(sqlite3* database, const char* sql) : database_(database) {
  bind_error_ = sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
}

Query::Query(Query&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      next_parameter_(other.next_parameter_),
      bind_error_(other.bind_error_) {}

Query::~Query() { sqlite3_finalize(statement_); }

Query& Query::Bind(int64_t value) {
  bind_error_ |= sqlite3_bind_int64(statement_, next_parameter_++, value);
  return *this;
}

Query& Query::BindText(absl::string_view value) {
  bind_error_ |= sqlite3_bind_text64(statement_, next_parameter_++, value.data(), value.size(),
                                     SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Query& Query::BindBytes(absl::string_view value) {
  // A null pointer would bind NULL.
  const char* bytes = value.empty() ? "" : value.data();
  bind_error_ |=
      sqlite3_bind_blob64(statement_, next_parameter_++, bytes, value.size(), SQLITE_TRANSIENT);
  return *this;
}

absl::Status Query::Error() const {
  return FromSqlite(database_, sqlite3_extended_errcode(database_));
}

absl::StatusOr<bool> Query::Step() {
  if (bind_error_ != SQLITE_OK) return Error();
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return Error();
}

absl::Status Query::Run() { return Step().status(); }

int64_t Query::Int(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Query::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
  return size == 0 ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

bool Query::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

absl::StatusOr<std::unique_ptr<SpoolDatabase>> SpoolDatabase::Open(const std::string& path) {
  absl::StatusOr<sqlite3*> file = OpenFile(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (!file.ok()) return file.status();
  auto database = std::unique_ptr<SpoolDatabase>(new SpoolDatabase(*file));
  // FULL: an appended batch must survive a power cut, since its file is moved away right after.
  for (const char* pragma : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"}) {
    if (const auto status = database->Execute(pragma); !status.ok()) return status;
  }
  if (const auto status = database->CheckFormat(); !status.ok()) return status;
  return database;
}

absl::StatusOr<std::unique_ptr<SpoolDatabase>> SpoolDatabase::OpenToRead(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return absl::NotFoundError(
        absl::StrCat("spool ", path, " does not exist: check --spool, or start the agent first"));
  }
  absl::StatusOr<sqlite3*> file = OpenFile(path, SQLITE_OPEN_READWRITE);
  if (!file.ok()) return file.status();
  auto database = std::unique_ptr<SpoolDatabase>(new SpoolDatabase(*file));
  if (const auto status = database->Execute("PRAGMA query_only = ON"); !status.ok()) return status;
  return database;
}

SpoolDatabase::~SpoolDatabase() { sqlite3_close(database_); }

absl::Status SpoolDatabase::Execute(const char* sql) {
  const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : FromSqlite(database_, code);
}

absl::Status SpoolDatabase::CheckFormat() {
  int64_t format = 0;
  {
    Query query = Prepare("PRAGMA user_version");
    const absl::StatusOr<bool> row = query.Step();
    if (!row.ok()) return row.status();
    format = query.Int(0);
  }
  if (format == 0) return Execute(kSchema);
  if (format == kFormat) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("spool: its format is ", format, ", this agent knows ", kFormat,
                   ": use the agent's newer version, or another --spool"));
}

SpoolTransaction::SpoolTransaction(SpoolDatabase& database)
    : database_(database), status_(database.Execute("BEGIN IMMEDIATE")), open_(status_.ok()) {}

SpoolTransaction::~SpoolTransaction() {
  // Nothing to do about an error: SQLite has rolled back by itself then.
  if (open_) (void)database_.Execute("ROLLBACK");
}

absl::Status SpoolTransaction::Commit() {
  status_ = database_.Execute("COMMIT");
  if (status_.ok()) open_ = false;
  return status_;
}

}  // namespace onhand::agent
