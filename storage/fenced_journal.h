// What an append, a read and a compaction mean, written once for all backends; a backend adds only
// its statements. Owned by a Store; one thread at a time, as Journal says.
#ifndef ONHAND_STORAGE_FENCED_JOURNAL_H_
#define ONHAND_STORAGE_FENCED_JOURNAL_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/store.h"

namespace onhand::storage {

class FencedJournal : public Journal {
 public:
  AppendOutcome Append(const JournalHead& head, const JournalRow& row, std::string* detail) final;
  AppendOutcome ResolveAppend(const JournalHead& head, const JournalRow& row,
                              std::string* detail) final;
  absl::Status Read(uint64_t first_revision,
                    absl::FunctionRef<absl::Status(const JournalRow&)> visit) final;
  absl::Status Restore(const JournalRow& row) final;
  absl::Status Compact(uint64_t last_revision) final;

 protected:
  enum class Inserted { kOne, kNone, kDuplicate };
  // Who wrote a row: enough to tell mine from another's.
  struct Identity {
    uint64_t writer = 0;
    uint64_t chain = 0;
  };

  // Runs the one conditional insert; behind the empty head a row of any revision. Any error means
  // that the row may or may not be durable.
  virtual absl::StatusOr<Inserted> Insert(const JournalHead& head, const JournalRow& row) = 0;
  // The row's identity, or nothing if there is no such row.
  virtual absl::StatusOr<std::optional<Identity>> IdentityOf(uint64_t revision) = 0;
  // Visits up to a bounded number of rows from `first_revision` on, in order; returns how many
  // there were.
  virtual absl::StatusOr<int> ReadSome(
      uint64_t first_revision, absl::FunctionRef<absl::Status(const JournalRow&)> visit) = 0;
  // Deletes rows up to `last_revision` in one short transaction.
  virtual absl::Status DeleteThrough(uint64_t last_revision) = 0;
  // Gives up the connection, so that the next statement makes a new one.
  virtual void Disconnect() = 0;

 private:
  AppendOutcome AfterDuplicate(const JournalRow& row, std::string* detail);
  AppendOutcome AfterNothingInserted(const JournalHead& head, std::string* detail);
  absl::Status GapAt(uint64_t expected_revision, uint64_t found_revision);
};

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_FENCED_JOURNAL_H_
