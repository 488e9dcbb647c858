// Polls a table of a till's MySQL or MariaDB database for new rows by their integer key. Owned by
// main, used by the intake thread. Only SELECTs are sent; what was taken is remembered on this side
// (taken_ids.h).
//
// DATETIME and TIMESTAMP values are read as the server prints them, in the mapping's time zone.
#ifndef ONHAND_CLIENTS_AGENT_SQL_SOURCE_H_
#define ONHAND_CLIENTS_AGENT_SQL_SOURCE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/agent/source.h"
#include "clients/agent/taken_ids.h"
#include "clients/files/mapping.h"
#include "clients/files/rows.h"

namespace onhand::agent {

struct SqlAddress {
  std::string user;
  std::string host;
  int port = 3306;
  std::string database;
  std::string table;
  std::string key = "id";
  // Rows up to this key are never told; nullopt: those that are there when the agent first looks
  // ("from=now").
  std::optional<int64_t> from = 0;
};

// "mysql://USER@HOST:PORT/DB?table=T&key=id&from=0". INVALID_ARGUMENT names the part that is
// missing or unknown.
absl::StatusOr<SqlAddress> ParseSqlAddress(const std::string& url);

class SqlSource : public Source {
 public:
  struct Options {
    SqlAddress address;
    std::string password;
    files::Mapping mapping;
    std::vector<std::string> locations;
    absl::Duration poll = absl::Seconds(2);
    // How long a gap in the keys is asked for again.
    absl::Duration patience = absl::Hours(1);
  };

  explicit SqlSource(Options options);
  ~SqlSource() override;

  bool rereads() const override { return true; }
  absl::StatusOr<bool> Seek(const std::string& position) override;
  absl::StatusOr<Chunk> Read(int rows_max, absl::Duration wait) override;
  absl::Status Taken() override { return absl::OkStatus(); }

 private:
  // The connection, which knows the driver.
  class Table;
  struct TableRow {
    int64_t key = 0;
    std::vector<std::string> fields;
  };

  absl::Status Connect();
  absl::Status BeginWhereTold();
  absl::StatusOr<std::vector<TableRow>> FindNewRows(int rows_max, bool& nothing_left);
  void Tell(const TableRow& row, Chunk& chunk);

  const Options options_;
  std::unique_ptr<Table> table_;
  std::unique_ptr<files::RowReader> reader_;
  // nullopt: nothing was ever taken and `from` is not looked up yet.
  std::optional<TakenIds> taken_;
  std::map<std::string, absl::Time> newest_;
  absl::Time next_poll_ = absl::InfinitePast();
};

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_SQL_SOURCE_H_
