// A till of one location: drops exports into a folder as a real one would, and knows what the hub
// must make of them in the end. One thread at a time.
#ifndef ONHAND_TESTS_E2E_TILL_H_
#define ONHAND_TESTS_E2E_TILL_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace onhand::testing {

// Units on hand by SKU.
using Numbers = std::map<std::string, int64_t>;

class Till {
 public:
  // `folder` exists already. The first export is a snapshot of all SKUs, so that every position is
  // there before something is told late about it.
  Till(std::string location_id, std::filesystem::path folder, int sku_count, uint32_t seed);

  const std::string& location_id() const { return location_id_; }

  // Drops one export of a random kind: mostly sales (voids among them, and now and then sales of
  // an hour before the last snapshot), receipts, or a full snapshot.
  void Drop();
  void DropSnapshot();
  void DropSales(int row_count);

  // Rows dropped so far.
  int64_t row_count() const { return row_count_; }
  // What every position must hold once all of it has arrived: per SKU the last snapshot's number,
  // and what happened after it, whenever that was told.
  Numbers Expected() const;

 private:
  struct Event {
    int64_t at_ms = 0;
    bool is_level = false;
    int64_t quantity = 0;
  };

  void DropReceipts(int row_count);
  std::string RandomSku();
  int Random(int low, int high);
  void Note(const std::string& sku, int64_t at_ms, bool is_level, int64_t quantity);
  // Moves the finished file into the folder under its name, as careful tills do.
  void Publish(const std::string& kind, const std::string& content, int64_t at_ms);

  const std::string location_id_;
  const std::filesystem::path folder_;
  const int sku_count_;
  std::mt19937 random_;
  // Time by the till's clock: in the past, and each event has its own moment.
  int64_t now_ms_;
  int64_t late_ms_;
  int file_count_ = 0;
  int64_t row_count_ = 0;
  std::map<std::string, std::vector<Event>> events_;
};

}  // namespace onhand::testing

#endif  // ONHAND_TESTS_E2E_TILL_H_
