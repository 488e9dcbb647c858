#include "tests/support/mariadb.h"

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

namespace onhand::testing {
namespace {

constexpr auto kStartTimeout = std::chrono::seconds(60);

// Runs a shell command and returns what it prints; `*status` is its exit status.
std::string Capture(const std::string& command, int* status) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    *status = -1;
    return output;
  }
  char buffer[4096];
  size_t size;
  while ((size = fread(buffer, 1, sizeof(buffer), pipe)) > 0) output.append(buffer, size);
  *status = pclose(pipe);
  return output;
}

}  // namespace

uint16_t FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    perror("a free port");
    abort();
  }
  close(fd);
  return ntohs(address.sin_port);
}

MariaDb& MariaDb::Shared() {
  static MariaDb server;
  return server;
}

MariaDb::MariaDb(std::vector<std::string> options) : options_(std::move(options)) {
  // A short path: a socket's may have only 107 bytes.
  folder_ = "/tmp/onhand_mariadb_XXXXXX";
  if (mkdtemp(folder_.data()) == nullptr) Fail("mkdtemp");
  port_ = FreePort();
  Install();
  Start();
  Run("CREATE USER '" + user_ + "'@'127.0.0.1'; GRANT ALL ON *.* TO '" + user_ + "'@'127.0.0.1'");
}

MariaDb::~MariaDb() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void MariaDb::Install() {
  const passwd* mysql = getpwnam("mysql");
  if (getuid() == 0 && mysql != nullptr) {
    if (chown(folder_.c_str(), mysql->pw_uid, mysql->pw_gid) != 0) Fail("chown");
  }
  int status = 0;
  const std::string output = Capture(
      "mariadb-install-db --no-defaults --skip-test-db --skip-name-resolve "
      "--auth-root-authentication-method=normal --innodb-log-file-size=16M " +
          std::string(getuid() == 0 ? "--user=mysql " : "") + "--datadir=" + folder_ + "/data 2>&1",
      &status);
  if (status != 0) Fail("mariadb-install-db: " + output);
}

void MariaDb::Start() {
  std::vector<std::string> arguments = {"mariadbd",
                                        "--no-defaults",
                                        "--datadir=" + folder_ + "/data",
                                        "--socket=" + folder_ + "/socket",
                                        "--pid-file=" + folder_ + "/pid",
                                        "--log-error=" + folder_ + "/log",
                                        "--tmpdir=" + folder_,
                                        "--port=" + std::to_string(port_),
                                        "--bind-address=127.0.0.1",
                                        "--skip-name-resolve",
                                        "--innodb-flush-log-at-trx-commit=1",
                                        "--innodb-log-file-size=16M",
                                        "--innodb-buffer-pool-size=64M",
                                        "--performance-schema=OFF"};
  arguments.insert(arguments.end(), options_.begin(), options_.end());
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  const passwd* mysql = getpwnam("mysql");
  const pid_t parent = getpid();
  process_ = fork();
  if (process_ < 0) Fail("fork");
  if (process_ == 0) {
    // The server refuses to run as root.
    if (mysql != nullptr && getuid() == 0 &&
        (setgroups(0, nullptr) != 0 || setgid(mysql->pw_gid) != 0 || setuid(mysql->pw_uid) != 0)) {
      _exit(1);
    }
    // A test that is killed must not leave its server behind; a change of user would undo this.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    execvp("mariadbd", argv.data());
    execv("/usr/sbin/mariadbd", argv.data());
    _exit(127);
  }

  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  while (!Answers()) {
    int status = 0;
    if (waitpid(process_, &status, WNOHANG) == process_) {
      process_ = -1;
      Fail("mariadbd ended while starting");
    }
    if (std::chrono::steady_clock::now() > deadline) Fail("mariadbd does not answer");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// The server accepts connections only when it can answer them.
bool MariaDb::Answers() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  bool answers = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  char greeting;
  answers = answers && read(fd, &greeting, 1) == 1;
  close(fd);
  return answers;
}

void MariaDb::Kill() {
  if (process_ <= 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  process_ = -1;
}

std::string MariaDb::Url(const std::string& database, uint16_t port) const {
  return "mysql://" + user_ + "@127.0.0.1:" + std::to_string(port == 0 ? port_ : port) + "/" +
         database;
}

std::string MariaDb::CreateDatabase() {
  const std::string name = "onhand_" + std::to_string(++databases_);
  Run("CREATE DATABASE " + name);
  return name;
}

std::string MariaDb::Run(const std::string& sql, bool may_fail) {
  // Through a file, so that no quote of the SQL meets the shell.
  static std::atomic<int> scripts{0};
  const std::string script = folder_ + "/script" + std::to_string(++scripts) + ".sql";
  std::ofstream(script) << sql;
  int status = 0;
  std::string output = Capture(
      "mariadb --no-defaults --user=root --batch --skip-column-names "
      "--socket=" +
          folder_ + "/socket < " + script + " 2>&1",
      &status);
  std::filesystem::remove(script);
  if (status != 0 && !may_fail) Fail(sql + "\n" + output);
  return output;
}

void MariaDb::Fail(const std::string& what) {
  std::cerr << "MariaDB for tests: " << what << "\n"
            << std::ifstream(folder_ + "/log").rdbuf() << std::endl;
  Kill();
  abort();
}

}  // namespace onhand::testing
