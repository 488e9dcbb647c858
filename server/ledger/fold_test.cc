// The fold against a brute-force oracle, in any order of arrival.
#include "server/ledger/fold.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "server/ledger/apply.h"
#include "server/ledger/positions.h"

namespace onhand::ledger {
namespace {

absl::string_view NameOf(uint32_t source) {
  // Names are not in the order of the dense ids, so that a tie broken by id would show.
  static const char* const kNames[] = {"", "till-c", "till-a", "till-b"};
  return kNames[source];
}

Event Make(EventKind kind, int32_t quantity, int64_t at_us, uint32_t source = 1,
           uint64_t sequence = 1) {
  Event event{};
  event.kind = static_cast<uint64_t>(kind);
  event.quantity = quantity;
  event.at_us = at_us;
  event.source = source;
  event.sequence = sequence;
  return event;
}

int64_t OnHandAfter(const std::vector<Event>& events) {
  FoldState state;
  for (const Event& event : events) state.Advance(event);
  return state.on_hand();
}

// Computes on hand from the definition alone, event by event from the beginning of time: nothing is
// carried along but the list of corrections; every number is found again by looking back.
class Oracle {
 public:
  explicit Oracle(std::vector<Event> events) : events_(std::move(events)) {
    std::sort(events_.begin(), events_.end(), [](const Event& a, const Event& b) {
      const auto key = [](const Event& e) {
        return std::make_tuple(e.at_us, std::string(NameOf(e.source)), uint32_t{e.spool},
                               uint64_t{e.sequence}, uint32_t{e.row});
      };
      return key(a) < key(b);
    });
  }

  int64_t OnHand() {
    for (size_t i = 0; i < events_.size(); ++i) Take(i);
    return SourceNumber(events_.size()) + Corrections();
  }

 private:
  struct Kept {
    int64_t amount;
    bool lasting;
  };

  // What the last LEVEL before `end` says, with deltas since; before any LEVEL, the last COUNT
  // does.
  int64_t SourceNumber(size_t end) const {
    size_t from = 0;
    int64_t number = 0;
    const bool any_level = LastLevel(end, std::nullopt).has_value();
    for (size_t i = 0; i < end; ++i) {
      const bool sets = any_level ? events_[i].event_kind() == EventKind::kLevel
                                  : IsAbsolute(events_[i].event_kind());
      if (!sets) continue;
      from = i + 1;
      number = events_[i].quantity;
      // A first COUNT sets what is on hand: what corrections there are, it contains.
      if (events_[i].event_kind() == EventKind::kCount) number -= corrections_at_count_[i];
    }
    return number + Deltas(from, end);
  }
  int64_t Deltas(size_t from, size_t end) const {
    int64_t sum = 0;
    for (size_t i = from; i < end; ++i) {
      const int64_t q = events_[i].quantity;
      switch (events_[i].event_kind()) {
        case EventKind::kSale:
        case EventKind::kTransferOut:
        case EventKind::kDeducted:
        case EventKind::kHandOver:
          sum -= q;
          break;
        case EventKind::kReturn:
        case EventKind::kReceipt:
        case EventKind::kTransferIn:
        case EventKind::kAdjustment:
          sum += q;
          break;
        default:
          break;
      }
    }
    return sum;
  }
  std::optional<size_t> LastLevel(size_t end, std::optional<uint32_t> source) const {
    std::optional<size_t> last;
    for (size_t i = 0; i < end; ++i) {
      if (events_[i].event_kind() != EventKind::kLevel) continue;
      if (!source.has_value() || events_[i].source == *source) last = i;
    }
    return last;
  }
  int64_t Corrections() const {
    int64_t sum = 0;
    for (const Kept& kept : kept_) sum += kept.amount;
    return sum;
  }

