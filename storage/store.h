// The durable truth behind the ledger: an append-only journal, sealed images of the ledger's state,
// and plain tables for people. Three backends implement it (memory, SQLite, MySQL protocol);
// `storage/open.h` picks one.
//
// A Store is owned by one hub process. Journal, ImageStore and Projection each may be used by one
// thread at a time; the three may be used by three threads at once. No driver's exception or header
// leaves a backend.
#ifndef ONHAND_STORAGE_STORE_H_
#define ONHAND_STORAGE_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace onhand::storage {

// One row of the journal: one group commit. `payload` is opaque here.
struct JournalRow {
  uint64_t revision = 0;        // contiguous from 1
  uint64_t epoch = 0;           // counts takeovers of leadership; never falls
  uint64_t writer = 0;          // random, one a process start
  int64_t committed_at_us = 0;  // ledger time, never falls
  uint64_t chain = 0;           // ChainAfter(previous chain, this row)
  std::string payload;
};

// The identity of the last row: what an append must build on. Revision 0 with chain 0 is the empty
// journal.
struct JournalHead {
  uint64_t revision = 0;
  uint64_t chain = 0;
};

// XXH64 over previous chain, epoch, writer, committed_at (8 bytes little-endian each) and payload,
// in that order.
uint64_t ChainAfter(uint64_t previous_chain, const JournalRow& row);

enum class AppendOutcome {
  kAppended,  // durable
  kFenced,    // another writer owns this revision, or history was compacted past my head: step down
  kForeignHistory,  // the row that I build on is not in this journal although nothing is above it:
                    // stop loudly
  kUnknown,  // the connection failed; the row may or may not be durable: call ResolveAppend until
             // it says
};

// The append-only journal. The primary key on revision is the fence between writers.
class Journal {
 public:
  static constexpr size_t kPayloadBytesMax = 8 << 20;
  virtual ~Journal() = default;

  // The last row's identity, or the empty head. UNAVAILABLE if the database cannot be asked.
  virtual absl::StatusOr<JournalHead> Head() = 0;

  // The lowest revision that is still there (compaction drops older ones); 0 if the journal is
  // empty.
  virtual absl::StatusOr<uint64_t> FirstRevision() = 0;

  // Appends `row` right behind `head` in one statement that inserts only where row `head.revision`
  // has `head.chain` (any row if the journal must be empty: head.revision == 0 inserts only while
  // no row exists). Precondition: row.revision == head.revision + 1 and row.chain ==
  // ChainAfter(head.chain, row). On kUnknown `detail` says what failed, for the log. SQLite ends
  // the process when a commit fails with an I/O error whose outcome cannot be known.
  virtual AppendOutcome Append(const JournalHead& head, const JournalRow& row,
                               std::string* detail) = 0;

  // After kUnknown: asks once, on a new connection, what became of the row. kUnknown again if the
  // database still cannot be asked; kAppended if exactly this row (writer and chain) stands;
  // kFenced if another row does or history was compacted past it; if no row stands, the append is
  // tried once more and its outcome returned.
  virtual AppendOutcome ResolveAppend(const JournalHead& head, const JournalRow& row,
                                      std::string* detail) = 0;

  // Calls `visit` for each row from `first_revision` on, in order, until the end or until visit
  // fails (its status is returned then). A gap in revisions is DATA_LOSS. `first_revision` below
  // FirstRevision() is OUT_OF_RANGE.
  virtual absl::Status Read(uint64_t first_revision,
                            absl::FunctionRef<absl::Status(const JournalRow&)> visit) = 0;

  // Puts the first row into an empty journal, whatever its revision: the one that a restored image
  // stands at. FAILED_PRECONDITION if there is a row.
  virtual absl::Status Restore(const JournalRow& row) = 0;

  // Deletes rows up to and including `last_revision`, in bounded transactions. Never deletes the
  // head row: FAILED_PRECONDITION if asked to.
  virtual absl::Status Compact(uint64_t last_revision) = 0;
};

// One stored image: the ledger's whole state as of one revision.
struct ImageHeader {
  uint64_t revision = 0;        // the state after this revision
  uint64_t chain = 0;           // the journal's chain at that revision
  int64_t committed_at_us = 0;  // that row's time
  uint32_t block_count = 0;     // blocks 0 .. block_count - 1
};

// Images of the ledger, in blocks of at most kImageBlockBytesMax. An image counts only once it is
// sealed.
class ImageStore {
 public:
  static constexpr size_t kImageBlockBytesMax = 1 << 20;
  virtual ~ImageStore() = default;

  // Starts an image at `revision`, dropping any unsealed one of the same revision.
  virtual absl::Status Begin(uint64_t revision) = 0;
  // Stores one block with its CRC32C. Blocks are numbered from 0 without gaps.
  virtual absl::Status PutBlock(uint64_t revision, uint32_t block, absl::string_view bytes) = 0;
  // Seals it, which makes it loadable, then deletes unsealed images and all but the two newest
  // sealed ones.
  virtual absl::Status Seal(const ImageHeader& header) = 0;

  // Sealed images, newest first.
  virtual absl::StatusOr<std::vector<ImageHeader>> List() = 0;
  // Calls `visit` for each block in order. DATA_LOSS if a block is missing or its CRC32C differs.
  virtual absl::Status Read(const ImageHeader& header,
                            absl::FunctionRef<absl::Status(absl::string_view)> visit) = 0;
};

