// One connection to a MySQL-protocol database that is made when first needed, and made again after
// it was lost. Each is owned by one part of a store and used by one thread at a time. The driver's
// types stay in this folder, and its exceptions end here.
#ifndef ONHAND_STORAGE_MYSQL_SESSION_H_
#define ONHAND_STORAGE_MYSQL_SESSION_H_

#include <cppconn/connection.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>

#include <map>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/mysql/mysql_store.h"

namespace onhand::storage {

// The server's or driver's error number in a status of this folder; 0 if it has none.
int MysqlErrorOf(const absl::Status& status);

// MariaDB's error numbers that this folder decides by.
inline constexpr int kDuplicateColumn = 1060;
inline constexpr int kDuplicateKey = 1062;
inline constexpr int kNoSuchTable = 1146;
inline constexpr int kUnknownVariable = 1193;

// True for the errors after which the same transaction may succeed: deadlock, lock wait, changed
// snapshot, a cluster node that is not ready, and lost connections.
bool IsTransient(const absl::Status& status);

// Each call connects if need be. A lost connection fails the call and is given up, so that the next
// call makes a new one: a transaction must therefore end at its first error.
class MysqlSession {
 public:
  explicit MysqlSession(const MysqlAddress* address) : address_(*address) {}

  // Tries the hosts one after another until one answers a real statement.
  absl::Status Connect();
  void Disconnect();

  // Runs a statement without a result. Transactions are BEGIN and COMMIT through here, because the
  // driver's commit() hides errors.
  absl::Status Execute(const std::string& sql);
  // Runs a statement and returns the rows it matched.
  absl::StatusOr<int64_t> Update(const std::string& sql);
  // Runs a select and calls `visit` for each row; a null result set never reaches it.
  absl::Status Query(const std::string& sql,
                     absl::FunctionRef<absl::Status(sql::ResultSet& row)> visit);
  // Runs a prepared statement, which is kept for the connection's life; returns the rows it
  // matched.
  absl::StatusOr<int64_t> UpdatePrepared(
      const std::string& sql, absl::FunctionRef<void(sql::PreparedStatement& statement)> bind);

 private:
  absl::Status ConnectTo(const MysqlAddress::Host& host);
  absl::Status CheckServer();
  // Runs `work` on the connection and turns what it throws into a status.
  absl::Status Guard(absl::FunctionRef<void()> work);

  const MysqlAddress& address_;
  size_t preferred_host_ = 0;
  std::unique_ptr<sql::Connection> connection_;
  // Dropped before the connection: a statement's end is sent through it.
  std::map<std::string, std::unique_ptr<sql::PreparedStatement>> prepared_;
};

// Bytes as the stream that the driver binds as a blob, without a copy. Bound bytes must outlive the
// execution.
class BlobParameter {
 public:
  explicit BlobParameter(absl::string_view bytes) : buffer_(bytes), stream_(&buffer_) {}
  std::istream* stream() { return &stream_; }

 private:
  struct Buffer : std::streambuf {
    explicit Buffer(absl::string_view bytes) {
      char* begin = const_cast<char*>(bytes.data());
      setg(begin, begin, begin + bytes.size());
    }
  };
  Buffer buffer_;
  std::istream stream_;
};

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_MYSQL_SESSION_H_
