// Decides what sources tell: Hello, batches and heartbeats. A batch is taken as one whole, except
// rows that cannot be, which are quarantined one by one.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_REPORT_H_
#define ONHAND_SERVER_LEDGER_DECIDE_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "onhand/v1/report.pb.h"
#include "server/ledger/group.h"

namespace onhand::ledger {

inline constexpr int kBatchRowsMax = 10'000;
inline constexpr size_t kInputPositionBytesMax = 1'024;
inline constexpr int kSourceLocationsMax = 1'000;

// What Welcome says, and how the stream's batches are to be decided.
struct OpenedSource {
  uint32_t source = 0;
  uint32_t spool = 0;
  uint64_t durable_sequence = 0;
  uint64_t rolling_hash = 0;
  std::string input_position;
  std::string last_spool_id;
  int64_t clock_correction_us = 0;  // added to the source's times
  int64_t now_us = 0;
};

// Adds SourceOpened if Hello says anything new. Errors: INVALID_HELLO, UNKNOWN_LOCATION,
// SOURCE_RETIRED, SPOOL_ENDED (an older spool of a source that has begun a newer one: that spool's
// sequences are closed).
absl::StatusOr<OpenedSource> DecideHello(Group& group, const v1::Hello& hello);

struct ReportDecision {
  bool already_applied = false;
  uint64_t durable_sequence = 0;
  std::vector<v1::RowProblem> problems;
};

// Errors: SEQUENCE_REUSED, SEQUENCE_GAP, BATCH_TOO_LARGE, SPOOL_ENDED, SOURCE_RETIRED,
// INVALID_BATCH (names the field).
absl::StatusOr<ReportDecision> DecideReport(Group& group, uint32_t source, uint32_t spool,
                                            int64_t clock_correction_us, const v1::Batch& batch);

// Adds KnownThrough if it moves anything; unknown locations in it are ignored.
void DecideHeartbeat(Group& group, uint32_t source, int64_t clock_correction_us,
                     const v1::Heartbeat& heartbeat);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_REPORT_H_
