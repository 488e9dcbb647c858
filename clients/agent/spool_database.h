// The spool's SQLite file: a connection and its statements, with errors as absl::Status. Owned by a
// Spool (or by the status command, read-only); the owner serializes its use.
#ifndef ONHAND_CLIENTS_AGENT_SPOOL_DATABASE_H_
#define ONHAND_CLIENTS_AGENT_SPOOL_DATABASE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3;
struct sqlite3_stmt;

namespace onhand::agent {

// One statement on its way through its rows. Parameters are bound in order.
class Query {
 public:
  Query(sqlite3* database, const char* sql);
  ~Query();
  Query(Query&& other) noexcept;
  Query& operator=(Query&&) = delete;

  Query& Bind(int64_t value);
  Query& BindText(absl::string_view value);
  Query& BindBytes(absl::string_view value);

  // True: a row is there.
  absl::StatusOr<bool> Step();
  // For statements without rows.
  absl::Status Run();

  int64_t Int(int column) const;
  std::string Bytes(int column) const;
  bool IsNull(int column) const;

 private:
  absl::Status Error() const;

  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
  int next_parameter_ = 1;
  int bind_error_ = 0;
};

class SpoolDatabase {
 public:
  // Makes the file if it is missing. FAILED_PRECONDITION: the file was made by another version.
  // UNAVAILABLE: it cannot be opened.
  static absl::StatusOr<std::unique_ptr<SpoolDatabase>> Open(const std::string& path);
  // NOT_FOUND: no such file.
  static absl::StatusOr<std::unique_ptr<SpoolDatabase>> OpenToRead(const std::string& path);
  ~SpoolDatabase();
  SpoolDatabase(const SpoolDatabase&) = delete;
  SpoolDatabase& operator=(const SpoolDatabase&) = delete;

  Query Prepare(const char* sql) { return Query(database_, sql); }
  absl::Status Execute(const char* sql);

 private:
  explicit SpoolDatabase(sqlite3* database) : database_(database) {}
  absl::Status CheckFormat();

  sqlite3* database_;
};

// BEGIN IMMEDIATE on construction, ROLLBACK on destruction unless committed.
class SpoolTransaction {
 public:
  explicit SpoolTransaction(SpoolDatabase& database);
  ~SpoolTransaction();
  SpoolTransaction(const SpoolTransaction&) = delete;
  SpoolTransaction& operator=(const SpoolTransaction&) = delete;

  absl::Status status() const { return status_; }
  absl::Status Commit();

 private:
  SpoolDatabase& database_;
  absl::Status status_;
  bool open_ = false;
};

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_SPOOL_DATABASE_H_
