// Measures how long a sale takes from a till's file to the website: from the moment at which the
// file is dropped into its folder to the first availability answer that contains it. Every file
// with sales is measured, by asking for its last item until the store's number has fallen. Owned
// by main; any thread may call it.
#ifndef ONHAND_TESTS_DEMO_PROBE_H_
#define ONHAND_TESTS_DEMO_PROBE_H_

#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/cpp/connection.h"

namespace onhand::demo {

class Probe {
 public:
  struct Measured {
    size_t reports = 0;
    absl::Duration median;
    absl::Duration slowest;
  };

  // Asks `hub` on `channel_id`, which must withhold nothing.
  Probe(client::ConnectionOptions hub, std::string channel_id);
  ~Probe();

  // A sale left `left` units in the store; its file was dropped at `dropped_at`.
  void Watch(size_t store, size_t good, int left, absl::Time dropped_at) ABSL_LOCKS_EXCLUDED(mu_);
  // Units come in: the fall of an earlier sale may not be seen any more.
  void Forget(size_t store, size_t good) ABSL_LOCKS_EXCLUDED(mu_);
  // The store's agent stands still: how long its files wait says nothing about the hub.
  void SetSilent(size_t store, bool silent) ABSL_LOCKS_EXCLUDED(mu_);

  Measured measured() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Waiting {
    size_t store = 0;
    size_t good = 0;
    int left = 0;
    absl::Time dropped_at;
  };

  void Run();
  void Ask(const std::vector<Waiting>& waiting) ABSL_LOCKS_EXCLUDED(mu_);

  client::Connection hub_;
  const std::string channel_id_;
  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<Waiting> waiting_ ABSL_GUARDED_BY(mu_);
  std::vector<bool> silent_ ABSL_GUARDED_BY(mu_);
  std::vector<absl::Duration> took_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace onhand::demo

#endif  // ONHAND_TESTS_DEMO_PROBE_H_
