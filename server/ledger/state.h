// Everything that apply and decide read: the ledger's whole state as of one revision. A State built
// over another is an overlay: it holds what a group of decisions has changed so far, and readers
// never see it. Not thread-safe; the hub guards the committed one.
#ifndef ONHAND_SERVER_LEDGER_STATE_H_
#define ONHAND_SERVER_LEDGER_STATE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "onhand/journal/v1/journal.pb.h"
#include "server/ledger/audit_log.h"
#include "server/ledger/demand_rules.h"
#include "server/ledger/estimates.h"
#include "server/ledger/learned.h"
#include "server/ledger/positions.h"
#include "server/ledger/reservations.h"
#include "server/ledger/table.h"

namespace onhand::ledger {

namespace journal = ::onhand::journal::v1;

// Settings that are part of the ledger's meaning: all hubs of a chain run with the same.
struct Settings {
  int64_t window_us = int64_t{36} * 3600 * 1'000'000;  // how long events are kept after arrival
  int64_t request_kept_us = int64_t{7} * 24 * 3600 * 1'000'000;  // after the id's own time
  int64_t staging_kept_us = int64_t{24} * 3600 * 1'000'000;      // unfinished snapshots
  int64_t row_held_us = int64_t{24} * 3600 * 1'000'000;  // rows of unknown items, policy HOLD
  int64_t reservation_kept_us = int64_t{30} * 24 * 3600 * 1'000'000;  // after its last line ended
};

// Where a code leads.
struct CodeTarget {
  uint32_t item = 0;
  uint32_t pack_factor = 1;
};

// What a location's sources have told, and how far back events may still be placed.
struct LocationClock {
  struct SourceMoment {
    uint32_t source = 0;
    int64_t known_through_us = 0;  // 0: never told
  };
  std::vector<SourceMoment> sources;  // enlisted ones, by source id
  int64_t dropped_through_us = 0;     // occurred_at of the latest event that left a window
  uint64_t position_count = 0;
  // Mean time between moves of KnownThrough, a move counting an eighth; 0: it has not moved twice.
  int64_t report_interval_us = 0;

  // The least over the sources; 0 if there is none or one has never told. Only this makes numbers
  // fresh.
  int64_t KnownThrough() const;
  // The least over the sources that ever told; 0 if none did. From then on sales may be missing: a
  // source that is enlisted and silent makes the location unknown, but not its open window nothing.
  int64_t ToldThrough() const;
};

// A source of reports.
struct SourceState {
  journal::SourceOpened opened;  // its newest
  bool retired = false;
  std::vector<std::string>
      ended_spools;               // earlier ones: whoever comes back with one must start anew
  uint64_t durable_sequence = 0;  // of the newest spool
  std::string input_position;     // of the last batch of any spool
  std::string last_spool_id;      // the spool of that batch
  int64_t last_report_us = 0;
  // Rolling hashes of the newest spool's last sequences, oldest first; the last one is
  // durable_sequence's.
  static constexpr size_t kHashesMax = 1024;
  std::vector<uint64_t> hashes;
};

// A snapshot between BEGIN and its last slice.
struct Staging {
  enum class Phase : uint8_t { kOpen, kJudging, kApplying, kQuarantined };
  journal::SnapshotBegun begun;
  Phase phase = Phase::kOpen;
  int64_t begun_us = 0;         // ledger time
  uint64_t row_count = 0;       // rows received, refused ones included
  uint64_t row_count_said = 0;  // by END
  bool complete = false;
  bool infers_nothing = false;
  std::string through_sku;  // slices done so far
  uint64_t quarantine_id = 0;
};

// Rows of a snapshot, in order of arrival. No decision on a group reads them (judging reads
// committed ones), so an overlay never holds any.
struct StagedRows {
  std::vector<uint32_t> items;
  std::vector<int32_t> quantities;
};

struct SourceLocation {
  uint32_t source = 0;
  uint32_t location = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees a literal 0 in the defaulted body.
  friend auto operator<=>(const SourceLocation&, const SourceLocation&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const SourceLocation& key) {
    return H::combine(std::move(h), key.source, key.location);
  }
};

// What a shop shows of an item on a channel, chain-wide.
struct DisplayKey {
  uint32_t item = 0;
  uint32_t channel = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees a literal 0 in the defaulted body.
  friend auto operator<=>(const DisplayKey&, const DisplayKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const DisplayKey& key) {
    return H::combine(std::move(h), key.item, key.channel);
  }
};
struct Display {
  uint32_t status = 0;       // AvailabilityStatus
  bool below_floor = false;  // the chain floor hides it until the re-show level
  int64_t changed_us = 0;
  int64_t salable = 0;
  std::string rule_id;
  uint32_t rule_version = 0;  // 0: none, or not kept then
};

// One version of a rule, as it was from its commit on.
struct RuleVersion {
  journal::Rule rule;
  // The change that ended the rule: `rule` has its author, reason, time and revision, and says what
  // the rule said until then.
  bool ended = false;
};

// Brings a rule from an older journal or image to today's fields: buffers were plain units once.
void UpgradeRule(journal::Rule& rule);

// When units of an item last went and came anywhere, seconds; 0: not since the ledger knows it.
struct ItemActivity {
  uint32_t last_sale_s = 0;
  uint32_t last_receipt_s = 0;
};

// Where changes are told by HTTP, and how far they have been.
struct Webhook {
  journal::WebhookSet set;
  journal::WebhookDelivered delivered;
};

struct Answer {
  uint64_t content_hash = 0;
  std::string bytes;
};

// Single numbers.
struct Counters {
  uint64_t revision = 0;
  uint64_t epoch = 0;
  int64_t time_us = 0;    // the ledger's time: committed_at of the last row
  uint32_t item_end = 1;  // the next dense ids; 0 is never used
  uint32_t location_end = 1;
  uint32_t group_end = 1;
  uint32_t source_end = 1;
  uint64_t quarantine_end = 1;
  uint64_t person_ordinal = 0;  // movements by persons so far
  bool source_aliases = false;  // some alias is meant for one source only
  bool catalog_imported =
      false;  // a person has set items: unknown ones are HELD by default from then on
  uint32_t demand_rules = 0;  // rules in force that set a demand factor
};

struct State {
  explicit State(Settings settings_in) : settings(settings_in) {}
  // An overlay over `base`, which outlives it and does not change meanwhile.
  explicit State(const State* base);
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Settings settings;
  Counters counters;
  PositionTable positions;

