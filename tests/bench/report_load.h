// Load generators at the wire: each is a source with a stream and a connection of its own, sending
// sales of one store in batches of 1,000, at most 8 unacknowledged. Batches are serialized once and
// only their sequence and times are written anew, so that both cores are left to the hub.
// Owned by one thread, which calls everything; each generator runs on a thread of its own.
#ifndef ONHAND_TESTS_BENCH_REPORT_LOAD_H_
#define ONHAND_TESTS_BENCH_REPORT_LOAD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace onhand::bench {

inline constexpr int kBatchMovements = 1'000;

class ReportLoad {
 public:
  // Opens the streams of stores 0 .. generators - 1 at the hub. Throws if one is refused.
  ReportLoad(const std::string& address, int generators, int items);
  ~ReportLoad();
  ReportLoad(const ReportLoad&) = delete;
  ReportLoad& operator=(const ReportLoad&) = delete;

  // Lets the generators send, or hold what they have not sent yet.
  void SetSending(bool sending);
  // Stops sending and waits until everything sent is acknowledged. Throws if the hub refused
  // anything.
  void Finish();

  // Movements that the hub has acknowledged.
  uint64_t acknowledged() const;
  // Those of them in revisions up to this one. Revisions must not fall from call to call.
  uint64_t AcknowledgedThrough(uint64_t revision);

  // Sends for so long and waits for the last acknowledgement: movements a second.
  double Burst(double seconds);

 private:
  struct Shared;
  class Generator;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Generator>> generators_;
};

}  // namespace onhand::bench

#endif  // ONHAND_TESTS_BENCH_REPORT_LOAD_H_
