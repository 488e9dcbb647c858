// Sales from before the hub: kept by item, location and hour, and replayed day by day through the
// estimators that live sales go through, so that velocity, store clocks and priors start from
// history. Nothing here moves stock. Pure; one thread, owned by whoever imports.
//
// What the history does not say is assumed: a position had stock from its item's first sale in the
// chain to its own last sale; from then on, up to the last hour in which its location sold
// anything, its silence raises doubt, and what is doubted teaches no slowness.
#ifndef ONHAND_SERVER_LEDGER_PAST_SALES_H_
#define ONHAND_SERVER_LEDGER_PAST_SALES_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/learned.h"
#include "server/ledger/positions.h"

namespace onhand::ledger {

// What sold at one position in one hour; with `whole_day` the hour is any of the local day's.
struct PastHour {
  uint32_t item = 0;
  uint32_t location = 0;
  uint32_t hour = 0;  // since the epoch
  int32_t units = 0;
  bool whole_day = false;
};

class PastSales {
 public:
  // 20 bytes each.
  static constexpr size_t kHoursMax = 25'000'000;

  // Precondition: units within +-10^9; a moment since 1970, for a whole day its local
  // noon.
  void Add(uint32_t item, uint32_t location, int64_t sold_s, int64_t units, bool whole_day);
  // True once it holds more hours than it should.
  bool full() const { return hours_.size() > kHoursMax; }
  // By (item, location, hour), each hour once.
  absl::Span<const PastHour> Sorted();

 private:
  void Merge();

  std::vector<PastHour> hours_;
  size_t merged_ = 0;  // so many of them are in order, each once
};

// What the hub knew before, as far as the lesson needs it. By dense id.
struct LessonBefore {
  journal::LearnedChain chain;
  std::vector<LocationLearning> locations;
  std::vector<float> item_rate;
  // Positions with stock whose items may be in the history: those that never sold there teach too,
  // as silent ones.
  std::vector<PositionKey> stocked;
};

// What past sales taught: facts in the order in which they take effect, each for at most some 2,000
// positions.
struct Lesson {
  std::vector<journal::Fact> facts;
  uint64_t position_count = 0;
  uint64_t item_count = 0;
  uint64_t location_count = 0;
  int64_t first_sale_s = 0;
  int64_t last_sale_s = 0;  // the hour's start
  int64_t unit_count = 0;
  bool is_enough() const { return last_sale_s - first_sale_s >= int64_t{6} * 86'400; }
};

// Replays the history. Without a week of sales the lesson has its counts and no facts.
Lesson Teach(absl::Span<const PastHour> sorted, const LessonBefore& before);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_PAST_SALES_H_