  Table<uint32_t, journal::Item> items;
  Table<std::string, CodeTarget> codes;  // SKUs, and aliases of all sources
  Table<std::pair<std::string, std::string>, CodeTarget> source_codes;  // (source id, code)
  Table<uint32_t, journal::Location> locations;
  Table<std::string, uint32_t> location_ids;
  Table<uint32_t, LocationClock> clocks;  // by location
  Table<uint32_t, journal::Group> groups;
  Table<std::string, uint32_t> group_ids;
  Table<uint32_t, journal::Channel> channels;
  Table<std::string, uint32_t> channel_ids;
  Table<std::string, journal::Rule> rules;
  // By rule id, oldest first, the one in force included.
  static constexpr size_t kRuleVersionsMax = 1'000;
  // So long after its end nobody asks what a rule said: a year and its season's comparison.
  static constexpr int64_t kEndedRuleKept_us = int64_t{400} * 86'400 * 1'000'000;
  Table<std::string, std::vector<RuleVersion>> rule_versions;
  Table<uint32_t, journal::Chain> chain;  // one row, 0, once it is set
  Table<uint32_t, SourceState> sources;
  Table<std::string, uint32_t> source_ids;
  Table<SourceLocation, Staging> staging;
  Table<SourceLocation, StagedRows> staged_rows;
  Table<SourceLocation, uint64_t> snapshots_taken;
  Table<uint64_t, journal::QuarantineEntry> quarantine;
  Table<std::string, std::vector<uint64_t>> held_rows;  // by SKU: entries that wait for their item
  Table<DisplayKey, Display> display;
  Table<std::string, Answer> answers;  // by request id, 16 bytes
  // Supply on its way by item, in the order of (due, reference, location).
  Table<uint32_t, std::vector<journal::IncomingSet>> incoming;
  Reservations reservations;
  Table<std::string, Webhook> webhooks;              // by id; with their secrets
  Table<std::string, journal::TokenCreated> tokens;  // by id, those that expired included

  // Committed state only: no decision reads it.
  AuditLog audit;

  // Of `rules`, those that set a demand factor; made anew when an image is loaded.
  DemandRules demand_rules;

  // What is learned takes effect with its commit: an overlay reads what is committed.
  const Learned& learned() const { return *learned_; }
  Learned& mutable_learned() { return own_learned_; }

  // By item id; may be shorter. Committed state only: no decision reads it.
  std::vector<ItemActivity> activity;

  // Positions by the minute in which an event of theirs arrived: when that minute leaves the
  // window, so do they. Committed state only.
  std::map<int64_t, std::vector<PositionKey>> arrivals;

  // Answers by the moment at which they are forgotten. Committed state only; made from `answers`
  // when an image is loaded.
  std::set<std::pair<int64_t, std::string>> answer_order;

  // Ended rules by the moment of their end, until their versions are forgotten. Committed state
  // only; made from `rule_versions` when an image is loaded.
  std::set<std::pair<int64_t, std::string>> ended_rules;

  bool is_overlay = false;

  // A source's id as text; empty for 0 (a person).
  absl::string_view SourceNameOf(uint32_t source) const;
  // The item that a code leads to for a source (0: no source), or null.
  const CodeTarget* Resolve(absl::string_view code, uint32_t source) const;
  // Where evidence from a location comes from; see estimates.h.
  EvidencePlace PlaceOf(uint32_t location) const;

 private:
  Learned own_learned_;
  const Learned* learned_ = &own_learned_;
};

// The moment inside a request id (16 bytes of a UUIDv7), microseconds, and when its answer is
// forgotten.
int64_t RequestIdTimeUs(absl::string_view request_id);
int64_t AnswerExpiryUs(const Settings& settings, absl::string_view request_id);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_STATE_H_
