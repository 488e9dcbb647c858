// What the scenes say. Lines are kept for the live view and for the end; where there is no terminal
// they are printed at once. Any thread.
#ifndef ONHAND_TESTS_DEMO_NARRATOR_H_
#define ONHAND_TESTS_DEMO_NARRATOR_H_

#include <iostream>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace onhand::demo {

class Narrator {
 public:
  explicit Narrator(bool prints) : prints_(prints) {}

  // One line or several.
  void Say(absl::string_view line) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    for (const absl::string_view part : absl::StrSplit(line, '\n')) lines_.emplace_back(part);
    if (prints_) std::cout << line << std::endl;
  }

  std::vector<std::string> lines() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return lines_;
  }

 private:
  const bool prints_;
  mutable absl::Mutex mu_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
};

}  // namespace onhand::demo

#endif  // ONHAND_TESTS_DEMO_NARRATOR_H_
