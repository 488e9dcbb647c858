// What the conformance suite runs on: a fresh database of one kind, any number of stores on it, and
// the damage that tests do behind a store's back. Made for one test, used by its thread.
#ifndef ONHAND_TESTS_CONFORMANCE_BACKEND_H_
#define ONHAND_TESTS_CONFORMANCE_BACKEND_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "storage/store.h"

namespace onhand::storage {

class Backend {
 public:
  virtual ~Backend() = default;

  // Another hub's view of the same database.
  virtual std::unique_ptr<Store> Open() = 0;

  // Damage.
  virtual void DropJournalRow(uint64_t revision) = 0;
  virtual void ReplaceBlock(uint64_t revision, uint32_t block, const std::string& bytes) = 0;
  virtual void DropBlock(uint64_t revision, uint32_t block) = 0;
  virtual int CountBlocks(uint64_t revision) = 0;
  virtual void RecordMigration(int number) = 0;

  // What people see in the tables, in the order of the key.
  virtual std::vector<StockRow> Stock() = 0;
  virtual std::vector<ReservationRow> Reservations() = 0;
  virtual std::vector<MovementRow> Movements() = 0;
  virtual std::vector<LocationRow> Locations() = 0;
  virtual std::vector<RuleRow> Rules() = 0;
  virtual std::vector<DisplayChangeRow> DisplayChanges() = 0;
  virtual int CountAudits() = 0;
};

struct BackendKind {
  std::string name;
  std::function<std::unique_ptr<Backend>()> make;
};
// What a failed test prints.
inline void PrintTo(const BackendKind& kind, std::ostream* out) { *out << kind.name; }

// Every kind of store. MySQL is a real MariaDB, started at the first use.
std::vector<BackendKind> AllBackends();

// A migrated database with one store on it.
class ConformanceTest : public ::testing::TestWithParam<BackendKind> {
 protected:
  void SetUp() override;

  // Appends `count` rows to the journal as `writer` and returns the head after them.
  JournalHead AppendRows(Store* store, JournalHead head, int count, uint64_t writer = 1);
  Journal& journal() { return store_->journal(); }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Store> store_;
};

// The row that `writer` would put behind `head`.
JournalRow RowAfter(const JournalHead& head, uint64_t writer, const std::string& payload = "facts");
JournalHead HeadAfter(const JournalRow& row);
// Appends and expects the outcome, showing the store's detail otherwise.
void ExpectAppend(Store* store, const JournalHead& head, const JournalRow& row,
                  AppendOutcome expected = AppendOutcome::kAppended);
// Every byte value, repeated to `size` bytes.
std::string EveryByte(size_t size);

#define INSTANTIATE_ON_ALL_BACKENDS(Suite)               \
  INSTANTIATE_TEST_SUITE_P(                              \
      Stores, Suite, ::testing::ValuesIn(AllBackends()), \
      [](const ::testing::TestParamInfo<BackendKind>& backend) { return backend.param.name; })

}  // namespace onhand::storage

#endif  // ONHAND_TESTS_CONFORMANCE_BACKEND_H_
