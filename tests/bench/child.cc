#include "tests/bench/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>

namespace onhand::bench {
namespace {

// HOST:PORT of a line that says ` ready grpc=HOST:PORT`, or nothing.
std::string AddressIn(const std::string& said) {
  const size_t found = said.find(" ready grpc=");
  if (found == std::string::npos) return "";
  const size_t first = found + std::string(" ready grpc=").size();
  const size_t end = said.find_first_of(" \n", first);
  return end == std::string::npos ? "" : said.substr(first, end - first);
}

}  // namespace

Child::Child(std::vector<std::string> arguments) {
  const auto start = SteadyClock::now();
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  const pid_t parent = getpid();
  process_ = fork();
  if (process_ < 0) throw std::runtime_error("fork");
  if (process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    dup2(ends[1], STDERR_FILENO);
    // The table is all that the bench writes.
    dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(ends[1]);
  stderr_ = ends[0];

  std::string said;
  char buffer[4096];
  while (address_.empty()) {
    const ssize_t size = read(stderr_, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) {
      ThrowIfInterrupted();
      continue;
    }
    if (size <= 0) {
      waitpid(process_, nullptr, 0);
      close(stderr_);
      throw std::runtime_error(arguments[0] + " ended before it was ready: " + said);
    }
    said.append(buffer, static_cast<size_t>(size));
    address_ = AddressIn(said);
  }
  ready_after_ = SecondsSince(start);
  drain_ = std::thread([this] {
    char rest[4096];
    while (true) {
      const ssize_t size = read(stderr_, rest, sizeof(rest));
      if (size == 0 || (size < 0 && errno != EINTR)) return;
    }
  });
}

Child::~Child() {
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  drain_.join();
  close(stderr_);
}

size_t Child::ResidentBytes() const {
  std::ifstream statm("/proc/" + std::to_string(process_) + "/statm");
  size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

std::vector<std::string> ServeArguments(const Settings& settings, const std::string& store) {
  return {settings.onhandd, "serve",   "--grpc", "127.0.0.1:0", "--http",
          "127.0.0.1:0",    "--store", store,    "--insecure"};
}

}  // namespace onhand::bench
