#include "server/ledger/encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/stubs/logging.h"
#include "server/ledger/apply.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kNow = 1'700'000'000 * kSecond;

std::string RequestId(char last) {
  std::string id(16, '\1');
  id.back() = last;
  return id;
}

void FillTables(State& state) {
  state.counters = {.revision = 77,
                    .epoch = 3,
                    .time_us = kNow,
                    .item_end = 600,
                    .location_end = 9,
                    .group_end = 2};
  state.counters.source_end = 5;
  state.counters.quarantine_end = 12;
  state.counters.person_ordinal = 4;
  state.counters.source_aliases = true;
  for (uint32_t id = 1; id < 600; ++id) {
    journal::Item& item = state.items.Mutable(id);
    item.set_id(id);
    item.set_sku("sku-" + std::to_string(id));
    item.add_aliases()->set_code("4001234");
    state.codes.Mutable(item.sku()) = {id, 1};
  }
  state.source_codes.Mutable({"till-1", "A"}) = {5, 12};
  state.locations.Mutable(3).set_location_id("s3 ");
  state.location_ids.Mutable("s3 ") = 3;
  state.clocks.Mutable(3) = {
      .sources = {{1, kNow}, {2, 0}}, .dropped_through_us = -5, .position_count = 2};
  state.groups.Mutable(1).add_locations(3);
  state.group_ids.Mutable("north") = 1;
  state.channels.Mutable(0).set_channel_id("web-ship");
  state.channel_ids.Mutable("web-ship") = 0;
  state.rules.Mutable("floor").set_chain_floor(5);
  SourceState& source = state.sources.Mutable(1);
  source.opened.set_source_id("till-1");
  source.ended_spools = {"a", ""};
  source.durable_sequence = uint64_t{1} << 60;
  source.input_position = std::string("\0\xff", 2);
  source.hashes = {1, ~uint64_t{0}};
  state.source_ids.Mutable("till-1") = 1;
  Staging& staging = state.staging.Mutable({1, 3});
  staging.begun.set_label("night");
  staging.phase = Staging::Phase::kApplying;
  staging.through_sku = "sku-2";
  staging.complete = true;
  state.staged_rows.Mutable({1, 3}) = {{1, 2}, {-7, 8}};
  state.snapshots_taken.Mutable({1, 3}) = 2;
  state.quarantine.Mutable(11).set_reason("LATE_COUNT");
  state.held_rows.Mutable("ghost") = {11};
  state.display.Mutable({5, 0}) = {.status = 6,
                                   .below_floor = true,
                                   .changed_us = 1,
                                   .salable = -2,
                                   .rule_id = "floor",
                                   .rule_version = 3};
  state.answers.Mutable(RequestId('a')) = {9, "first"};
  state.answers.Mutable(RequestId('b')) = {10, ""};
  journal::Reservation& reservation = state.reservations.rows.Mutable(RequestId('r'));
  reservation.set_id(RequestId('r'));
  reservation.set_order_reference("order-1");
  reservation.add_lines()->set_promise(1);
  for (const char last : {'a', 'b'}) {
    state.answer_order.emplace(AnswerExpiryUs(state.settings, RequestId(last)), RequestId(last));
  }
}

Event EventAt(int64_t at_us, EventKind kind, int32_t quantity, uint32_t source) {
  Event event{};
  event.at_us = at_us;
  event.kind = static_cast<uint64_t>(kind);
  event.quantity = quantity;
  event.source = source;
  event.sequence = static_cast<uint64_t>(at_us / kSecond);
  event.arrived_s = static_cast<uint32_t>(kNow / kSecond);
  return event;
}

