// Onhand's own programs as a test runs them: the hub, agents and the command line. Main thread
// only, as process.h says.
#ifndef ONHAND_TESTS_SUPPORT_PROGRAMS_H_
#define ONHAND_TESTS_SUPPORT_PROGRAMS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "clients/cpp/connection.h"
#include "tests/support/process.h"

namespace onhand::testing {

// A finished program.
struct Ended {
  int exit_code = 0;
  std::string out;
  std::string err;
};

// Runs a program to its end; throws after a minute.
Ended RunToEnd(const std::vector<std::string>& arguments, const Process::Options& options = {});

// Paths of the binaries: this build's, or those in the folder that ONHAND_PROGRAMS names, such as a
// release's.
std::string HubPath();
std::string AgentPath();
std::string OnhandPath();

// One hub on one address for its whole life, through as many processes as a test kills.
class HubProgram {
 public:
  // Takes a free port; starts nothing. `store` is what --store takes. With a file for its first
  // token it asks for tokens, and is called with the one in that file; otherwise it is --insecure.
  explicit HubProgram(std::string store, std::string first_token_file = "",
                      std::vector<std::string> tls_flags = {});

  // Starts a process without waiting for it. Precondition: none runs.
  void Launch(const std::vector<std::string>& more_arguments = {});
  // Waits for the ready line; false if the process ended or took too long.
  bool AwaitReady(absl::Duration timeout = absl::Seconds(30));
  // Launch and AwaitReady; throws what the hub wrote if it does not come up.
  void Start(const std::vector<std::string>& more_arguments = {});
  // kill -9.
  void Kill();
  // SIGTERM; returns the exit code.
  int Stop();
  // Sends it and waits for nothing.
  void Signal(int signal) const { process_->Signal(signal); }
  bool IsRunning();

  const std::string& store() const { return store_; }
  std::string address() const;
  // Of the HTTP port, another one each time it is started. Precondition: it is ready.
  std::string http_address() const { return AddressOf("http"); }
  // Of the port `name` (health, metrics), as the ready line says; empty: it has none.
  std::string AddressOf(const std::string& name) const;
  // Of the present process, or of the last one.
  std::string log() const;

  // A connection that waits for a hub that is being started again.
  client::Connection Connect(absl::Duration timeout = absl::Seconds(20)) const;

  // `onhand --hub ADDRESS [--token-file FILE] arguments...`
  Ended Onhand(const std::vector<std::string>& arguments) const;
  // `onhandd verify` on this hub's store. Precondition: no hub runs on it.
  Ended Verify() const;

 private:
  const std::string store_;
  const std::string first_token_file_;
  const std::vector<std::string> tls_flags_;
  const uint16_t port_;
  std::unique_ptr<Process> process_;
};

// One agent on one spool, through as many processes as a test kills. It looks at its folder often
// and comes back quickly, so that tests need not wait.
class AgentProgram {
 public:
  // `arguments` beside --hub, the flags for security and the pace.
  AgentProgram(std::string hub_address, std::vector<std::string> arguments,
               const std::vector<std::string>& security = {"--insecure"});

  void Launch(const std::vector<std::string>& more_arguments = {});
  void Kill();
  // SIGTERM; returns the exit code.
  int Stop();
  bool IsRunning();
  std::optional<int> Wait(absl::Duration timeout = absl::Seconds(30));
  // With --once, to its end.
  Ended RunOnce(const std::vector<std::string>& more_arguments = {}) const;
  std::string log() const;

 private:
  std::vector<std::string> arguments_;
  std::unique_ptr<Process> process_;
};

}  // namespace onhand::testing

#endif  // ONHAND_TESTS_SUPPORT_PROGRAMS_H_