  void Take(size_t i) {
    const Event& event = events_[i];
    corrections_at_count_.resize(i + 1);
    switch (event.event_kind()) {
      case EventKind::kCount:
        corrections_at_count_[i] = Corrections();
        if (LastLevel(i, std::nullopt).has_value()) {
          const int64_t missing = event.quantity - (SourceNumber(i) + Corrections());
          if (missing != 0) kept_.push_back({missing, false});
        }
        break;
      case EventKind::kLevel:
        if (const std::optional<size_t> previous = LastLevel(i, event.source)) {
          const int64_t unexplained =
              event.quantity - events_[*previous].quantity - Deltas(*previous + 1, i);
          for (size_t k = 0; k < kept_.size(); ++k) {
            if (kept_[k].lasting || unexplained == 0 || kept_[k].amount != unexplained) continue;
            kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(k));
            break;
          }
        }
        break;
      case EventKind::kCorrection:
        kept_.push_back({event.quantity, false});
        break;
      case EventKind::kLastingCorrection:
        kept_.push_back({event.quantity, true});
        break;
      case EventKind::kEndCorrections:
        kept_.clear();
        break;
      case EventKind::kCorrectionEnded:
      case EventKind::kLastingCorrectionEnded:
        for (int64_t unit = 0; unit < event.quantity; ++unit) {
          const bool lasting = event.event_kind() == EventKind::kLastingCorrectionEnded;
          const auto oldest = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
            return kept.lasting == lasting && kept.amount < 0;
          });
          if (oldest == kept_.end()) break;
          if (++oldest->amount == 0) kept_.erase(oldest);
        }
        break;
      default:
        break;
    }
  }

  std::vector<Event> events_;
  std::vector<Kept> kept_;
  std::vector<int64_t> corrections_at_count_;
};

TEST(FoldTest, DeltasAdd) {
  EXPECT_EQ(OnHandAfter({Make(EventKind::kReceipt, 10, 1), Make(EventKind::kSale, 3, 2),
                         Make(EventKind::kReturn, 1, 3), Make(EventKind::kTransferOut, 2, 4),
                         Make(EventKind::kTransferIn, 5, 5), Make(EventKind::kAdjustment, -4, 6)}),
            7);
}

TEST(FoldTest, VoidedSaleGivesItsUnitsBack) {
  EXPECT_EQ(OnHandAfter({Make(EventKind::kLevel, 10, 1), Make(EventKind::kSale, 3, 2),
                         Make(EventKind::kSale, -3, 3)}),
            10);
}

TEST(FoldTest, NegativeNumbersAreKept) {
  EXPECT_EQ(OnHandAfter({Make(EventKind::kLevel, 1, 1), Make(EventKind::kSale, 3, 2)}), -2);
  EXPECT_EQ(OnHandAfter({Make(EventKind::kLevel, -7, 1)}), -7);
}

TEST(FoldTest, CountBeforeAnyLevelSetsTheNumber) {
  EXPECT_EQ(OnHandAfter({Make(EventKind::kSale, 2, 1), Make(EventKind::kCount, 5, 2),
                         Make(EventKind::kSale, 1, 3)}),
            4);
  // And a LEVEL that comes then replaces it: there is no correction to keep.
  EXPECT_EQ(OnHandAfter({Make(EventKind::kCount, 5, 2), Make(EventKind::kLevel, 8, 3)}), 8);
}

TEST(FoldTest, CountIsKeptThroughLaterLevelsThatIgnoreIt) {
  EXPECT_EQ(OnHandAfter({Make(EventKind::kLevel, 10, 1), Make(EventKind::kCount, 7, 2, 0),
                         Make(EventKind::kLevel, 10, 3), Make(EventKind::kSale, 1, 4),
                         Make(EventKind::kLevel, 9, 5)}),
            6);
}

TEST(FoldTest, CountEndsWhenTheSourceTakesItOver) {
  EXPECT_EQ(OnHandAfter({Make(EventKind::kLevel, 10, 1), Make(EventKind::kCount, 7, 2, 0),
                         Make(EventKind::kSale, 2, 3), Make(EventKind::kLevel, 5, 4)}),
            5);
}

TEST(FoldTest, LastingCorrectionIsNeverEndedByALevel) {
  EXPECT_EQ(OnHandAfter({Make(EventKind::kLevel, 10, 1), Make(EventKind::kLastingCorrection, -3, 2),
                         Make(EventKind::kLevel, 7, 3)}),
            4);
}

