// Child processes and folders of a test: each is gone when its object is, also when the test fails
// or is killed itself. Start processes from the program's main thread: the kernel ends them
// together with the thread that made them. All other methods may be called by any one thread at a
// time.
#ifndef ONHAND_TESTS_SUPPORT_PROCESS_H_
#define ONHAND_TESTS_SUPPORT_PROCESS_H_

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace onhand::testing {

// An empty folder under the system's temporary one.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // The path of something in it.
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// Polls `condition` until it holds; false after `timeout`.
bool WaitUntil(const std::function<bool()>& condition, absl::Duration timeout = absl::Seconds(20));

// Creates or replaces a file.
void WriteFile(const std::filesystem::path& path, const std::string& content);
// Empty if there is none.
std::string ReadFile(const std::filesystem::path& path);

class Process {
 public:
  // What a program may be given beside its arguments.
  struct Options {
    // Standard input; a program without any reads an empty one.
    std::string input;
    // NAME=VALUE, on top of this program's environment.
    std::vector<std::string> environment;
  };

  // arguments[0] is the program's path. Aborts if there is no such program.
  explicit Process(const std::vector<std::string>& arguments);
  Process(const std::vector<std::string>& arguments, const Options& options);
  // kill -9, if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool IsRunning() { return !Wait(absl::ZeroDuration()).has_value(); }
  void Signal(int signal) const;
  // kill -9, and waits until it is gone.
  void Kill();
  // Its exit code once it has ended, -SIGNAL if a signal ended it; nullopt: it still runs after
  // `timeout`.
  std::optional<int> Wait(absl::Duration timeout = absl::Seconds(30));

  // What it wrote so far. What goes to stderr is kept at the end in the folder that
  // ONHAND_TEST_LOGS names, if it names one.
  std::string out() const;
  std::string err() const;

 private:
  void KeepLog() const;

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace onhand::testing

#endif  // ONHAND_TESTS_SUPPORT_PROCESS_H_
