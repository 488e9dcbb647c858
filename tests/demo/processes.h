// The programs that the demo starts. A child is its own process group, so that Ctrl-C reaches the
// demo alone and the demo ends its children in order; the kernel ends a child whose demo was
// killed.
#ifndef ONHAND_TESTS_DEMO_PROCESSES_H_
#define ONHAND_TESTS_DEMO_PROCESSES_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace onhand::demo {

// Owns one child. Not to be shared between threads. A child lives no longer than the thread that
// started it.
class Child {
 public:
  Child() = default;
  // Kills it if it still runs.
  ~Child();
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&& other) noexcept;

  // Starts `arguments` (the first is the program's path) with its output appended to `log_path`.
  static absl::StatusOr<Child> Start(const std::vector<std::string>& arguments,
                                     const std::string& log_path);

  bool running();
  // Asks it to end, and kills it if it has not after five seconds.
  void Stop();
  // Ends it at once, as a power cut would.
  void Kill();

 private:
  void Reap(int options);

  pid_t pid_ = -1;
};

struct Finished {
  int exit_code = 0;
  std::string output;  // standard output and error
};

// Runs a shell command to its end with these variables added to the environment.
absl::StatusOr<Finished> RunShell(
    const std::string& command, const std::vector<std::pair<std::string, std::string>>& variables);

}  // namespace onhand::demo

#endif  // ONHAND_TESTS_DEMO_PROCESSES_H_
