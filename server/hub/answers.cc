#include "server/hub/answers.h"

#include <utility>

namespace onhand::hub {
namespace {

constexpr size_t kGroupsMax = 4;

}  // namespace

Answers::Answers() : thread_([this] { Run(); }) {}

Answers::~Answers() { Stop(); }

void Answers::Hand(std::vector<Finish> finishes, absl::Status outcome) {
  if (finishes.empty()) return;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return groups_.size() < kGroupsMax; });
    groups_.push_back({std::move(finishes), std::move(outcome)});
  }
  changed_.notify_all();
}

void Answers::Give(const std::vector<Finish>& finishes, const absl::Status& outcome) {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return groups_.empty(); });
  }
  for (const Finish& finish : finishes) finish(outcome);
}

void Answers::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Answers::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !groups_.empty(); });
    if (groups_.empty()) return;
    {
      // A deque keeps its elements where they are while others are added behind.
      Group& group = groups_.front();
      lock.unlock();
      for (const Finish& finish : group.finishes) finish(group.outcome);
      group.finishes.clear();
      lock.lock();
    }
    groups_.pop_front();
    changed_.notify_all();
  }
}

}  // namespace onhand::hub
