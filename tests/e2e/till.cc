#include "tests/e2e/till.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/support/process.h"

namespace onhand::testing {
namespace {

constexpr absl::Duration kLag = absl::Hours(3);
constexpr absl::Duration kLateness = absl::Hours(1);
// Between two events; a late one comes one millisecond behind such a moment, never on one.
constexpr int64_t kStepMs = 2;

std::string Moment(int64_t at_ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(at_ms), absl::UTCTimeZone());
}

}  // namespace

Till::Till(std::string location_id, std::filesystem::path folder, int sku_count, uint32_t seed)
    : location_id_(std::move(location_id)),
      folder_(std::move(folder)),
      sku_count_(sku_count),
      random_(seed),
      now_ms_(absl::ToUnixMillis(absl::Now() - kLag) / kStepMs * kStepMs),
      late_ms_(now_ms_ - absl::ToInt64Milliseconds(kLateness) + 1) {
  DropSnapshot();
}

int Till::Random(int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(random_);
}

std::string Till::RandomSku() {
  return absl::StrFormat("%s-%05d", location_id_, Random(1, sku_count_));
}

void Till::Note(const std::string& sku, int64_t at_ms, bool is_level, int64_t quantity) {
  events_[sku].push_back({at_ms, is_level, quantity});
  ++row_count_;
}

void Till::Drop() {
  const int choice = Random(1, 100);
  if (choice <= 8) return DropSnapshot();
  if (choice <= 25) return DropReceipts(Random(1, 20));
  DropSales(choice <= 28 ? Random(500, 1500) : Random(1, 40));
}

void Till::DropSales(int row_count) {
  std::string content = "sku,qty,occurred_at\n";
  const bool late = Random(1, 10) == 1;
  for (int i = 0; i < row_count; ++i) {
    const std::string sku = RandomSku();
    const int64_t quantity = Random(1, 20) == 1 ? -1 : Random(1, 3);
    const int64_t at_ms = late ? (late_ms_ += kStepMs) : (now_ms_ += kStepMs);
    absl::StrAppend(&content, sku, ",", quantity, ",", Moment(at_ms), "\n");
    Note(sku, at_ms, false, -quantity);
  }
  Publish("sales", content, now_ms_);
}

void Till::DropReceipts(int row_count) {
  std::string content = "sku;quantity;timestamp\r\n";
  for (int i = 0; i < row_count; ++i) {
    const std::string sku = RandomSku();
    const int quantity = Random(1, 50);
    now_ms_ += kStepMs;
    absl::StrAppend(&content, sku, ";", quantity, ";", Moment(now_ms_), "\r\n");
    Note(sku, now_ms_, false, quantity);
  }
  Publish("receipts", content, now_ms_);
}

void Till::DropSnapshot() {
  now_ms_ += kStepMs;
  const bool is_first = file_count_ == 0;
  std::string content = "sku,on hand\n";
  for (int i = 1; i <= sku_count_; ++i) {
    const std::string sku = absl::StrFormat("%s-%05d", location_id_, i);
    // What a complete snapshot leaves out is at zero.
    const bool left_out = !is_first && Random(1, 20) == 1;
    const int quantity = left_out ? 0 : Random(20, 200);
    if (!left_out) absl::StrAppend(&content, sku, ",", quantity, "\n");
    Note(sku, now_ms_, true, quantity);
  }
  Publish("stock", content, now_ms_);
}

void Till::Publish(const std::string& kind, const std::string& content, int64_t at_ms) {
  const std::string name = absl::StrFormat("%s_%06d.csv", kind, ++file_count_);
  const std::filesystem::path unfinished = folder_ / (name + ".tmp");
  WriteFile(unfinished, content);
  const timespec moment = absl::ToTimespec(absl::FromUnixMillis(at_ms));
  const timespec times[2] = {moment, moment};
  if (utimensat(AT_FDCWD, unfinished.c_str(), times, 0) != 0) abort();
  std::filesystem::rename(unfinished, folder_ / name);
}

Numbers Till::Expected() const {
  Numbers numbers;
  for (const auto& [sku, told] : events_) {
    std::vector<Event> events = told;
    std::stable_sort(events.begin(), events.end(),
                     [](const Event& a, const Event& b) { return a.at_ms < b.at_ms; });
    int64_t on_hand = 0;
    for (const Event& event : events) {
      on_hand = event.is_level ? event.quantity : on_hand + event.quantity;
    }
    numbers[sku] = on_hand;
  }
  return numbers;
}

}  // namespace onhand::testing
