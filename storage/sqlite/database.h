// One connection to one SQLite file, and its prepared statements. Each is owned by one part of a
// store and used by one thread at a time. SQLite's types stay in this folder.
#ifndef ONHAND_STORAGE_SQLITE_DATABASE_H_
#define ONHAND_STORAGE_SQLITE_DATABASE_H_

#include <sqlite3.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhand::storage {

// A prepared statement. Bound bytes must live until the statement is reset.
class SqliteStatement {
 public:
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  void Bind(int parameter, int64_t value) {
    sqlite3_bind_int64(statement_.get(), parameter, value);
  }
  void BindNull(int parameter) { sqlite3_bind_null(statement_.get(), parameter); }
  void BindText(int parameter, absl::string_view value);
  void BindBlob(int parameter, absl::string_view value);

  // SQLITE_ROW, SQLITE_DONE or SQLite's extended error code.
  int Step() { return sqlite3_step(statement_.get()); }
  // Ends it; to be called before the connection does anything else, or a read transaction stays
  // open.
  void Reset() { sqlite3_reset(statement_.get()); }

  int64_t Number(int column) { return sqlite3_column_int64(statement_.get(), column); }
  // Valid until the next Step or Reset.
  absl::string_view Bytes(int column);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Resets a statement at the end of a scope.
class SqliteReset {
 public:
  explicit SqliteReset(SqliteStatement* statement) : statement_(*statement) {}
  ~SqliteReset() { statement_.Reset(); }
  SqliteReset(const SqliteReset&) = delete;
  SqliteReset& operator=(const SqliteReset&) = delete;

 private:
  SqliteStatement& statement_;
};

class SqliteDatabase {
 public:
  // Opens or creates the file in WAL mode. FAILED_PRECONDITION names the file and what is wrong
  // with it.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(const std::string& path);

  // Runs statements that give no rows and take no values.
  absl::Status Execute(const std::string& sql);
  // Prepares `sql` into `*statement` unless that is done already: tables may not exist yet when a
  // store is opened.
  absl::Status Prepare(absl::string_view sql, std::unique_ptr<SqliteStatement>* statement);
  // Steps a statement that gives no rows, and resets it.
  absl::Status Run(SqliteStatement* statement);

  // The status of the last error: UNAVAILABLE if it can pass (busy, disk full), DATA_LOSS if the
  // file is damaged, INTERNAL otherwise. Extended result codes are on.
  absl::Status Error(int code) const;
  // For what has no statement: hooks and checkpoints.
  sqlite3* handle() { return database_.get(); }
  int64_t RowsChanged() const { return sqlite3_changes64(database_.get()); }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  explicit SqliteDatabase(std::string path) : path_(std::move(path)) {}

  const std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_SQLITE_DATABASE_H_
