#include "clients/agent/sql_source.h"

#include <cppconn/connection.h>
#include <cppconn/driver.h>
#include <cppconn/exception.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>
#include <cppconn/statement.h>
#include <mysql_driver.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace onhand::agent {
namespace {

std::string Quote(const std::string& name) {
  return absl::StrCat("`", absl::StrReplaceAll(name, {{"`", "``"}}), "`");
}

absl::Status BadAddress(const std::string& url, absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("--source \"", url, "\": ", problem,
                   ": write mysql:mysql://USER@HOST:PORT/DB?table=T&key=id"));
}

absl::Status ReadParameter(const std::string& url, const std::string& text, SqlAddress& address) {
  const std::pair<std::string, std::string> parameter =
      absl::StrSplit(text, absl::MaxSplits('=', 1));
  const auto& [name, value] = parameter;
  int64_t from = 0;
  if (name == "table") {
    address.table = value;
  } else if (name == "key") {
    address.key = value;
  } else if (name == "from" && value == "now") {
    address.from = std::nullopt;
  } else if (name == "from" && absl::SimpleAtoi(value, &from) && from >= 0) {
    address.from = from;
  } else {
    return BadAddress(url, absl::StrCat("\"", text, "\" is not understood"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SqlAddress> ParseSqlAddress(const std::string& url) {
  constexpr absl::string_view kScheme = "mysql://";
  if (!absl::StartsWith(url, kScheme)) return BadAddress(url, "it does not begin with mysql://");
  SqlAddress address;
  const std::pair<std::string, std::string> halves =
      absl::StrSplit(url.substr(kScheme.size()), absl::MaxSplits('?', 1));
  const std::pair<std::string, std::string> path =
      absl::StrSplit(halves.first, absl::MaxSplits('/', 1));
  const std::pair<std::string, std::string> who =
      absl::StrSplit(path.first, absl::MaxSplits('@', 1));
  const std::pair<std::string, std::string> where =
      absl::StrSplit(who.second, absl::MaxSplits(':', 1));
  address.user = who.first;
  address.host = where.first;
  address.database = path.second;
  if (!where.second.empty() && (!absl::SimpleAtoi(where.second, &address.port) ||
                                address.port < 1 || address.port > 65535)) {
    return BadAddress(url, absl::StrCat("port \"", where.second, "\" is not 1 to 65535"));
  }
  for (const auto part : absl::StrSplit(halves.second, '&', absl::SkipEmpty())) {
    if (const auto status = ReadParameter(url, std::string(part), address); !status.ok())
      return status;
  }
  const std::pair<const char*, const std::string*> required[] = {{"user", &address.user},
                                                                 {"host", &address.host},
                                                                 {"database", &address.database},
                                                                 {"table", &address.table},
                                                                 {"key", &address.key}};
  for (const auto& [name, value] : required) {
    if (value->empty()) return BadAddress(url, absl::StrCat(name, " is missing"));
  }
  return address;
}

// Every method may throw sql::SQLException; SqlSource's callers never see it.
class SqlSource::Table {
 public:
  Table(const SqlAddress& address, const std::string& password)
      : name_(Quote(address.table)), key_(Quote(address.key)) {
    sql::ConnectOptionsMap options;
    options["hostName"] = sql::SQLString(absl::StrCat("tcp://", address.host, ":", address.port));
    options["userName"] = sql::SQLString(address.user);
    options["password"] = sql::SQLString(password);
    options["schema"] = sql::SQLString(address.database);
    options["OPT_CHARSET_NAME"] = sql::SQLString("utf8mb4");
    options["OPT_CONNECT_TIMEOUT"] = 10;
    options["OPT_READ_TIMEOUT"] = 30;
    connection_.reset(sql::mysql::get_mysql_driver_instance()->connect(options));
    statement_.reset(connection_->createStatement());
  }

  std::vector<std::string> ColumnNames() {
    const auto result = Select(absl::StrCat("SELECT * FROM ", name_, " LIMIT 0"));
    std::vector<std::string> names;
    sql::ResultSetMetaData* columns = result->getMetaData();
    for (unsigned int i = 1; i <= columns->getColumnCount(); ++i) {
      names.push_back(columns->getColumnLabel(i).asStdString());
    }
    return names;
  }

  // Which columns the rows of this table are read with, in this order.
  void ReadColumns(const std::vector<std::string>& names) {
    columns_ = absl::StrJoin(
        names, ", ", [](std::string* out, const std::string& name) { out->append(Quote(name)); });
    column_count_ = names.size();
  }

  int64_t HighestKey() {
    const auto result = Select(absl::StrCat("SELECT COALESCE(MAX(", key_, "), 0) FROM ", name_));
    return result->next() ? result->getInt64(1) : 0;
  }

  std::vector<int64_t> KeysBetween(int64_t above, int64_t up_to) {
    const auto result =
        Select(absl::StrCat("SELECT ", key_, " FROM ", name_, " WHERE ", key_, " > ", above,
                            " AND ", key_, " < ", up_to, " ORDER BY ", key_));
    std::vector<int64_t> keys;
    while (result->next()) keys.push_back(result->getInt64(1));
    return keys;
  }

  std::vector<TableRow> RowsWithKeys(const std::vector<int64_t>& keys) {
    if (keys.empty()) return {};
    return Rows(
        absl::StrCat("WHERE ", key_, " IN (", absl::StrJoin(keys, ","), ") ORDER BY ", key_));
  }

  std::vector<TableRow> RowsAbove(int64_t key, int rows_max) {
    return Rows(absl::StrCat("WHERE ", key_, " > ", key, " ORDER BY ", key_, " LIMIT ", rows_max));
  }

 private:
  std::unique_ptr<sql::ResultSet> Select(const std::string& query) {
    return std::unique_ptr<sql::ResultSet>(statement_->executeQuery(sql::SQLString(query)));
  }

  std::vector<TableRow> Rows(const std::string& condition) {
    const auto result =
        Select(absl::StrCat("SELECT ", key_, ", ", columns_, " FROM ", name_, " ", condition));
    std::vector<TableRow> rows;
    while (result->next()) {
      TableRow& row = rows.emplace_back();
      row.key = result->getInt64(1);
      for (size_t i = 0; i < column_count_; ++i) {
        const auto column = static_cast<uint32_t>(i + 2);
        row.fields.push_back(result->isNull(column) ? "" : result->getString(column).asStdString());
      }
    }
    return rows;
  }

  const std::string name_;
  const std::string key_;
  std::string columns_;
  size_t column_count_ = 0;
  std::unique_ptr<sql::Connection> connection_;
  std::unique_ptr<sql::Statement> statement_;
};

SqlSource::SqlSource(Options options) : options_(std::move(options)) {}

SqlSource::~SqlSource() = default;

absl::StatusOr<bool> SqlSource::Seek(const std::string& position) {
  newest_.clear();
  if (position.empty()) {
    taken_.reset();
    return true;
  }
  absl::StatusOr<TakenIds> taken = TakenIds::FromPosition(position, absl::Now());
  if (!taken.ok()) return taken.status();
  taken_ = *std::move(taken);
  return true;
}

absl::Status SqlSource::Connect() {
  auto table = std::make_unique<Table>(options_.address, options_.password);
  const std::vector<std::string> names = table->ColumnNames();
  absl::StatusOr<files::Layout> found =
      files::FindLayout(names, options_.address.table, options_.mapping);
  if (!found.ok()) return found.status();

  // A till's table may be wide: only what is understood is fetched.
  files::Layout layout = *found;
  layout.header.clear();
  for (auto& [field, column] : layout.columns) {
    layout.header.push_back(names[column]);
    column = layout.header.size() - 1;
  }
  table->ReadColumns(layout.header);
  files::Mapping mapping = options_.mapping;
  if (mapping.decimal == files::DecimalMark::kDetect) mapping.decimal = files::DecimalMark::kPoint;
  const std::string only = options_.locations.size() == 1 ? options_.locations[0] : "";
  if (only.empty() && !layout.Has(files::Field::kLocation)) {
    return absl::InvalidArgumentError(
        absl::StrCat("table \"", options_.address.table,
                     "\" has no location column, but the agent has several locations: name the "
                     "column in the mapping"));
  }
  reader_ = std::make_unique<files::RowReader>(
      layout, mapping, files::RowLocations{only, options_.locations}, absl::Now());
  table_ = std::move(table);
  return absl::OkStatus();
}

absl::Status SqlSource::BeginWhereTold() {
  taken_ = TakenIds(options_.address.from ? *options_.address.from : table_->HighestKey());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SqlSource::TableRow>> SqlSource::FindNewRows(int rows_max,
                                                                        bool& nothing_left) {
  std::vector<TableRow> rows;
  taken_->GiveUpGaps(absl::Now() - options_.patience);
  if (taken_->HasGaps()) {
    std::vector<int64_t> late = table_->KeysBetween(taken_->floor(), taken_->highest());
    late.erase(
        std::remove_if(late.begin(), late.end(), [&](int64_t id) { return taken_->Contains(id); }),
        late.end());
    if (late.size() > static_cast<size_t>(rows_max)) late.resize(static_cast<size_t>(rows_max));
    rows = table_->RowsWithKeys(late);
  }
  const int room = rows_max - static_cast<int>(rows.size());
  nothing_left = room > 0;
  if (room > 0) {
    std::vector<TableRow> above = table_->RowsAbove(taken_->highest(), room);
    nothing_left = above.size() < static_cast<size_t>(room);
    std::move(above.begin(), above.end(), std::back_inserter(rows));
  }
  return rows;
}

absl::StatusOr<Chunk> SqlSource::Read(int rows_max, absl::Duration wait) {
  const absl::Duration until_poll = next_poll_ - absl::Now();
  if (until_poll > absl::ZeroDuration()) {
    absl::SleepFor(std::min(until_poll, wait));
    if (until_poll > wait) return Chunk();
  }
  Chunk chunk;
  chunk.looked_at = absl::Now();
  try {
    if (!table_) {
      if (const auto status = Connect(); !status.ok()) return status;
    }
    if (!taken_) {
      if (const auto status = BeginWhereTold(); !status.ok()) return status;
    }
    const absl::StatusOr<std::vector<TableRow>> rows = FindNewRows(rows_max, chunk.nothing_left);
    if (!rows.ok()) return rows.status();
    for (const TableRow& row : *rows) Tell(row, chunk);
  } catch (const sql::SQLException& error) {
    table_.reset();
    return absl::UnavailableError(
        absl::StrCat("table \"", options_.address.table, "\" on ", options_.address.host, ":",
                     options_.address.port, ": ", error.what(), " (", error.getErrorCode(),
                     "): check --source, the password file and the user's SELECT right"));
  }
  if (chunk.nothing_left) {
    next_poll_ = chunk.looked_at + options_.poll;
    for (const auto& [location, at] : newest_) AdvanceKnownThrough(chunk.news, location, at);
  }
  chunk.news.set_input_position(taken_->Position());
  return chunk;
}

void SqlSource::Tell(const TableRow& row, Chunk& chunk) {
  taken_->Take(row.key, chunk.looked_at);
  absl::StatusOr<v1::Movement> movement = reader_->Read(row.fields);
  if (!movement.ok()) {
    chunk.rejected.push_back({absl::StrCat(options_.address.table, ":", row.key),
                              absl::StrJoin(row.fields, "|"),
                              std::string(movement.status().message())});
    return;
  }
  absl::Time& newest = newest_[movement->location_id()];
  newest = std::max(newest, absl::FromUnixMicros(movement->occurred_at_us()));
  *chunk.news.add_movements() = *std::move(movement);
}

}  // namespace onhand::agent
