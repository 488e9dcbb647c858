// Gives the answers of committed groups on a thread of its own, so that the next group is decided
// and made durable meanwhile. Owned by the sequencer, whose thread hands them over; they are given
// in that order.
#ifndef ONHAND_SERVER_HUB_ANSWERS_H_
#define ONHAND_SERVER_HUB_ANSWERS_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"

namespace onhand::hub {

class Answers {
 public:
  // Called once with the outcome of the group: OK when its facts are durable and applied.
  using Finish = std::function<void(const absl::Status& outcome)>;

  // Starts the thread.
  Answers();
  ~Answers();

  // Returns soon; the answers are given later. Waits while 4 groups are not answered yet: what
  // comes then waits in the sequencer's queues, which have bounds.
  void Hand(std::vector<Finish> finishes, absl::Status outcome);
  // Gives the answers before it returns, behind those handed over before. For a caller that has
  // nothing else to do: waking another thread would take as long as a sync.
  void Give(const std::vector<Finish>& finishes, const absl::Status& outcome);
  // Gives what was handed over, then ends the thread. Idempotent; nothing is handed over after it.
  void Stop();

 private:
  struct Group {
    std::vector<Finish> finishes;
    absl::Status outcome;
  };

  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Group> groups_ ABSL_GUARDED_BY(mutex_);  // the first one is being answered
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_ANSWERS_H_
