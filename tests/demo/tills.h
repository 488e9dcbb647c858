// The tills of all stores: they know what is truly on every shelf, and twice a second each drops
// what it sold as a CSV file into its store's folder, where the store's agent finds it. Owned by
// main; all methods may be called from any thread.
//
// The chain's hours pass faster than this machine's, but the tills know only the latter: times in
// the files, and the files' modification times up to which they tell everything, are the wall
// clock's, and it is the agents who move them onto the hub's clock. A shelf that is empty sells
// nothing, and neither does one whose units have vanished: the till counts them still. Every night
// at six the stores are filled up again.
#ifndef ONHAND_TESTS_DEMO_TILLS_H_
#define ONHAND_TESTS_DEMO_TILLS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/demo/sales.h"

namespace onhand::demo {

// What of a full stock file reaches the drop folder.
enum class StockFile { kWhole, kCutInARow, kCutBetweenRows };

class Tills {
 public:
  struct Options {
    std::string folder;  // a subfolder each store is made in it
    SalesHistory history;
    int64_t speed = 1;  // seconds of the history that pass in one
    uint64_t seed = 0;  // of opening stock and of the seconds in the files
    // Called after a file with a sale was dropped: at that moment the shelf has `left`.
    std::function<void(size_t store, size_t good, int left, absl::Time dropped_at)> on_sale;
    // Called before units come in, which ends the waiting for an earlier sale's number.
    std::function<void(size_t store, size_t good)> on_rise;
  };

  explicit Tills(Options options);
  // Closes.
  ~Tills();

  // Drops the opening stock of every store.
  absl::Status TellOpeningStock() ABSL_LOCKS_EXCLUDED(mu_);
  // Sells until Close.
  void Open() ABSL_LOCKS_EXCLUDED(mu_);
  void Close() ABSL_LOCKS_EXCLUDED(mu_);
  // While halted nobody buys and no file is dropped.
  void SetHalted(bool halted) ABSL_LOCKS_EXCLUDED(mu_);

  // A customer takes up to `units` of a good wherever the shelves have it; answers how many.
  int Sell(size_t good, int units) ABSL_LOCKS_EXCLUDED(mu_);
  // The same in every store; answers how many in all.
  int SellEverywhere(size_t good, int units) ABSL_LOCKS_EXCLUDED(mu_);
  // Somebody tells the till that a shelf is empty. It exports no such thing.
  void WriteOff(size_t store, size_t good) ABSL_LOCKS_EXCLUDED(mu_);
  // A delivery to one store.
  void Receive(size_t store, size_t good, int units) ABSL_LOCKS_EXCLUDED(mu_);
  // Drops a full stock file, whole or broken; answers its name.
  std::string DropStockFile(size_t store, StockFile kind) ABSL_LOCKS_EXCLUDED(mu_);

  std::vector<int> Shelves(size_t store) const ABSL_LOCKS_EXCLUDED(mu_);
  int ChainOnHand(size_t good) const ABSL_LOCKS_EXCLUDED(mu_);
  int sold() const ABSL_LOCKS_EXCLUDED(mu_);
  // The newest file that could not be written; OK: all were.
  absl::Status status() const ABSL_LOCKS_EXCLUDED(mu_);
  // The hour that is replayed.
  absl::CivilSecond ReplayedMoment() const;

  std::string FolderOf(size_t store) const;

 private:
  struct Line {
    size_t good = 0;
    int units = 0;
    absl::Time at;
  };

  void Run();
  void SellUntil(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int SellAt(size_t store, size_t good, int units, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FillUp(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What the basket holds, sold up to `now`.
  void DropSales(size_t store, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropReceipts(size_t store, const std::vector<Line>& lines, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The file tells everything up to `now`, or to a moment after the store's last file.
  std::string DropFile(size_t store, const std::string& stem, const std::string& content,
                       absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  const absl::Time began_ = absl::Now();  // when the history's first moment was
  std::thread thread_;
  mutable absl::Mutex mu_;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  bool halted_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::vector<int>> shelves_ ABSL_GUARDED_BY(mu_);    // store, good
  std::vector<std::vector<int>> filled_up_ ABSL_GUARDED_BY(mu_);  // what a night's delivery aims at
  std::vector<std::vector<Line>> basket_ ABSL_GUARDED_BY(mu_);    // sold, not yet in a file
  std::vector<absl::Time> told_until_ ABSL_GUARDED_BY(mu_);       // of each store's newest file
  size_t next_sale_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t rounds_ ABSL_GUARDED_BY(mu_) = 0;  // through the whole history
  int64_t nights_ ABSL_GUARDED_BY(mu_) = 0;
  int sold_ ABSL_GUARDED_BY(mu_) = 0;
  int files_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
};

}  // namespace onhand::demo

#endif  // ONHAND_TESTS_DEMO_TILLS_H_
