// What changes of rules would change, before they are made: the answers of items in the chain and
// of positions by the rules in force, and by a copy of them with the changes. Walks the items in
// slices, so that whoever guards the ledger need not hold it for long; between slices it may move
// on, and the next slice compares what holds then. Changes nothing. One thread.
#ifndef ONHAND_SERVER_LEDGER_PREVIEW_H_
#define ONHAND_SERVER_LEDGER_PREVIEW_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "onhand/v1/rules.pb.h"
#include "server/ledger/availability.h"
#include "server/ledger/ledger.h"
#include "server/ledger/rule_book.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// The items and channels whose answers changes of rules can touch: what the changed rules name, and
// what they named before.
class ChangeScope {
 public:
  ChangeScope() = default;
  ChangeScope(const State& state, const std::vector<RuleVersion>& changes);

  bool HasItem(uint32_t item, const ItemTraits& traits, absl::string_view category,
               int64_t now_us) const;
  bool HasChannel(uint32_t channel) const { return (channels_ >> channel & 1) != 0; }
  // Whether HasItem holds for nothing but single items, and which.
  bool only_items() const { return !everything_ && categories_.empty() && supplies_ == 0; }
  const absl::flat_hash_set<uint32_t>& items() const { return items_; }

 private:
  void Add(const State& state, const journal::Rule& rule);

  bool everything_ = false;
  uint8_t channels_ = 0;  // bit c: channel c
  uint8_t supplies_ = 0;  // bit s: every item of supply s
  absl::flat_hash_set<uint32_t> items_;
  absl::flat_hash_set<std::string> categories_;
};

class Preview {
 public:
  // Items compared under one hold of the ledger.
  static constexpr int kItemsASlice = 256;
  // Items looked at and passed over under one hold.
  static constexpr int kItemsPassedASlice = 8'192;

  // How much is wanted.
  enum class Extent : uint8_t {
    // Everything, listed and counted.
    kFull,
    // Only whether too much of what is shown would be hidden: the chain's answers, and no more of
    // what is shown elsewhere than it takes to know.
    kHiding,
  };

  // `changes`: the versions that would be added, as NewVersionsOf gives them; each rule at most
  // once. One whose period begins later is compared as if it had begun,
  // or as ended if it is in force and would begin anew later. `listed_max`: most answers
  // to list.
  Preview(std::vector<RuleVersion> changes, Extent extent, uint32_t listed_max);

  // Compares the next slice; false when nothing is left. Every call may come with a later state of
  // the same ledger.
  bool CompareSlice(const Ledger& ledger);

  // Once nothing is left. With kHiding only the totals of shown and hidden, hidden_share (of what
  // was counted) and confirmation_needed are meant. Precondition: called once.
  v1::PreviewRulesResponse Result();

  // Pairs of item and channel, as far as they were counted: all of them where confirmation is
  // needed.
  uint64_t hidden_count() const { return becomes_hidden_; }
  uint64_t shown_count() const { return shown_before_; }
  // Whether more would be hidden of what is shown than the chain allows unasked, percent.
  bool IsConfirmationNeeded() const;
  double allowed_percent() const { return allowed_percent_; }

 private:
  // Changes exactly when locations, groups, channels or rules do.
  struct Places {
    uint64_t revision = 0;
    size_t rules = 0;
    friend bool operator==(const Places&, const Places&) = default;
  };
  // What is told and taken.
  struct Answer {
    v1::AvailabilityStatus status = v1::AVAILABILITY_STATUS_HIDDEN;
    int32_t max_quantity = 0;
    const journal::Rule* rule = nullptr;
  };
  static Answer Told(const Promise& promise) {
    return {promise.status, promise.max_quantity, promise.rule};
  }
  struct ChangedPosition {
    Question question;
    Answer before;
    Answer after;
  };
  enum class Phase : uint8_t { kComparing, kCountingElsewhere, kDone };

  static Places PlacesOf(const State& state);
  void Begin(const Ledger& ledger);
  void BringUpToDate(const Ledger& ledger);
  void CompareItems(const Ledger& ledger);
  void CompareItem(const Ledger& ledger, uint32_t item);
  void CompareEverywhere(const Ledger& ledger, const Question& chain);
  void CompareChain(const State& state, const Question& question, const Promise& before,
                    const Promise& after);
  void Note(const State& state, const Question& question, const Answer& before,
            const Answer& after);
  void CountElsewhere(const Ledger& ledger);

  std::vector<RuleVersion> changes_;
  const Extent extent_;
  const uint32_t listed_max_;

  bool begun_ = false;
  Phase phase_ = Phase::kComparing;
  RuleBook changed_;  // the rules in force, with the changes
  ChangeScope scope_;
  Places places_;
  double allowed_percent_ = 0;

  std::string after_sku_;             // items up to here are compared or passed over
  std::vector<uint32_t> only_items_;  // if the scope is single items: they, in SKU order
  size_t only_next_ = 0;
  uint32_t elsewhere_next_ = 1;

  // Of the item under comparison: positions in order of location id, and changes by channel.
  std::vector<Answer> before_;
  std::vector<ChangedPosition> changed_positions_;

  std::array<v1::PreviewTotals, RuleBook::kChannelsMax> totals_;  // by channel
  uint64_t shown_before_ = 0;
  uint64_t becomes_hidden_ = 0;
  v1::PreviewRulesResponse response_;
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_PREVIEW_H_
