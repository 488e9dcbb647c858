// The hub: the committed ledger, and the sequencer that is its only writer. Everything that changes
// goes through Submit or SubmitReport; everything that is read goes through Read. Owned by main;
// all methods may be called from any thread.
#ifndef ONHAND_SERVER_HUB_HUB_H_
#define ONHAND_SERVER_HUB_HUB_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "onhand/v1/report.pb.h"
#include "server/hub/clock.h"
#include "server/hub/distribution.h"
#include "server/ledger/audit.h"
#include "server/ledger/decide_report.h"
#include "server/ledger/group.h"
#include "server/ledger/learner.h"
#include "server/ledger/ledger.h"
#include "storage/store.h"

namespace onhand::hub {

class ImageWriter;
class Sequencer;

struct HubOptions {
  ledger::Settings settings;
  std::string version;         // of the program, for the epoch's record
  bool confirm_clock = false;  // accept a wall clock far from the last row's time
  int group_movements_max =
      10'000;  // a group commit takes no further report past this many movements ...
  size_t group_bytes_max = 1 << 20;  // ... or past this many bytes
  int people_queue_max = 4'096;      // waiting unary writes; a further one is refused
  // The UTC offsets of a time zone; null: every place is at UTC. May read files, once a zone.
  ledger::Learner::OffsetsOf offsets_of;
  // While true, reports trickle in (the tables for people lag too far behind); null: never. Must
  // not block.
  std::function<bool()> reports_slowed;
  // Rows above this revision are still needed by the projection and not compacted; null: none are.
  std::function<uint64_t()> journal_needed_above;
};

// A unary write: what a person, a website or a program asks for.
struct Write {
  // 16 bytes of a UUIDv7, and a hash of what is asked; empty: the write is not idempotent by id.
  std::string request_id;
  uint64_t content_hash = 0;
  // Who asks, from where, what for: recorded beside what it changes. Without a method it is not.
  ledger::AuditedCall call;
  // Decides on the sequencer's thread and returns the serialized answer. It checks first and adds
  // facts last.
  std::function<absl::StatusOr<std::string>(ledger::Group&)> decide;
  // In its place for a decision that reads rules: those of the committed state. In a group that
  // changes them already it is not called: it and what came behind it lead the next group.
  std::function<absl::StatusOr<std::string>(ledger::Group&, const ledger::RuleBook&)>
      decide_by_rules;
  // Called once, on a thread of the hub, when the facts are durable and applied, or with why
  // not: the decision's own refusal, RESOURCE_EXHAUSTED (QUEUE_FULL), UNAVAILABLE (OUTCOME_UNKNOWN,
  // STOPPING). Must not block.
  std::function<void(absl::StatusOr<std::string>)> done;
};

// What became of a report.
struct ReportResult {
  ledger::ReportDecision decision;
  uint64_t revision = 0;
};

// A batch of a source.
struct ReportWrite {
  uint32_t source = 0;  // as OpenSource answered
  uint32_t spool = 0;
  int64_t clock_correction_us = 0;
  const v1::Batch* batch = nullptr;  // lives until `done`
  // Called once, on a thread of the hub; must not block.
  std::function<void(absl::StatusOr<ReportResult>)> done;
};

class Hub {
 public:
  // Brings the ledger up from the newest sealed image and the journal behind it, appends the
  // epoch's first row, and starts the sequencer. `store` and `clock` outlive the hub.
  // FAILED_PRECONDITION names the remedy if the schema, the journal's format or the wall clock is
  // not right; UNAVAILABLE if the database cannot be asked.
  static absl::StatusOr<std::unique_ptr<Hub>> Start(storage::Store* store, Clock* clock,
                                                    HubOptions options);
  ~Hub();

  // Calls read(const ledger::Ledger&) while nothing is applied. Keep it short: one SKU, one page.
  template <class F>
  auto Read(F&& read) const {
    std::shared_lock<std::shared_mutex> lock(mutex_);
    return std::forward<F>(read)(static_cast<const ledger::Ledger&>(ledger_));
  }

  void Submit(Write write);
  // How the hub's time runs against that of the senders on its machine.
  ClockScale clock_scale() const { return clock_->scale(); }
  // A source's Hello: journaled if it says anything new. On a scaled clock its times are not
  // corrected: the sender is on this machine, and moves them onto that clock itself.
  void OpenSource(const v1::Hello& hello,
                  std::function<void(absl::StatusOr<ledger::OpenedSource>)> done);
  // Heartbeat: moves known_through; nothing to wait for.
  void SubmitHeartbeat(uint32_t source, const v1::Heartbeat& heartbeat,
                       int64_t clock_correction_us);
  // Reports are taken round-robin by source. The caller bounds how many it has under way a source.
  void SubmitReport(ReportWrite report);

  // Takes no further writes, finishes those under way, and stops the sequencer. With `take_image`
  // it then leaves a sealed image, so that the next start replays nothing. Idempotent; called by
  // the destructor without an image.
  void Stop(bool take_image = false);
  // Asks for an image soon, beside live traffic.
  void AskImage();
  // The newest sealed image's revision.
  uint64_t image_revision() const;

  // Names the journal; part of every resume token.
  const std::string& journal_id() const { return journal_id_; }
  // The last applied revision, without the lock.
  uint64_t revision() const { return revision_.load(std::memory_order_acquire); }
  // Called after each applied row, on the sequencer's thread, with what was in it; must not block.
  // Once this returns, the one before is not running any more.
  using OnApplied = std::function<void(const ledger::RowMoment&, const ledger::journal::Record&)>;
  void set_on_applied(OnApplied on_applied);

  // Since the start of the process.
  struct Counts {
    std::atomic<uint64_t> reports{0}, movements{0}, groups{0}, group_bytes{0};
    // Appends whose outcome the database did not say, and how often it was asked again.
    std::atomic<uint64_t> append_errors{0}, append_retries{0};
    // From a group's last decision until it is durable and applied.
    Distribution group_seconds{kDurationBounds};
    // What people and stores brought to a group.
    Distribution group_commands{kCountBounds};
  };
  const Counts& counts() const { return counts_; }
  // Why the hub no longer writes (fenced, foreign history); OK while it leads. Readers go on.
  absl::Status health() const;

 private:
  friend class Sequencer;
  Hub(storage::Store* store, Clock* clock, HubOptions options);

  storage::Store* const store_;
  Clock* const clock_;
  const HubOptions options_;
  std::string journal_id_;
  std::atomic<uint64_t> revision_{0};
  Counts counts_;

  mutable std::shared_mutex mutex_;  // guards ledger_
  ledger::Ledger ledger_;
  std::unique_ptr<ImageWriter> image_writer_;
  std::unique_ptr<Sequencer> sequencer_;
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_HUB_H_
