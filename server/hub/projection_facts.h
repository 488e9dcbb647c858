// What rows of the journal mean for the plain tables: which rows of them may have changed, and
// which are new. Many journal rows coalesce into one. Values without names; filled and read by the
// projector's thread.
#ifndef ONHAND_SERVER_HUB_PROJECTION_FACTS_H_
#define ONHAND_SERVER_HUB_PROJECTION_FACTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/positions.h"
#include "server/ledger/state.h"

namespace onhand::hub {

class ProjectedFacts {
 public:
  // A row of the table movement, in dense ids.
  struct Movement {
    uint64_t revision = 0;
    uint32_t ordinal = 0;
    uint32_t item = 0;
    uint32_t location = 0;
    uint32_t kind = 0;
    uint32_t source = 0;  // 0: a person
    bool inferred = false;
    int64_t quantity = 0;
    int64_t occurred_at_us = 0;
  };
  struct DisplayChange {
    uint64_t revision = 0;
    uint32_t ordinal = 0;
    int64_t changed_at_us = 0;
    ::onhand::journal::v1::DisplayChanged change;
  };
  // What a person did. The subject is the item, the location, the source and the text, as far as
  // they are there.
  struct Audit {
    uint64_t revision = 0;
    uint32_t ordinal = 0;
    int64_t committed_at_us = 0;
    std::string action;
    uint32_t item = 0;
    uint32_t location = 0;
    uint32_t source = 0;
    std::string text;
    std::string author;
    std::string reason;
    // What an Audited fact adds; empty in journals from before there were any.
    std::string principal;
    std::string peer;
    std::string method;
    std::string before_json;
    std::string after_json;
  };

  // Where a row of the journal stands, and which tables still lack it.
  struct RowPlace {
    uint64_t revision = 0;
    int64_t committed_at_us = 0;
    bool for_tables = true;
    bool for_movements = true;
  };
  // Takes a row. LEVELs of a snapshot's slices are not written as movements: they say what stands
  // in the table stock, for every item and every night; what they let infer is.
  void Take(const RowPlace& row, const ::onhand::journal::v1::Record& record);
  // Forgets what was taken, but not which snapshots are open.
  void Clear();
  // Rows that it stands for, roughly.
  size_t size() const {
    return positions.size() + reservations.size() + movements.size() + display_changes.size() +
           audits.size();
  }

  absl::flat_hash_set<ledger::PositionKey> positions;
  absl::flat_hash_set<uint32_t> items;
  absl::flat_hash_set<uint32_t> renamed_items;
  absl::flat_hash_set<uint32_t> locations;
  absl::flat_hash_set<uint32_t> retired_sources;  // their locations may be known further by that
  absl::flat_hash_set<std::string> rules;
  absl::flat_hash_set<std::string> reservations;  // by id, 16 bytes
  std::vector<Movement> movements;
  std::vector<DisplayChange> display_changes;
  std::vector<Audit> audits;

 private:
  void TakeForTables(const RowPlace& row, const ::onhand::journal::v1::Fact& fact);
  void TakeForMovements(const RowPlace& row, const ::onhand::journal::v1::Fact& fact);
  void TouchColumns(const ::onhand::journal::v1::MovementColumns& rows);
  void AddColumns(const RowPlace& row, uint32_t source,
                  const ::onhand::journal::v1::MovementColumns& rows);
  void AddSlice(const RowPlace& row, const ::onhand::journal::v1::SnapshotSlice& slice);
  void AddMerge(const RowPlace& row, const ::onhand::journal::v1::ItemsMerged& merged);
  void AddMovement(const RowPlace& row, Movement movement);
  void AddAudit(const RowPlace& row, Audit audit);
  // Puts a call's changes in the place of what its facts, taken before, said by themselves.
  void AddAudited(const RowPlace& row, const ::onhand::journal::v1::Audited& audited);

  uint32_t movement_ordinal_ = 0;
  uint32_t display_ordinal_ = 0;
  uint32_t audit_ordinal_ = 0;
  std::map<ledger::SourceLocation, int64_t> snapshot_as_of_us_;
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_PROJECTION_FACTS_H_