void FillPositions(State& state) {
  const uint32_t locations[] = {1, 4, 7};
  Cell cells[3] = {{.on_hand = -3, .level_source = 1, .absolute_s = 99},
                   {.on_hand = 8},
                   {.on_hand = 2'000'000'000}};
  cells[1].estimates = {.velocity = {1.5F, 2.5F, 77}, .doubt = {0.25F, 3.5F}};
  for (uint32_t item = 1; item < 600; item += 7) state.positions.Load(item, locations, cells);
  // Two sources' LEVELs, a count between, units set aside: everything that lives beside a cell.
  TakeEvent(state, 300, 3, EventAt(kNow - 9 * kSecond, EventKind::kLevel, 40, 1));
  TakeEvent(state, 300, 3, EventAt(kNow - 8 * kSecond, EventKind::kCount, 38, 0));
  TakeEvent(state, 300, 3, EventAt(kNow - 7 * kSecond, EventKind::kLevel, 41, 2));
  TakeEvent(state, 300, 3, EventAt(kNow - 6 * kSecond, EventKind::kLastingCorrection, 2, 0));
  TakeEvent(state, 300, 3, EventAt(kNow - 5 * kSecond, EventKind::kSetAside, 3, 2));
  state.positions.Edit(300, 3).MakeBeside().reserved = {
      .held = 1, .committed = 4, .picked = 2, .deducted = 3};
  TakeEvent(state, 8, 4, EventAt(kNow - 3 * kSecond, EventKind::kSale, 1, 1));
}

void Copy(const State& from, State& to) {
  ASSERT_TRUE(DecodeTables(EncodeTables(from), to).ok());
  for (uint32_t segment = SegmentCount(from); segment-- > 0;) {
    const absl::StatusOr<uint32_t> number = DecodeSegment(EncodeSegment(from, segment), to);
    ASSERT_TRUE(number.ok()) << number.status();
    EXPECT_EQ(*number, segment);
  }
}

TEST(Encode, EmptyStateComesBack) {
  State empty{Settings{}};
  State copy{Settings{}};
  Copy(empty, copy);
  EXPECT_EQ(EncodeState(copy), EncodeState(empty));
}

TEST(Encode, EveryTableComesBack) {
  State state{Settings{}};
  FillTables(state);
  State copy{Settings{}};
  Copy(state, copy);

  EXPECT_EQ(EncodeState(copy), EncodeState(state));
  EXPECT_EQ(copy.counters.time_us, kNow);
  EXPECT_EQ(copy.items.size(), 599u);
  EXPECT_EQ(copy.items.Find(42)->sku(), "sku-42");
  EXPECT_EQ(copy.source_codes.Find(std::pair<std::string, std::string>("till-1", "A"))->pack_factor,
            12u);
  EXPECT_EQ(copy.clocks.Find(3u)->sources[0].known_through_us, kNow);
  EXPECT_EQ(copy.clocks.Find(3u)->dropped_through_us, -5);
  EXPECT_EQ(copy.rules.Find("floor")->chain_floor(), 5);
  EXPECT_EQ(copy.sources.Find(1u)->input_position, std::string("\0\xff", 2));
  EXPECT_EQ(copy.sources.Find(1u)->hashes, (std::vector<uint64_t>{1, ~uint64_t{0}}));
  EXPECT_EQ(copy.staging.Find(SourceLocation{1, 3})->phase, Staging::Phase::kApplying);
  EXPECT_EQ(copy.staged_rows.Find(SourceLocation{1, 3})->quantities[0], -7);
  EXPECT_EQ(*copy.snapshots_taken.Find(SourceLocation{1, 3}), 2u);
  EXPECT_EQ(copy.quarantine.Find(uint64_t{11})->reason(), "LATE_COUNT");
  EXPECT_EQ(copy.held_rows.Find("ghost")->size(), 1u);
  EXPECT_EQ(copy.display.Find(DisplayKey{5, 0})->salable, -2);
  EXPECT_EQ(copy.display.Find(DisplayKey{5, 0})->rule_version, 3u);
  EXPECT_EQ(copy.answers.Find(RequestId('a'))->bytes, "first");
  EXPECT_EQ(copy.answer_order, state.answer_order);
  EXPECT_EQ(copy.reservations.rows.Find(RequestId('r'))->order_reference(), "order-1");
  EXPECT_EQ(*copy.reservations.order_refs.Find("order-1"), RequestId('r'));
}

TEST(Encode, PositionsWithWhatLivesBesideThemComeBack) {
  State state{Settings{}};
  FillTables(state);
  FillPositions(state);
  State copy{Settings{}};
  Copy(state, copy);

  EXPECT_EQ(EncodeState(copy), EncodeState(state));
  EXPECT_EQ(copy.positions.size(), state.positions.size());
  EXPECT_EQ(copy.positions.Find(8, 1).cell->on_hand, -3);
  EXPECT_EQ(copy.positions.Find(1, 4).cell->estimates.doubt.run, 3.5F);
  const PositionTable::View rare = copy.positions.Find(300, 3);
  ASSERT_NE(rare.beside, nullptr);
  EXPECT_EQ(rare.beside->window.size(), 5u);
  EXPECT_EQ(rare.beside->now.on_hand(), state.positions.Find(300, 3).beside->now.on_hand());
  EXPECT_EQ(rare.beside->now.unavailable(), 3);
  EXPECT_EQ(rare.beside->reserved,
            (Reserved{.held = 1, .committed = 4, .picked = 2, .deducted = 3}));
  ASSERT_NE(rare.beside->now.rare(), nullptr);
  EXPECT_EQ(rare.beside->now.rare()->others.size(), 1u);
  EXPECT_EQ(copy.arrivals, state.arrivals);
  EXPECT_FALSE(copy.arrivals.empty());
}

TEST(Encode, BytesDoNotDependOnTheOrderInWhichRowsCame) {
  const auto fill = [](State& state, uint32_t seed) {
    std::vector<uint32_t> ids(1000);
    for (uint32_t i = 0; i < ids.size(); ++i) ids[i] = i + 1;
    std::shuffle(ids.begin(), ids.end(), std::mt19937(seed));
    for (const uint32_t id : ids) {
      state.items.Mutable(id).set_id(id);
      state.codes.Mutable("c" + std::to_string(id)) = {id, 1};
      state.positions.Edit(id, id % 5).cell().on_hand = static_cast<int32_t>(id);
    }
    state.counters.item_end = 1001;
  };
  State one{Settings{}};
  State other{Settings{}};
  fill(one, 1);
  fill(other, 2);
  EXPECT_EQ(EncodeState(one), EncodeState(other));
}

TEST(Encode, OtherSettingsAreRefused) {
  State state{Settings{}};
  State other{Settings{.window_us = 1}};
  EXPECT_EQ(DecodeTables(EncodeTables(state), other).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Encode, NewerFormatIsRefused) {
  State state{Settings{}};
  std::string bytes = EncodeTables(state);
  bytes[0] = kEncodedFormat + 1;
  State copy{Settings{}};
  EXPECT_EQ(DecodeTables(bytes, copy).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Encode, AnImageFromBeforeReservationsIsRead) {
  State state{Settings{}};
  state.counters.item_end = 600;
  TakeEvent(state, 300, 3, EventAt(kNow, EventKind::kReceipt, 4, 1));
  for (const uint8_t before : {2, 3}) {
    State copy{Settings{}};
    ASSERT_TRUE(DecodeTables(EncodeTables(state, before), copy).ok());
    ASSERT_TRUE(DecodeSegment(EncodeSegment(state, 1, before), copy).ok());
    EXPECT_EQ(EncodeState(copy), EncodeState(state));
    EXPECT_LT(EncodeTables(state, before).size(), EncodeTables(state).size());
  }
}

TEST(Encode, TruncatedBytesAreDataLoss) {
  State state{Settings{}};
  FillTables(state);
  FillPositions(state);
  const std::string tables = EncodeTables(state);
  for (size_t size = 0; size < tables.size(); size += size < 400 ? 1 : 997) {
    State copy{Settings{}};
    EXPECT_TRUE(absl::IsDataLoss(DecodeTables(tables.substr(0, size), copy))) << size;
  }
  const std::string segment = EncodeSegment(state, 1);
  State copy{Settings{}};
  ASSERT_TRUE(DecodeTables(tables, copy).ok());
  // A segment may end behind any of its items: the count of segments and the blocks' checksums
  // guard that.
  int accepted = 0;
  for (size_t size = 0; size < segment.size(); ++size) {
    State part{Settings{}};
    part.counters.item_end = 600;
    const absl::StatusOr<uint32_t> number = DecodeSegment(segment.substr(0, size), part);
    if (number.ok()) {
      ++accepted;
    } else {
      EXPECT_TRUE(absl::IsDataLoss(number.status())) << size;
    }
  }
  EXPECT_LT(accepted, 40);
}

TEST(Encode, DamagedBytesNeverCrash) {
  State state{Settings{}};
  FillTables(state);
  FillPositions(state);
  const std::string tables = EncodeTables(state);
  const std::string segment = EncodeSegment(state, 1);
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const google::protobuf::LogSilencer silence;  // it tells of each damaged string
  for (int round = 0; round < 300; ++round) {
    std::string damaged = round % 2 == 0 ? tables : segment;
    for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    State copy{Settings{}};
    copy.counters.item_end = 600;
    const absl::Status status =
        round % 2 == 0 ? DecodeTables(damaged, copy) : DecodeSegment(damaged, copy).status();
    EXPECT_TRUE(status.ok() || absl::IsDataLoss(status) || absl::IsFailedPrecondition(status))
        << status;
  }
}

TEST(Encode, SegmentBeyondTheLastItemIsDataLoss) {
  State state{Settings{}};
  state.positions.Edit(5000, 1);
  State copy{Settings{}};
  EXPECT_TRUE(absl::IsDataLoss(
      DecodeSegment(EncodeSegment(state, 5000 / PositionTable::kItemsPerSegment), copy).status()));
}

}  // namespace
}  // namespace onhand::ledger
