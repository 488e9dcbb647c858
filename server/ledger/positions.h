// All positions, item by item: for each item its locations in order and beside them one fixed-size
// cell each, so that a chain-wide sum walks one block of memory. What only moving positions need
// lives in a pool beside. A table built over another is an overlay (see table.h). Not thread-safe;
// the hub guards the committed one.
#ifndef ONHAND_SERVER_LEDGER_POSITIONS_H_
#define ONHAND_SERVER_LEDGER_POSITIONS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "server/ledger/doubt.h"
#include "server/ledger/fold.h"
#include "server/ledger/velocity.h"

namespace onhand::ledger {

// What is believed of one position: S, E, t of its velocity, p and x of its doubt (estimates.h).
// All zero: nothing yet.
struct Estimates {
  Velocity velocity;
  Doubt doubt{.empty = 0, .run = 0};
  friend bool operator==(const Estimates&, const Estimates&) = default;
};
static_assert(sizeof(Estimates) == 20);

// The numbers of one position, 36 bytes. Without a Beside, they are the whole fold.
struct Cell {
  // absolute_s of a position that deltas alone told of.
  static constexpr uint32_t kToldByDeltas = 1;

  int32_t on_hand = 0;
  uint32_t beside = 0;        // index into the pool; 0: none
  uint32_t level_source = 0;  // the source whose LEVEL on_hand stands on; 0: none yet
  // When the newest LEVEL or COUNT was true, seconds; kToldByDeltas: none yet; 0: nobody ever told
  // of the position's stock (past sales make one too).
  uint32_t absolute_s = 0;
  Estimates estimates;

  bool HasAbsolute() const { return absolute_s > kToldByDeltas; }
};
static_assert(sizeof(Cell) == 36);

// The fold that a cell alone says.
FoldState PlainFold(const Cell& cell);

// Events of one position, in fold order. Most positions move seldom: their one event needs no
// allocation of its own.
using EventWindow = absl::InlinedVector<Event, 1>;

// Units of a position that open lines of reservations claim: always the sum over those lines.
struct Reserved {
  int32_t held = 0;
  int32_t committed = 0;  // picked ones included
  int32_t picked = 0;     // of the committed
  int32_t deducted = 0;   // of the committed: on hand contains them no more

  bool IsNone() const { return held == 0 && committed == 0 && picked == 0 && deducted == 0; }
  // What on hand still contains of all that is promised.
  int64_t Promised() const { return int64_t{held} + committed - deducted; }
  Reserved& operator+=(const Reserved& other);
  Reserved operator-() const;
  friend bool operator==(const Reserved&, const Reserved&) = default;
};

// What a position has while events may still come between those it took, or units are reserved.
struct Beside {
  FoldState before;             // everything that was dropped from the window
  Reserved reserved;            // beside `now`, since answers read both
  FoldState now;                // `before` and the whole window
  EventWindow window;           // in fold order
  uint32_t arrived_minute = 0;  // minute of the newest arrival, to note each position once a minute

  // Else the cell alone says all.
  bool IsNeeded() const { return !window.empty() || !now.IsPlain() || !reserved.IsNone(); }
};

// Units that may still be promised at a position: max(on hand - unavailable, 0) less what is
// promised of them. Negative: a shortage, or, where nothing is promised, that the record is.
inline int64_t AvailableUnits(const Cell& cell, const Beside* beside) {
  if (beside == nullptr) return cell.on_hand;
  const int64_t there = cell.on_hand - beside->now.unavailable();
  const int64_t promised = beside->reserved.Promised();
  return promised == 0 ? there : std::max<int64_t>(there, 0) - promised;
}

// Units promised beyond what is there.
inline int64_t ShortageUnits(const Cell& cell, const Beside* beside) {
  if (beside == nullptr || beside->reserved.Promised() <= 0) return 0;
  return std::max<int64_t>(-AvailableUnits(cell, beside), 0);
}

// Whether anybody ever told of the position's stock; past sales and reservations alone make one
// too. The rest stands for positions that older versions of this program kept: those told by deltas
// had no mark.
inline bool IsReported(const Cell& cell, const Beside* beside) {
  return cell.absolute_s != 0 || cell.on_hand != 0 ||
         (beside != nullptr && (!beside->window.empty() || !beside->now.IsPlain()));
}

// Besides by slot, in slabs that never move; slot 0 is never used.
class BesidePool {
 public:
  Beside& operator[](uint32_t slot) { return slabs_[slot / kSlab][slot % kSlab]; }
  const Beside& operator[](uint32_t slot) const { return slabs_[slot / kSlab][slot % kSlab]; }
  uint32_t Take();
  void GiveBack(uint32_t slot);
  size_t Bytes() const;

 private:
  static constexpr uint32_t kSlab = 1024;
  std::vector<std::unique_ptr<Beside[]>> slabs_;
  std::vector<uint32_t> free_;
  uint32_t end_ = 1;
};

struct PositionKey {
  uint32_t item = 0;
  uint32_t location = 0;
  friend bool operator==(const PositionKey&, const PositionKey&) = default;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees a literal 0 in the defaulted body.
  friend auto operator<=>(const PositionKey&, const PositionKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const PositionKey& key) {
    return H::combine(std::move(h), key.item, key.location);
  }
};

// Told before positions of a segment change, so that an image in progress can encode what it still
// needs.
class SegmentObserver {
 public:
  virtual ~SegmentObserver() = default;
  virtual void BeforeChange(uint32_t segment) = 0;
};

class PositionTable {
 public:
  // Items of one segment of an image.
  static constexpr uint32_t kItemsPerSegment = 256;

