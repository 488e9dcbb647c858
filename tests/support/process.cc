#include "tests/support/process.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace onhand::testing {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(5);

[[noreturn]] void Fail(const std::string& what) {
  perror(what.c_str());
  abort();
}

// A file without a name: nothing to clean up, and a program never waits for somebody to read it.
int MemoryFile(const char* name) {
  const int file = memfd_create(name, MFD_CLOEXEC);
  if (file < 0) Fail("memfd_create");
  return file;
}

std::string ContentOf(int file) {
  std::string content;
  std::array<char, 64 << 10> buffer;
  ssize_t count;
  while ((count = pread(file, buffer.data(), buffer.size(), static_cast<off_t>(content.size()))) >
         0) {
    content.append(buffer.data(), static_cast<size_t>(count));
  }
  return content;
}

int InputFile(const std::string& input) {
  const int file = MemoryFile("in");
  if (write(file, input.data(), input.size()) != static_cast<ssize_t>(input.size())) Fail("write");
  if (lseek(file, 0, SEEK_SET) != 0) Fail("lseek");
  return file;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "onhand_test_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) Fail("mkdtemp");
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

bool WaitUntil(const std::function<bool()>& condition, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(kLook);
  }
  return true;
}

void WriteFile(const std::filesystem::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!(file << content) || !file.flush()) Fail("write " + path.string());
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

Process::Process(const std::vector<std::string>& arguments) : Process(arguments, Options()) {}

Process::Process(const std::vector<std::string>& arguments, const Options& options)
    : in_(InputFile(options.input)), out_(MemoryFile("out")), err_(MemoryFile("err")) {
  std::vector<std::string> argument_texts = arguments;
  std::vector<std::string> environment_texts = options.environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment_texts.emplace_back(*variable);
  }
  const std::vector<char*> argv = Pointers(argument_texts);
  const std::vector<char*> environment = Pointers(environment_texts);

  // Between fork and exec only what is safe while other threads held locks.
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) Fail("fork");
  if (pid_ == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);
    dup2(in_, STDIN_FILENO);
    dup2(out_, STDOUT_FILENO);
    dup2(err_, STDERR_FILENO);
    execve(argv[0], argv.data(), environment.data());
    _exit(127);
  }
}

Process::~Process() {
  Kill();
  KeepLog();
  for (const int file : {in_, out_, err_}) close(file);
}

// `./run test` looks through them for what no log may hold.
void Process::KeepLog() const {
  const char* folder = std::getenv("ONHAND_TEST_LOGS");
  if (folder == nullptr) return;
  std::ofstream(std::filesystem::path(folder) / absl::StrCat(getpid(), "-", pid_, ".log"),
                std::ios::binary)
      << err();
}

void Process::Signal(int signal) const {
  if (!exit_code_) kill(pid_, signal);
}

void Process::Kill() {
  Signal(SIGKILL);
  Wait(absl::InfiniteDuration());
}

std::optional<int> Process::Wait(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!exit_code_) {
    int status = 0;
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    if (ended < 0 && errno != EINTR) Fail("waitpid");
    if (ended == pid_) {
      exit_code_ = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    } else if (absl::Now() >= deadline) {
      return std::nullopt;
    } else {
      absl::SleepFor(kLook);
    }
  }
  return exit_code_;
}

std::string Process::out() const { return ContentOf(out_); }

std::string Process::err() const { return ContentOf(err_); }

}  // namespace onhand::testing