// Rows of the plain tables. Times are microseconds since the epoch; absent optionals are NULL.
struct LocationRow {
  std::string location_id, name, time_zone, state;
  std::optional<int64_t> known_through_us;
  uint64_t revision = 0;
};
struct ItemRow {
  std::string sku, name, parent_sku, category, supply;
  bool published = false, stopped = false;
  uint64_t revision = 0;
};
struct RuleRow {
  std::string rule_id;
  std::string definition_json;  // the rule as in onhand.v1.Rule
  uint32_t version = 0;
  bool ended = false;
  uint64_t revision = 0;
};
struct StockRow {
  std::string sku, location_id;
  int32_t on_hand = 0, unavailable = 0, held = 0, committed = 0;
  uint64_t revision = 0;
};
struct MovementRow {
  uint64_t revision = 0;  // with ordinal: the key
  uint32_t ordinal = 0;
  std::string sku, location_id, kind, source_id;
  int64_t quantity = 0;
  int64_t occurred_at_us = 0;
  bool inferred = false;
};
// A line of a reservation.
struct ReservationRow {
  std::string reservation_id;  // with line_id: the key
  uint32_t line_id = 0;
  std::string order_reference, channel_id, sku, location_id;
  int32_t units = 0;
  std::string promise, state;
  int64_t created_at_us = 0;
  std::optional<int64_t> expires_at_us;  // while lines are held
  uint64_t revision = 0;
};
struct DisplayChangeRow {
  uint64_t revision = 0;  // with ordinal: the key
  uint32_t ordinal = 0;
  std::string sku, channel_id, status, rule_id;
  int64_t salable = 0;
  int64_t changed_at_us = 0;
  uint32_t rule_version = 0;  // 0: no rule, or from before it was kept
};
struct AuditRow {
  uint64_t revision = 0;  // with ordinal: the key
  uint32_t ordinal = 0;
  std::string action, subject, author, reason;
  int64_t committed_at_us = 0;
  // Of whom it is known: the token's owner, where from, and package.Service/Method.
  std::string principal, peer, method;
  std::string before_json, after_json;  // what changed
};

// What one projection transaction writes. Upserted rows only ever move to a higher revision.
struct ProjectionBatch {
  uint64_t through_revision = 0;  // the tables' watermark after it
  std::vector<LocationRow> locations;
  std::vector<ItemRow> items;
  std::vector<RuleRow> rules;
  std::vector<StockRow> stock;
  std::vector<ReservationRow> reservations;
  std::vector<DisplayChangeRow> display_changes;
  std::vector<AuditRow> audits;
};

struct ProjectionHead {
  uint64_t writer_epoch = 0;
  uint64_t through_revision = 0;            // every table but movement
  uint64_t movements_through_revision = 0;  // the table movement, which may lag
};

// Plain tables for people and reports, written behind the journal; the hub never reads them back.
class Projection {
 public:
  virtual ~Projection() = default;

  virtual absl::StatusOr<ProjectionHead> Head() = 0;

  // Writes the batch in as many transactions as the backend's bound asks for (1,000 rows on MySQL
  // protocol, 100,000 on SQLite), rows sorted by primary key, watermark with the last one. Each
  // transaction moves the head row to `epoch` where it is not above it, or leaves nothing behind:
  // FAILED_PRECONDITION (FENCED) if a later epoch has written. Retries transient errors (1213,
  // 1205, 1020, 1047, 2006, 2013) with jitter, bounded; then UNAVAILABLE. May be repeated as a
  // whole.
  virtual absl::Status Write(uint64_t epoch, ProjectionBatch batch) = 0;

  // The same for movements, behind their own watermark. May be called beside Write, by another
  // thread; where the backend writes one at a time, the second waits.
  virtual absl::Status WriteMovements(uint64_t epoch, uint64_t through_revision,
                                      std::vector<MovementRow> movements) = 0;

  // When the first movement at or above `revision` occurred; nothing if there is none.
  virtual absl::StatusOr<std::optional<int64_t>> MovementTimeUs(uint64_t revision) = 0;

  // Deletes movements of revisions up to `last_revision`, in bounded transactions.
  virtual absl::Status DropMovements(uint64_t last_revision) = 0;
};

// A database that holds one chain's inventory.
class Store {
 public:
  virtual ~Store() = default;

  // `sqlite`, `mysql` or `memory`.
  virtual absl::string_view kind() const = 0;

  // Names this journal; made at random by the first migration, renewed by a restore.
  // FAILED_PRECONDITION if there is none yet, or a restore was broken off.
  absl::StatusOr<std::string> JournalId();
  // From here until EndRestore nobody can serve what is in it. Migrated before.
  absl::Status BeginRestore() { return SetJournalId(kRestoring); }
  absl::Status EndRestore();

  // Applies the embedded migrations that are missing, in order; safe to repeat. Returns the names
  // of those applied.
  virtual absl::StatusOr<std::vector<std::string>> Migrate() = 0;
  // OK if the schema is exactly this program's and the server syncs what it commits;
  // FAILED_PRECONDITION names what to run otherwise.
  virtual absl::Status CheckSchema() = 0;

  // The three parts; they live as long as the store.
  virtual Journal& journal() = 0;
  // Another way to the same journal, on a connection of its own, for a thread that reads or
  // compacts beside the one that appends. The store outlives it.
  virtual absl::StatusOr<std::unique_ptr<Journal>> OpenJournalReader() = 0;
  virtual ImageStore& images() = 0;
  virtual Projection& projection() = 0;

  // Gives the file system back what deleted rows took, where the backend keeps it. Nobody else uses
  // the store.
  virtual absl::Status Shrink() { return absl::OkStatus(); }

 protected:
  // Stored in place of a name.
  static constexpr char kRestoring[] = "restoring";
  // What is stored; empty: nothing.
  virtual absl::StatusOr<std::string> StoredJournalId() = 0;
  virtual absl::Status SetJournalId(const std::string& id) = 0;
};

// A new journal's name: 128 random bits in hexadecimal.
std::string NewJournalId();

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_STORE_H_
