#include "tests/demo/processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

extern char** environ;

namespace onhand::demo {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// In the child, between fork and exec: only what is safe while other threads held locks.
[[noreturn]] void BecomeProgram(char* const* arguments, char* const* environment, int output) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execve(arguments[0], arguments, environment);
  _exit(127);
}

absl::StatusOr<pid_t> Fork(std::vector<std::string> arguments, std::vector<std::string> environment,
                           int output) {
  const std::vector<char*> argument_pointers = Pointers(arguments);
  const std::vector<char*> environment_pointers = Pointers(environment);
  const pid_t pid = fork();
  if (pid == 0) BecomeProgram(argument_pointers.data(), environment_pointers.data(), output);
  if (pid < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot start ", arguments[0], ": ", std::strerror(errno)));
  }
  return pid;
}

std::vector<std::string> Environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  return variables;
}

}  // namespace

Child::~Child() { Kill(); }

Child& Child::operator=(Child&& other) noexcept {
  Kill();
  pid_ = std::exchange(other.pid_, -1);
  return *this;
}

absl::StatusOr<Child> Child::Start(const std::vector<std::string>& arguments,
                                   const std::string& log_path) {
  const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot write ", log_path, ": ", std::strerror(errno)));
  }
  const absl::StatusOr<pid_t> pid = Fork(arguments, Environment(), log);
  close(log);
  if (!pid.ok()) return pid.status();
  Child child;
  child.pid_ = *pid;
  return child;
}

void Child::Reap(int options) {
  if (pid_ > 0 && waitpid(pid_, nullptr, options) == pid_) pid_ = -1;
}

bool Child::running() {
  Reap(WNOHANG);
  return pid_ > 0;
}

void Child::Stop() {
  if (!running()) return;
  kill(pid_, SIGTERM);
  const absl::Time deadline = absl::Now() + absl::Seconds(5);
  while (running() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(10));
  Kill();
}

void Child::Kill() {
  if (!running()) return;
  kill(pid_, SIGKILL);
  Reap(0);
}

absl::StatusOr<Finished> RunShell(
    const std::string& command, const std::vector<std::pair<std::string, std::string>>& variables) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::UnavailableError(absl::StrCat("pipe: ", std::strerror(errno)));
  }
  std::vector<std::string> environment = Environment();
  for (const auto& [name, value] : variables) {
    const std::string start = absl::StrCat(name, "=");
    std::erase_if(environment,
                  [&](const std::string& variable) { return absl::StartsWith(variable, start); });
    environment.push_back(start + value);
  }
  const absl::StatusOr<pid_t> pid = Fork({"/bin/sh", "-c", command}, environment, ends[1]);
  close(ends[1]);
  Finished finished;
  std::array<char, 4096> bytes;
  ssize_t count = 0;
  while (pid.ok() && (count = read(ends[0], bytes.data(), bytes.size())) > 0) {
    finished.output.append(bytes.data(), static_cast<size_t>(count));
  }
  close(ends[0]);
  if (!pid.ok()) return pid.status();
  int status = 0;
  waitpid(*pid, &status, 0);
  finished.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

}  // namespace onhand::demo
