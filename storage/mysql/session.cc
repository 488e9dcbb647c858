#include "storage/mysql/session.h"

#include <cppconn/driver.h>
#include <cppconn/exception.h>
#include <cppconn/statement.h>
#include <mysql_driver.h>

#include <mutex>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace onhand::storage {
namespace {

constexpr char kErrorPayload[] = "onhand.storage.mysql.error";
constexpr int kConnectTimeoutS = 3;
// Longer than a Galera cluster stalls when it loses a node; after it the outcome of a statement is
// unknown.
constexpr int kAnswerTimeoutS = 10;
constexpr int kLockWaitTimeoutS = 5;
// A journal row, its statement and the protocol's framing.
constexpr int64_t kPacketBytesMin = 16 << 20;

constexpr int kAccessDenied = 1045;
constexpr int kDatabaseDenied = 1044;
constexpr int kNoSuchDatabase = 1049;

bool IsLost(int error) {
  switch (error) {
    case 1047:  // a cluster node that is not ready
    case 1053:  // server is shutting down
    case 1927:  // connection was killed
    case 2002:
    case 2003:
    case 2006:
    case 2013:
    case 2055:
      return true;
    default:
      return false;
  }
}

absl::Status StatusOf(int error, absl::string_view message) {
  const std::string text = absl::StrCat("mysql: ", message, " (error ", error, ")");
  absl::Status status;
  if (IsLost(error) || error == 1213 || error == 1205 || error == 1020) {
    status = absl::UnavailableError(text);
  } else if (error == kAccessDenied || error == kDatabaseDenied) {
    status = absl::FailedPreconditionError(
        absl::StrCat(text, ": check the user, --store-password-file and the user's grants"));
  } else if (error == kNoSuchDatabase) {
    status = absl::FailedPreconditionError(absl::StrCat(text, ": create it with CREATE DATABASE"));
  } else if (error == kNoSuchTable) {
    status =
        absl::FailedPreconditionError(absl::StrCat(text, ": run `onhandd migrate --store ...`"));
  } else {
    status = absl::InternalError(text);
  }
  status.SetPayload(kErrorPayload, absl::Cord(absl::StrCat(error)));
  return status;
}

std::string Name(const MysqlAddress::Host& host) { return absl::StrCat(host.name, ":", host.port); }

// The driver's own set-up of a connection is not safe in two threads at once.
std::mutex& DriverMutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

int MysqlErrorOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kErrorPayload);
  int error = 0;
  if (payload.has_value() && !absl::SimpleAtoi(std::string(*payload), &error)) return 0;
  return error;
}

bool IsTransient(const absl::Status& status) {
  const int error = MysqlErrorOf(status);
  return error == 1213 || error == 1205 || error == 1020 || IsLost(error);
}

absl::Status MysqlSession::Guard(absl::FunctionRef<void()> work) {
  absl::Status status;
  try {
    work();
  } catch (const sql::SQLException& error) {
    status = StatusOf(error.getErrorCode(), error.what());
  } catch (const std::exception& error) {
    // The driver throws std::bad_alloc and its own wrong-argument errors too.
    status = absl::InternalError(absl::StrCat("mysql driver: ", error.what()));
  }
  if (IsLost(MysqlErrorOf(status))) Disconnect();
  return status;
}

void MysqlSession::Disconnect() {
  try {
    prepared_.clear();
    connection_.reset();
  } catch (const std::exception&) {
    // Closing what is broken cannot fail in a way that matters.
    static_cast<void>(connection_.release());
  }
}

absl::Status MysqlSession::Connect() {
  if (connection_ != nullptr) return absl::OkStatus();
  std::string failures;
  for (size_t attempt = 0; attempt < address_.hosts.size(); ++attempt) {
    const size_t index = (preferred_host_ + attempt) % address_.hosts.size();
    absl::Status status = ConnectTo(address_.hosts[index]);
    if (status.ok()) status = CheckServer();
    if (status.ok()) {
      preferred_host_ = index;
      return status;
    }
    Disconnect();
    if (!IsLost(MysqlErrorOf(status))) return status;
    absl::StrAppend(&failures, failures.empty() ? "" : "; ", Name(address_.hosts[index]), ": ",
                    status.message());
  }
  // As error 2003, so that callers treat it as any other lost connection.
  return StatusOf(2003, absl::StrCat("no host answers: ", failures));
}

