#include "tests/demo/probe.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/time/clock.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "tests/demo/world.h"

namespace onhand::demo {
namespace {

// Between two questions; the measured times are exact to about this.
constexpr absl::Duration kAskEvery = absl::Milliseconds(2);

}  // namespace

Probe::Probe(client::ConnectionOptions hub, std::string channel_id)
    : hub_(std::move(hub)),
      channel_id_(std::move(channel_id)),
      silent_(Stores().size(), false),
      thread_([this] { Run(); }) {}

Probe::~Probe() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

void Probe::Watch(size_t store, size_t good, int left, absl::Time dropped_at) {
  absl::MutexLock lock(&mu_);
  if (!silent_[store]) waiting_.push_back({store, good, left, dropped_at});
}

void Probe::Forget(size_t store, size_t good) {
  absl::MutexLock lock(&mu_);
  std::erase_if(waiting_,
                [&](const Waiting& one) { return one.store == store && one.good == good; });
}

void Probe::SetSilent(size_t store, bool silent) {
  absl::MutexLock lock(&mu_);
  silent_[store] = silent;
  std::erase_if(waiting_, [&](const Waiting& one) { return one.store == store; });
}

Probe::Measured Probe::measured() const {
  absl::MutexLock lock(&mu_);
  Measured measured{.reports = took_.size()};
  if (took_.empty()) return measured;
  std::vector<absl::Duration> sorted = took_;
  std::sort(sorted.begin(), sorted.end());
  measured.median = sorted[sorted.size() / 2];
  measured.slowest = sorted.back();
  return measured;
}

void Probe::Run() {
  for (;;) {
    std::vector<Waiting> waiting;
    {
      absl::MutexLock lock(&mu_);
      const auto called = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return stopping_ || !waiting_.empty();
      };
      mu_.Await(absl::Condition(&called));
      if (stopping_) return;
      waiting = waiting_;
    }
    Ask(waiting);
    absl::SleepFor(kAskEvery);
  }
}

void Probe::Ask(const std::vector<Waiting>& waiting) {
  std::set<std::string> skus;
  for (const Waiting& one : waiting) skus.insert(Goods()[one.good].sku);
  v1::BatchGetAvailabilityRequest request;
  request.mutable_skus()->Add(skus.begin(), skus.end());
  request.set_channel_id(channel_id_);
  request.set_with_locations(true);
  const auto response = hub_.Call(&v1::AvailabilityService::Stub::BatchGetAvailability, request);
  const absl::Time answered_at = absl::Now();
  if (!response.ok()) return;
  std::map<std::pair<std::string, std::string>, int> salable;
  for (const v1::BatchAvailability& result : response->results()) {
    for (const v1::LocationAvailability& location : result.availability().locations()) {
      salable[{result.availability().sku(), location.location_id()}] = location.salable();
    }
  }
  absl::MutexLock lock(&mu_);
  std::erase_if(waiting_, [&](const Waiting& one) {
    const auto told = salable.find({Goods()[one.good].sku, Stores()[one.store].id});
    if (one.dropped_at > answered_at || told == salable.end() || told->second > one.left) {
      return false;
    }
    took_.push_back(answered_at - one.dropped_at);
    return true;
  });
}

}  // namespace onhand::demo
