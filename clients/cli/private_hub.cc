#include "clients/cli/private_hub.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace onhand::cli {
namespace {

constexpr absl::Duration kStartMax = absl::Seconds(30);
constexpr absl::Duration kLook = absl::Milliseconds(10);
const std::string& Ready() {
  static const auto& line = *new std::string("onhandd ready grpc=");
  return line;
}

bool IsProgram(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

absl::StatusOr<std::string> FindProgram(const std::string& given) {
  constexpr char kRemedy[] = "install it beside onhand or in PATH, or name it with --onhandd PATH";
  if (!given.empty()) {
    if (IsProgram(given)) return given;
    return absl::NotFoundError(absl::StrCat("--onhandd '", given, "' is no program; ", kRemedy));
  }
  std::vector<std::filesystem::path> folders;
  std::error_code failed;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (!failed) folders.push_back(self.parent_path());
  const char* const path = std::getenv("PATH");
  for (absl::string_view folder : absl::StrSplit(path == nullptr ? "" : path, ':')) {
    folders.emplace_back(std::string(folder));
  }
  for (const std::filesystem::path& folder : folders) {
    if (IsProgram(folder / "onhandd")) return (folder / "onhandd").string();
  }
  return absl::NotFoundError(absl::StrCat("there is no program onhandd; ", kRemedy));
}

// Runs in the child between fork and exec, where nothing may be allocated.
[[noreturn]] void Become(char* const* arguments, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // the parent ended before the line above
  const int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, STDIN_FILENO);
  dup2(nothing, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(arguments[0], arguments);
  _exit(127);
}

}  // namespace

absl::StatusOr<std::unique_ptr<PrivateHub>> PrivateHub::Start(const std::string& program) {
  const absl::StatusOr<std::string> path = FindProgram(program);
  if (!path.ok()) return path.status();
  std::vector<std::string> words = {
      *path,    "serve",       "--store",    "memory:",      "--grpc", "127.0.0.1:0",
      "--http", "127.0.0.1:0", "--insecure", "--projection", "off"};
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // A file without a name: nothing to clean up, and the hub never waits for a reader.
  const int log = memfd_create("onhandd", MFD_CLOEXEC);
  if (log < 0)
    return absl::FailedPreconditionError("a private hub cannot be started: no memory for its log");
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) Become(arguments.data(), log, parent);
  if (pid < 0) {
    close(log);
    return absl::FailedPreconditionError("a private hub cannot be started: no process is left");
  }
  std::unique_ptr<PrivateHub> hub(new PrivateHub(pid, log));
  if (absl::Status ready = hub->AwaitReady(); !ready.ok()) return ready;
  return hub;
}

PrivateHub::~PrivateHub() {
  // What it holds is in memory only, so it need not say goodbye.
  if (!ended_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(log_);
}

absl::Status PrivateHub::AwaitReady() {
  const absl::Time deadline = absl::Now() + kStartMax;
  while (absl::Now() < deadline) {
    const std::string log = Log();
    const size_t ready = log.find(Ready());
    if (ready != std::string::npos && log.find('\n', ready) != std::string::npos) {
      absl::string_view rest = absl::string_view(log).substr(ready + Ready().size());
      address_ = std::string(rest.substr(0, rest.find_first_of(" \n")));
      return absl::OkStatus();
    }
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      ended_ = true;
      return absl::FailedPreconditionError(
          absl::StrCat("the private hub ended at once; it said: ", Log()));
    }
    absl::SleepFor(kLook);
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the private hub does not come up; it said: ", Log()));
}

std::string PrivateHub::Log() const {
  std::string log;
  std::array<char, 4096> buffer;
  ssize_t count = 0;
  while ((count = pread(log_, buffer.data(), buffer.size(), static_cast<off_t>(log.size()))) > 0) {
    log.append(buffer.data(), static_cast<size_t>(count));
  }
  return log;
}

}  // namespace onhand::cli
