// A real MariaDB server for tests: fresh data in a temporary folder, on a private socket and a port
// of 127.0.0.1. Made by Shared() once a test program; its folder and process are gone when the
// program ends. Run() may be called by any thread, the rest by one.
#ifndef ONHAND_TESTS_SUPPORT_MARIADB_H_
#define ONHAND_TESTS_SUPPORT_MARIADB_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace onhand::testing {

class MariaDb {
 public:
  // The program's one server, started at the first call. Aborts with the server's log if it does
  // not come up.
  static MariaDb& Shared();

  // Starts a server with `options` added to its command line.
  explicit MariaDb(std::vector<std::string> options = {});
  ~MariaDb();
  MariaDb(const MariaDb&) = delete;
  MariaDb& operator=(const MariaDb&) = delete;

  uint16_t port() const { return port_; }
  // A user with all rights and no password.
  const std::string& user() const { return user_; }
  // `mysql://USER@127.0.0.1:PORT/DATABASE`, or through `port` if given.
  std::string Url(const std::string& database, uint16_t port = 0) const;

  // Creates an empty database with a new name and returns that name.
  std::string CreateDatabase();

  // Runs SQL as root through the command-line client and returns its rows, tab-separated, without
  // headings. Aborts on an error unless `may_fail`.
  std::string Run(const std::string& sql, bool may_fail = false);

  // kill -9; what was committed survives.
  void Kill();
  // Starts it again on the same port and data, and waits until it answers.
  void Start();

 private:
  void Install();
  bool Answers();
  [[noreturn]] void Fail(const std::string& what);

  const std::vector<std::string> options_;
  const std::string user_ = "onhand";
  std::string folder_;
  uint16_t port_ = 0;
  pid_t process_ = -1;
  int databases_ = 0;
};

// A port of 127.0.0.1 that nothing listens on now.
uint16_t FreePort();

}  // namespace onhand::testing

#endif  // ONHAND_TESTS_SUPPORT_MARIADB_H_