  PositionTable() = default;
  explicit PositionTable(const PositionTable* base) : base_(base) {}
  PositionTable(const PositionTable&) = delete;
  PositionTable& operator=(const PositionTable&) = delete;

  // A position for reading; `cell` is null if it is not known, `beside` null if it has none.
  struct View {
    const Cell* cell = nullptr;
    const Beside* beside = nullptr;
  };
  View Find(uint32_t item, uint32_t location) const;

  // A position for changing, made if not known. Valid until the next Edit of this table.
  class Editor {
   public:
    Cell& cell() { return *cell_; }
    Beside* beside();      // null if none
    Beside& MakeBeside();  // from the cell if none
    void DropBeside();     // precondition: the cell says all
    bool created() const { return created_; }

   private:
    friend class PositionTable;
    PositionTable* table_ = nullptr;
    Cell* cell_ = nullptr;
    bool created_ = false;
  };
  Editor Edit(uint32_t item, uint32_t location);

  // No position's on hand is further from zero than this: a bound that only grows.
  int64_t on_hand_bound() const {
    return base_ == nullptr ? on_hand_bound_ : std::max(on_hand_bound_, base_->on_hand_bound_);
  }
  // To be told of every new on hand.
  void NoteOnHand(int32_t on_hand) {
    on_hand_bound_ = std::max(on_hand_bound_, std::abs(int64_t{on_hand}));
  }

  // Brings what taking an event will touch closer, in five steps some rows apart: each reads what
  // the one before has brought. Committed table only.
  void PrefetchBlock(uint32_t item) const {
    if (item < blocks_.size()) __builtin_prefetch(&blocks_[item]);
  }
  void PrefetchLocations(uint32_t item) const {
    if (item < blocks_.size()) __builtin_prefetch(blocks_[item].bytes.get());
  }
  void PrefetchCell(uint32_t item, uint32_t location) const {
    if (const Cell* cell = FindCell(item, location)) __builtin_prefetch(cell);
  }
  void PrefetchBeside(uint32_t item, uint32_t location) const {
    const Cell* cell = FindCell(item, location);
    if (cell == nullptr || cell->beside == 0) return;
    const auto* beside = reinterpret_cast<const std::byte*>(&pool_[cell->beside]);
    for (size_t line = 0; line < sizeof(Beside); line += kCacheLineBytes)
      __builtin_prefetch(beside + line);
  }
  void PrefetchNewestEvent(uint32_t item, uint32_t location) const {
    const Cell* cell = FindCell(item, location);
    if (cell == nullptr || cell->beside == 0) return;
    const EventWindow& window = pool_[cell->beside].window;
    if (!window.empty()) __builtin_prefetch(&window.back());
  }

  // Forgets a position.
  void Erase(uint32_t item, uint32_t location);

  // All positions of an item in location order. Committed table only; an unknown item has none.
  struct ItemPositions {
    absl::Span<const uint32_t> locations;
    absl::Span<const Cell> cells;
  };
  ItemPositions Of(uint32_t item) const;
  // The cells of an item for changing their estimates, in location order. Committed table only.
  absl::Span<Cell> CellsOf(uint32_t item);
  // The locations where an item has a position, in order; on an overlay too, which is slow there.
  std::vector<uint32_t> LocationsOf(uint32_t item) const;
  const Beside* BesideOf(const Cell& cell) const {
    return cell.beside == 0 ? nullptr : &pool_[cell.beside];
  }

  // One more than the highest item id with positions.
  uint32_t item_end() const { return static_cast<uint32_t>(blocks_.size()); }
  size_t size() const { return size_; }
  // Bytes of cells, location ids and their index, and of what lives beside.
  size_t BytesOfCells() const;
  size_t BytesBeside() const;

  // Gives an item exactly these positions at once (loading an image); `besides` pairs cell indexes
  // with their Beside.
  void Load(uint32_t item, absl::Span<const uint32_t> locations, absl::Span<const Cell> cells);
  Beside& LoadBeside(uint32_t item, size_t index);
  void ReserveItems(uint32_t item_end) {
    blocks_.resize(std::max<size_t>(blocks_.size(), item_end));
  }

  // The observer of an image in progress; null if none. Not owned.
  void set_observer(SegmentObserver* observer) { observer_ = observer; }

 private:
  static constexpr size_t kCacheLineBytes = 64;

  // One allocation: location ids, then cells.
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    uint32_t count = 0;
    uint32_t capacity = 0;
    uint32_t* locations() const { return reinterpret_cast<uint32_t*>(bytes.get()); }
    Cell* cells() const {
      return reinterpret_cast<Cell*>(bytes.get() + sizeof(uint32_t) * capacity);
    }
    void Grow(uint32_t capacity_wanted);
  };

  // Null if not known. Committed table only.
  const Cell* FindCell(uint32_t item, uint32_t location) const {
    if (item >= blocks_.size()) return nullptr;
    const Block& block = blocks_[item];
    const uint32_t* first = block.locations();
    const uint32_t* last = first + block.count;
    const uint32_t* found = std::lower_bound(first, last, location);
    return found == last || *found != location ? nullptr : block.cells() + (found - first);
  }

  std::vector<Block> blocks_;  // by item id
  BesidePool pool_;
  size_t size_ = 0;
  int64_t on_hand_bound_ = 0;
  SegmentObserver* observer_ = nullptr;

  const PositionTable* base_ = nullptr;
  absl::flat_hash_map<PositionKey, std::unique_ptr<Cell>> changed_;  // overlay only; null: erased
};

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_POSITIONS_H_
