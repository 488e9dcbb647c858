// Sends what webhooks ask for: a courier for each that is enabled, and tests on demand. Owned by
// main, which stops it before the watch; Test may be called from any thread.
#ifndef ONHAND_SERVER_HOOKS_SENDER_H_
#define ONHAND_SERVER_HOOKS_SENDER_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "onhand/v1/webhooks.pb.h"
#include "server/hooks/courier.h"

namespace onhand::hooks {

class Sender {
 public:
  using TestDone = std::function<void(absl::StatusOr<v1::TestWebhookResponse>)>;
  static constexpr size_t kTestsMax = 8;

  // All outlive it.
  Sender(hub::Hub* hub, hub::Watch* watch, hub::Clock* clock, SenderOptions options = {});
  ~Sender();

  // Sends one webhook.test; `done` is called once, on a thread of the sender, with what came of it:
  // UNKNOWN_WEBHOOK, TEST_UNDER_WAY, UNAVAILABLE (STOPPING).
  void Test(const std::string& webhook_id, TestDone done);
  // Breaks off what is under way. Idempotent.
  void Stop();

 private:
  struct Wanted {
    std::string webhook_id;
    TestDone done;
  };

  void KeepCouriers();
  void MatchCouriers();
  void RunTests();
  absl::StatusOr<v1::TestWebhookResponse> TestNow(const std::string& webhook_id);

  hub::Hub* const hub_;
  hub::Watch* const watch_;
  hub::Clock* const clock_;
  const SenderOptions options_;

  std::map<std::string, std::unique_ptr<Courier>> couriers_;  // keeper_'s

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Wanted> tests_ ABSL_GUARDED_BY(mutex_);
  Post* test_under_way_ ABSL_GUARDED_BY(mutex_) = nullptr;

  std::thread keeper_;
  std::thread tester_;
};

}  // namespace onhand::hooks

#endif  // ONHAND_SERVER_HOOKS_SENDER_H_