absl::Status MysqlSession::ConnectTo(const MysqlAddress::Host& host) {
  const bool is_ipv6 = host.name.find(':') != std::string::npos;
  sql::ConnectOptionsMap options;
  options["hostName"] = sql::SQLString(is_ipv6 ? absl::StrCat("tcp://[", host.name, "]:", host.port)
                                               : absl::StrCat("tcp://", host.name, ":", host.port));
  options["userName"] = sql::SQLString(address_.user);
  options["password"] = sql::SQLString(address_.password);
  options["schema"] = sql::SQLString(address_.database);
  options["OPT_CHARSET_NAME"] = sql::SQLString("utf8mb4");
  options["OPT_CONNECT_TIMEOUT"] = kConnectTimeoutS;
  options["OPT_READ_TIMEOUT"] = kAnswerTimeoutS;
  options["OPT_WRITE_TIMEOUT"] = kAnswerTimeoutS;
  // A silent new connection would have neither our transaction nor our settings.
  options["OPT_RECONNECT"] = false;
  // An update that changes nothing still says that its row is there: the fences count on it.
  options["CLIENT_FOUND_ROWS"] = true;
  return Guard([&] {
    std::lock_guard<std::mutex> lock(DriverMutex());
    connection_.reset(sql::mysql::get_mysql_driver_instance()->connect(options));
  });
}

absl::Status MysqlSession::CheckServer() {
  absl::Status status =
      Execute(absl::StrCat("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', "
                           "innodb_lock_wait_timeout = ",
                           kLockWaitTimeoutS));
  // MariaDB's own: without the first, select-then-update loses updates; without the second, a
  // reader on another cluster node misses rows that are committed.
  for (const char* setting : {"innodb_snapshot_isolation = ON", "wsrep_sync_wait = 1"}) {
    if (!status.ok()) return status;
    status = Execute(absl::StrCat("SET SESSION ", setting));
    if (MysqlErrorOf(status) == kUnknownVariable) status = absl::OkStatus();
  }

  int64_t packet_bytes = 0;
  if (status.ok()) {
    status = Query("SELECT @@max_allowed_packet", [&](sql::ResultSet& row) {
      packet_bytes = row.getInt64(1);
      return absl::OkStatus();
    });
  }
  if (status.ok() && packet_bytes < kPacketBytesMin) {
    return absl::FailedPreconditionError(
        absl::StrCat("mysql: max_allowed_packet is ", packet_bytes, ", a journal row needs ",
                     kPacketBytesMin, ": set max_allowed_packet=16M on every server"));
  }
  // A cluster node that is not ready answers all of the above, but no statement on a table.
  if (status.ok()) {
    status =
        Query("SELECT name FROM meta LIMIT 1", [](sql::ResultSet&) { return absl::OkStatus(); });
    if (MysqlErrorOf(status) == kNoSuchTable) status = absl::OkStatus();
  }
  return status;
}

absl::Status MysqlSession::Execute(const std::string& sql) {
  absl::Status status = Connect();
  if (!status.ok()) return status;
  return Guard([&] {
    std::unique_ptr<sql::Statement> statement(connection_->createStatement());
    statement->execute(sql);
  });
}

absl::StatusOr<int64_t> MysqlSession::Update(const std::string& sql) {
  absl::Status status = Connect();
  int64_t rows = 0;
  if (status.ok()) {
    status = Guard([&] {
      std::unique_ptr<sql::Statement> statement(connection_->createStatement());
      rows = statement->executeUpdate(sql);
    });
  }
  if (!status.ok()) return status;
  return rows;
}

absl::Status MysqlSession::Query(const std::string& sql,
                                 absl::FunctionRef<absl::Status(sql::ResultSet& row)> visit) {
  absl::Status status = Connect();
  if (!status.ok()) return status;
  absl::Status visited;
  status = Guard([&] {
    std::unique_ptr<sql::Statement> statement(connection_->createStatement());
    std::unique_ptr<sql::ResultSet> result(statement->executeQuery(sql));
    while (visited.ok() && result->next()) visited = visit(*result);
  });
  return status.ok() ? visited : status;
}

absl::StatusOr<int64_t> MysqlSession::UpdatePrepared(
    const std::string& sql, absl::FunctionRef<void(sql::PreparedStatement& statement)> bind) {
  absl::Status status = Connect();
  int64_t rows = 0;
  if (status.ok()) {
    status = Guard([&] {
      std::unique_ptr<sql::PreparedStatement>& statement = prepared_[sql];
      if (statement == nullptr) statement.reset(connection_->prepareStatement(sql));
      bind(*statement);
      rows = statement->executeUpdate();
    });
  }
  if (!status.ok()) return status;
  return rows;
}

}  // namespace onhand::storage
