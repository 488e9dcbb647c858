// Judges single rows of reports: which item and location they mean, whether they can be taken, and
// what the difference of two LEVELs means. Shared by new reports and by rows that are taken out of
// quarantine.
#ifndef ONHAND_SERVER_LEDGER_ROW_JUDGE_H_
#define ONHAND_SERVER_LEDGER_ROW_JUDGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/ledger/group.h"
#include "server/ledger/order_matching.h"
#include "server/ledger/rows.h"
#include "server/ledger/unseen_sales.h"

namespace onhand::ledger {

// A row that cannot be taken: a stable reason, and field, value and remedy as text.
struct RowRefusal {
  const char* reason = nullptr;  // null: the row is fine
  std::string message;
  bool unknown_item = false;  // the only refusal that time may heal
  explicit operator bool() const { return reason != nullptr; }
};

// A row as it came.
struct RawRow {
  absl::string_view sku;
  uint32_t kind = 0;
  int64_t quantity = 0;
  int64_t occurred_us = 0;  // corrected
  uint32_t location = 0;
  uint32_t row = 0;  // the sender's number
  // SALE: the order that it names. COUNT: units that lie picked were counted too.
  absl::string_view order_reference;
  bool includes_picked = false;
};

// What a position would be with one more event.
struct Preview {
  FoldState at;   // just before the event
  FoldState now;  // with everything
  // When the event's source last told a LEVEL before it, as far as that is kept; FoldState::kNever:
  // it did not.
  int64_t level_us = FoldState::kNever;
  // A LEVEL of the source that is kept was taken for a correction.
  bool fell_before = false;
};

// Collects the rows of one batch of one source into columns. Lives for one decision.
class RowJudge {
 public:
  RowJudge(Group& group, uint32_t source, uint32_t spool, uint64_t sequence,
           journal::MovementColumns* columns);

  // Matches sales to orders; what became of those is added behind the fact with the rows.
  OrderMatching& orders() { return orders_; }

  // Takes the row, or says why not. An unknown item is refused; the caller decides what becomes of
  // it.
  RowRefusal Take(const RawRow& raw);
  // Index of the row taken last.
  int last_index() const { return last_index_; }
  // Whether that one hands over units of an order of the hub.
  bool last_fulfils() const { return last_fulfils_; }
  // Sum of absolute quantities taken: bounds how far any position may have moved.
  int64_t units_moved() const { return units_moved_; }

 private:
  RowRefusal CheckShape(const RawRow& raw) const;
  RowRefusal TakeAbsolute(const RawRow& raw, uint32_t item, int64_t quantity);
  RowRefusal TakeDelta(const RawRow& raw, uint32_t item, int64_t quantity);
  Event EventOf(const RawRow& raw, int64_t quantity) const;
  Preview PreviewOf(uint32_t item, const RawRow& raw, const Event& event);
  void Infer(const RawRow& raw, uint32_t item, int64_t quantity, const Preview& preview);
  void Add(const RawRow& raw, uint32_t item, int64_t quantity);

  Group& group_;
  const uint32_t source_;
  const uint32_t spool_;
  const uint64_t sequence_;
  journal::MovementColumns* const columns_;
  RowWriter writer_;
  OrderMatching orders_;
  int last_index_ = -1;
  bool last_fulfils_ = false;
  int64_t units_moved_ = 0;
  // Rows of this batch by position; made when the first row needs to see them.
  std::optional<absl::flat_hash_map<PositionKey, std::vector<int>>> own_rows_;
  uint32_t inferring_location_ = 0;
  bool infers_ = false;  // at inferring_location_
};

// Whether LEVELs of this location may be read as movements: no enlisted source declares SALE there.
bool InfersMovements(const State& state, uint32_t location);

// How far a LEVEL differs from what the source was expected to say: 0 if that is explained.
// `before` is the fold just before the LEVEL; of a drop, units of orders are explained: those that
// the API told and the source had not deducted, and `units_gone` that it just did.
int64_t UnexplainedChange(const FoldState& before, uint32_t source, int64_t as_of_us, int64_t level,
                          int64_t units_gone = 0);

// What a count says of on hand: units that lie picked are there, counted or not, and what the
// source has taken out of its numbers for orders is not in them.
int64_t CountedOnHand(const State& state, uint32_t item, uint32_t location, int64_t counted,
                      bool includes_picked);

// What such a change means, but for its index: a rise is a RECEIPT, a fall a SALE, or an ADJUSTMENT
// if it is beyond what sells but once in 1,000 times (unseen_sales.h). A basketful is always a
// sale, because slow things must be able to begin to sell; and so is a fall that comes again while
// the last one is kept (36 h): a record is corrected once, a demand that rose comes again.
// `before`: the position just before the LEVEL of `as_of_us`.
inline constexpr int64_t kBasketUnits = 5;
journal::InferredMovement MovementOf(const State& state, uint32_t item, uint32_t location,
                                     const Preview& before, int64_t as_of_us, int64_t change);

// The position just before an event; `now` is left out. Cheaper than PreviewEvents.
Preview PreviewBefore(const State& state, uint32_t item, uint32_t location, const Event& event);

// The fold of a position with `events` and then `last` added, as apply would.
Preview PreviewEvents(const State& state, uint32_t item, uint32_t location,
                      const std::vector<Event>& events, const Event& last);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_ROW_JUDGE_H_
