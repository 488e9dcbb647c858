// People and senders who write to a hub all the time, know what it has acknowledged, and repeat
// what it has not: with the same sequence, or the same request id. Each has a thread of its own
// from its making to Finish().
#ifndef ONHAND_TESTS_E2E_STEADY_WRITERS_H_
#define ONHAND_TESTS_E2E_STEADY_WRITERS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"

namespace onhand::testing {

// Repeats one write until the hub acknowledges it, then does the next. A refusal that is not a
// matter of reaching the hub fails the test.
class SteadyWriter {
 public:
  // `attempt` does write number N, from 1, and may be asked to do it again.
  explicit SteadyWriter(std::function<absl::Status(uint64_t)> attempt);
  // Does not wait for an acknowledgement any more.
  ~SteadyWriter();
  SteadyWriter(const SteadyWriter&) = delete;
  SteadyWriter& operator=(const SteadyWriter&) = delete;

  // Acknowledged writes.
  uint64_t acknowledged() const { return acknowledged_; }
  // Waits for the last write's acknowledgement and ends the thread; returns the number of writes.
  uint64_t Finish();

 private:
  void Run();

  const std::function<absl::Status(uint64_t)> attempt_;
  std::atomic<uint64_t> acknowledged_{0};
  std::atomic<bool> finishing_{false};
  std::atomic<bool> abandoning_{false};
  std::thread thread_;
};

// A source without an agent: each write is the next batch, one unit received. The position's number
// is the source's last sequence whatever happens.
std::unique_ptr<SteadyWriter> StartSender(const std::string& hub, const std::string& location_id,
                                          const std::string& source_id, const std::string& sku);

// A person who finds one unit, again and again. The position's number is what was acknowledged, or
// one more while an answer is awaited.
std::unique_ptr<SteadyWriter> StartPerson(const std::string& hub, const std::string& location_id,
                                          const std::string& sku);

}  // namespace onhand::testing

#endif  // ONHAND_TESTS_E2E_STEADY_WRITERS_H_