TEST(FoldTest, PersonEndsCorrections) {
  EXPECT_EQ(OnHandAfter({Make(EventKind::kLevel, 10, 1), Make(EventKind::kCount, 7, 2, 0),
                         Make(EventKind::kEndCorrections, 0, 3, 0)}),
            10);
}

TEST(FoldTest, EachSourceIsJudgedByItsOwnPreviousLevel) {
  // The ERP (2) says 10, the till (1) says 8, a person counts 6 (-2); then the ERP drops by 2: it
  // took the count over.
  EXPECT_EQ(OnHandAfter({Make(EventKind::kLevel, 10, 1, 2), Make(EventKind::kLevel, 8, 2, 1),
                         Make(EventKind::kCount, 6, 3, 0), Make(EventKind::kLevel, 8, 4, 2)}),
            8);
}

TEST(FoldTest, SetAsideIsNotGone) {
  FoldState state;
  for (const Event& event : {Make(EventKind::kLevel, 10, 1), Make(EventKind::kSetAside, 3, 2),
                             Make(EventKind::kPutBack, 1, 3)}) {
    state.Advance(event);
  }
  EXPECT_EQ(state.on_hand(), 10);
  EXPECT_EQ(state.unavailable(), 2);
}

std::vector<Event> RandomEvents(std::mt19937_64& random, int count) {
  std::vector<Event> events;
  uint64_t next_sequence[4] = {1, 1, 1, 1};
  for (int i = 0; i < count; ++i) {
    static constexpr EventKind kKinds[] = {EventKind::kSale,
                                           EventKind::kSale,
                                           EventKind::kReceipt,
                                           EventKind::kAdjustment,
                                           EventKind::kLevel,
                                           EventKind::kLevel,
                                           EventKind::kCount,
                                           EventKind::kCorrection,
                                           EventKind::kSale,
                                           EventKind::kTransferIn,
                                           EventKind::kLastingCorrection,
                                           EventKind::kEndCorrections,
                                           EventKind::kCorrectionEnded,
                                           EventKind::kLastingCorrectionEnded,
                                           EventKind::kDeducted,
                                           EventKind::kHandOver};
    const EventKind kind = kKinds[random() % std::size(kKinds)];
    // People (source 0) count; only sources send LEVELs.
    const auto source =
        static_cast<uint32_t>(kind == EventKind::kLevel ? 1 + random() % 3 : random() % 4);
    const bool small = kind == EventKind::kCorrection || kind == EventKind::kLastingCorrection;
    // Few different times and numbers, so that ties and explained changes are frequent.
    Event event = Make(kind, static_cast<int32_t>(random() % 6) - (small ? 3 : 0),
                       static_cast<int64_t>(random() % 12), source, next_sequence[source]++);
    event.row = static_cast<uint32_t>(random() % 3);
    events.push_back(event);
  }
  return events;
}

TEST(FoldPropertyTest, AnyOrderOfArrivalGivesTheOraclesNumber) {
  const char* const given = std::getenv("ONHAND_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  const char* const rounds_given = std::getenv("ONHAND_FOLD_ROUNDS");
  const int rounds = rounds_given != nullptr ? std::atoi(rounds_given) : 20'000;
  std::cout << "ONHAND_SEED=" << seed << std::endl;
  std::mt19937_64 random(seed);
  for (int round = 0; round < rounds; ++round) {
    std::vector<Event> events = RandomEvents(random, 1 + static_cast<int>(random() % 14));
    const int64_t expected = Oracle(events).OnHand();
    for (int order = 0; order < 3; ++order) {
      std::shuffle(events.begin(), events.end(), random);
      Beside beside;
      for (const Event& event : events) InsertEvent(beside, event, NameOf);
      ASSERT_EQ(beside.now.on_hand(), expected) << "round " << round << ", ONHAND_SEED=" << seed;
    }
  }
}

}  // namespace
}  // namespace onhand::ledger
