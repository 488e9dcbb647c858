#include "tests/support/programs.h"

#include <signal.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/support/mariadb.h"

namespace onhand::testing {
namespace {

// Ends the test and no more: what it made is cleaned up on the way out.
[[noreturn]] void Fail(const std::string& what, Process& process) {
  const std::optional<int> exit_code = process.Wait(absl::ZeroDuration());
  throw std::runtime_error(absl::StrCat(
      what, exit_code ? absl::StrCat(" (exit code ", *exit_code, ")\n") : " (it runs)\n",
      process.out(), process.err()));
}

int EndGently(Process& process, const std::string& name) {
  process.Signal(SIGTERM);
  const std::optional<int> exit_code = process.Wait();
  if (!exit_code) Fail(name + " does not end on SIGTERM", process);
  return *exit_code;
}

std::string PathOf(const std::string& name, const char* built) {
  const char* folder = std::getenv("ONHAND_PROGRAMS");
  return folder == nullptr ? built : absl::StrCat(folder, "/", name);
}

void Append(std::vector<std::string>& arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
}

}  // namespace

Ended RunToEnd(const std::vector<std::string>& arguments, const Process::Options& options) {
  Process process(arguments, options);
  const std::optional<int> exit_code = process.Wait(absl::Minutes(1));
  if (!exit_code) Fail(absl::StrJoin(arguments, " ") + " does not end", process);
  return {*exit_code, process.out(), process.err()};
}

std::string HubPath() { return PathOf("onhandd", ONHAND_HUB_PATH); }
std::string AgentPath() { return PathOf("onhand-agent", ONHAND_AGENT_PATH); }
std::string OnhandPath() { return PathOf("onhand", ONHAND_CLI_PATH); }

HubProgram::HubProgram(std::string store, std::string first_token_file,
                       std::vector<std::string> tls_flags)
    : store_(std::move(store)),
      first_token_file_(std::move(first_token_file)),
      tls_flags_(std::move(tls_flags)),
      port_(FreePort()) {}

std::string HubProgram::address() const { return absl::StrCat("127.0.0.1:", port_); }

std::string HubProgram::AddressOf(const std::string& name) const {
  const std::string mark = absl::StrCat(" ", name, "=");
  const std::string log = process_->err();
  const size_t at = log.find(mark);
  if (at == std::string::npos) return "";
  const size_t begin = at + mark.size();
  return log.substr(begin, log.find_first_of(" \n", begin) - begin);
}

void HubProgram::Launch(const std::vector<std::string>& more_arguments) {
  std::vector<std::string> arguments = {HubPath(), "serve",       "--grpc",  address(),
                                        "--http",  "127.0.0.1:0", "--store", store_};
  if (first_token_file_.empty()) {
    arguments.push_back("--insecure");
  } else {
    Append(arguments, {"--first-token-file", first_token_file_});
  }
  Append(arguments, tls_flags_);
  Append(arguments, more_arguments);
  process_.reset();
  process_ = std::make_unique<Process>(arguments);
}

bool HubProgram::AwaitReady(absl::Duration timeout) {
  return WaitUntil(
             [this] {
               return absl::StrContains(process_->err(), "onhandd ready") || !process_->IsRunning();
             },
             timeout) &&
         process_->IsRunning();
}

void HubProgram::Start(const std::vector<std::string>& more_arguments) {
  Launch(more_arguments);
  if (!AwaitReady()) Fail("onhandd does not come up", *process_);
}

void HubProgram::Kill() {
  if (process_ != nullptr) process_->Kill();
}

int HubProgram::Stop() { return EndGently(*process_, "onhandd"); }

bool HubProgram::IsRunning() { return process_ != nullptr && process_->IsRunning(); }

std::string HubProgram::log() const {
  return process_ == nullptr ? "" : process_->out() + process_->err();
}

client::Connection HubProgram::Connect(absl::Duration timeout) const {
  client::ConnectionOptions options;
  options.hub = address();
  options.timeout = timeout;
  options.attempts_max = 1000;
  options.first_backoff = absl::Milliseconds(20);
  return client::Connection(options);
}

Ended HubProgram::Onhand(const std::vector<std::string>& arguments) const {
  std::vector<std::string> all = {OnhandPath(), "--hub", address()};
  if (!first_token_file_.empty()) Append(all, {"--token-file", first_token_file_});
  Append(all, arguments);
  return RunToEnd(all);
}

Ended HubProgram::Verify() const { return RunToEnd({HubPath(), "verify", "--store", store_}); }

AgentProgram::AgentProgram(std::string hub_address, std::vector<std::string> arguments,
                           const std::vector<std::string>& security)
    : arguments_({AgentPath(), "--hub", std::move(hub_address), "--poll-ms", "30",
                  "--backoff-max-ms", "200"}) {
  Append(arguments_, security);
  Append(arguments_, arguments);
}

void AgentProgram::Launch(const std::vector<std::string>& more_arguments) {
  std::vector<std::string> arguments = arguments_;
  Append(arguments, more_arguments);
  process_.reset();
  process_ = std::make_unique<Process>(arguments);
}

void AgentProgram::Kill() {
  if (process_ != nullptr) process_->Kill();
}

int AgentProgram::Stop() { return EndGently(*process_, "onhand-agent"); }

bool AgentProgram::IsRunning() { return process_ != nullptr && process_->IsRunning(); }

std::optional<int> AgentProgram::Wait(absl::Duration timeout) { return process_->Wait(timeout); }

Ended AgentProgram::RunOnce(const std::vector<std::string>& more_arguments) const {
  std::vector<std::string> arguments = arguments_;
  arguments.push_back("--once");
  Append(arguments, more_arguments);
  return RunToEnd(arguments);
}

std::string AgentProgram::log() const {
  return process_ == nullptr ? "" : process_->out() + process_->err();
}

}  // namespace onhand::testing
