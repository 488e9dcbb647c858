#include "server/ledger/encode.h"

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/message_lite.h"

// The format, a persisted one. Numbers are little-endian; a `string` is a u32 length and its bytes;
// a `list` is a u32 count and its elements; a bool is one byte, 0 or 1.
//
// Tables:
//   u8 version (5; 1 to 4 are read too)
//   settings: i64 window_us, request_kept_us, staging_kept_us, row_held_us, and since version 4
//   reservation_kept_us. They give the rest its
//   meaning, so that a
//     program with others must not read on.
//   counters, in the order of the struct
//   the tables in the order of State: u64 row count, then key and row for each, keys strictly
//   ascending.
//     Keys: u32, u64, strings; pairs are both parts. Rows: journal messages are a string of their
//     serialized form (with fields in the order of their numbers), structs are their fields in the
//     order of state.h; the rule version of a display since version 4.
//   arrivals: u64 count of minutes, then for each: i64 minute, u64 count, and (u32 item, u32
//   location) for each note in
//     the order in which they were made. They are kept as they are, not made anew from the windows:
//     a note also stands for an event that its window did not take, and decides in which row a
//     position is looked at.
//   what is learned, since version 2: chain, list of items (96 bytes each, as in memory), list of
//     locations (learned, offsets), list of item activities (8 bytes each, as in memory)
//   reservations, since version 4: a table like the others, by id (16 bytes)
//   webhooks, since version 4, with their secrets
//   tokens, since version 4, by id, without their texts
//   audit, since version 5: u64 number of the next entry, u64 revision of the newest one that went,
//     list of entries (strings of their serialized form, the last one's number is the next less 1)
//   What is derived (answer_order, ended_rules, demand_rules, where reservations are found, a
//   table's hash order) is not kept.
//
// Segment (items number * 256 .. number * 256 + 255):
//   u8 version (as above), u32 number, then for each item that has positions, ascending:
//   u32 item, u32 n, n locations (u32, ascending), n cells (36 bytes each, as in memory, `beside`
//   0), u32 m, then m times: u32 index of the cell (ascending), beside. beside: fold before, fold
//   now, list of events (32 bytes each, as in memory), u32 arrived_minute, and since version 4 i32
//   held, committed, picked, deducted. fold: i64 base, i64
//   unavailable, i64 absolute_us, u32 level_source, list of (u32 source, i64 offset), list of
//     (i64 amount, bool lasting).
//   Since version 3 a cell that deltas alone told of says so (Cell::kToldByDeltas).
namespace onhand::ledger {
namespace {

static_assert(std::endian::native == std::endian::little,
              "cells and events are kept as they are in memory");
static_assert(std::is_trivially_copyable_v<Cell> && std::is_trivially_copyable_v<Event> &&
              sizeof(PositionKey) == 8);

// Without rule versions, chain, supply and what is learned.
constexpr uint8_t kVersionBeforeLearning = 1;
constexpr uint8_t kVersionBeforeReservations = 3;  // before webhooks and tokens too
constexpr uint8_t kVersionBeforeAudit = 4;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("encoded ledger is damaged: ", what));
}

class Writer {
 public:
  explicit Writer(uint8_t version) : version_(version) { operator()(version); }

  void Raw(const void* bytes, size_t size) {
    if (size > 0) bytes_.append(static_cast<const char*>(bytes), size);
  }
  template <class... Values>
  void operator()(const Values&... values) {
    (Put(*this, values), ...);
  }
  // `size` more bytes, for the caller to fill at once.
  uint8_t* Room(size_t size) {
    bytes_.resize(bytes_.size() + size);
    return reinterpret_cast<uint8_t*>(bytes_.data() + bytes_.size() - size);
  }
  void Reserve(size_t size) { bytes_.reserve(size); }
  std::string Take() { return std::move(bytes_); }
  // Of the format that is written.
  int version() const { return version_; }

 private:
  const int version_;
  std::string bytes_;
};

// Past the end it reads zeros and remembers that it failed, so that callers check once.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : rest_(bytes) {}

  template <class... Values>
  void operator()(Values&... values) {
    (Get(*this, values), ...);
  }
  template <class T>
  T Number() {
    T value{};
    Raw(&value, sizeof(value));
    return value;
  }
  void Raw(void* to, size_t size) {
    const absl::string_view bytes = Take(size);
    if (!bytes.empty()) std::memcpy(to, bytes.data(), size);
  }
  // Exactly `size` bytes, or none.
  absl::string_view Take(uint64_t size) {
    if (size > rest_.size()) {
      Fail();
      return {};
    }
    const absl::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  // A count of elements that take at least `bytes_each`: a damaged one must not make room for 2^64
  // of them.
  template <class Count>
  Count CountOf(size_t bytes_each) {
    const Count count = Number<Count>();
    if (count <= rest_.size() / bytes_each) return count;
    Fail();
    return 0;
  }
  void Fail() {
    failed_ = true;
    rest_ = {};
  }
  // Of the format that is read; set once its byte is known.
  int version() const { return version_; }
  void set_version(int version) { version_ = version; }
  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }

 private:
  absl::string_view rest_;
  int version_ = kEncodedFormat;
  bool failed_ = false;
};

// ---- values: Put writes one, Get reads it back ----

template <std::integral T>
void Put(Writer& writer, const T& value) {
  writer.Raw(&value, sizeof(value));
}
template <std::integral T>
void Get(Reader& reader, T& value) {
  value = reader.Number<T>();
}
void Put(Writer& writer, const bool& value) { writer(uint8_t{value}); }
void Get(Reader& reader, bool& value) {
  const auto byte = reader.Number<uint8_t>();
  if (byte > 1) reader.Fail();
  value = byte == 1;
}
void Put(Writer& writer, const Staging::Phase& phase) { writer(static_cast<uint8_t>(phase)); }
void Get(Reader& reader, Staging::Phase& phase) {
  const auto byte = reader.Number<uint8_t>();
  if (byte > static_cast<uint8_t>(Staging::Phase::kQuarantined)) reader.Fail();
  phase = static_cast<Staging::Phase>(byte);
}
void Put(Writer& writer, const std::string& value) {
  writer(static_cast<uint32_t>(value.size()));
  writer.Raw(value.data(), value.size());
}
void Get(Reader& reader, std::string& value) {
  value = std::string(reader.Take(reader.Number<uint32_t>()));
}

void Put(Writer& writer, const google::protobuf::MessageLite& message) {
  // The journal's messages have no maps, so that their bytes are the same every time.
  const size_t size = message.ByteSizeLong();
  writer(static_cast<uint32_t>(size));
  message.SerializeWithCachedSizesToArray(writer.Room(size));
}
void Get(Reader& reader, google::protobuf::MessageLite& message) {
  const absl::string_view bytes = reader.Take(reader.Number<uint32_t>());
  if (reader.failed()) return;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) reader.Fail();
}

void Put(Writer& writer, const std::deque<std::string>& values) {
  writer(static_cast<uint32_t>(values.size()));
  for (const std::string& value : values) writer(value);
}
void Get(Reader& reader, std::deque<std::string>& values) {
  values.resize(reader.CountOf<uint32_t>(sizeof(uint32_t)));
  for (std::string& value : values) reader(value);
}

template <class A, class B>
void Put(Writer& writer, const std::pair<A, B>& value) {
  writer(value.first, value.second);
}
template <class A, class B>
void Get(Reader& reader, std::pair<A, B>& value) {
  reader(value.first, value.second);
}

// Numbers, and structs without padding, go as they are in memory; others one by one.
template <class T>
constexpr bool kRaw = std::integral<T> || std::same_as<T, Event> || std::same_as<T, PositionKey> ||
                      std::same_as<T, ItemLearning> || std::same_as<T, ItemActivity>;

template <class List>
concept ListOfRows = requires(List& list) {
  list.resize(1);
  list.data();
}
&&!std::same_as<List, std::string>;

template <ListOfRows List>
void Put(Writer& writer, const List& values) {
  using T = typename List::value_type;
  writer(static_cast<uint32_t>(values.size()));
  if constexpr (kRaw<T>) {
    writer.Raw(values.data(), values.size() * sizeof(T));
  } else {
    for (const T& value : values) writer(value);
  }
}
template <ListOfRows List>
void Get(Reader& reader, List& values) {
  using T = typename List::value_type;
  if constexpr (kRaw<T>) {
    values.resize(reader.CountOf<uint32_t>(sizeof(T)));
    reader.Raw(values.data(), values.size() * sizeof(T));
  } else {
    values.resize(reader.CountOf<uint32_t>(1));
    for (T& value : values) reader(value);
  }
}

// ---- structs: their fields in order, said once for both directions ----

template <class S, class Struct>
concept Is = std::same_as<std::remove_const_t<S>, Struct>;

// Which version of the format an archive writes or reads.
int VersionOf(const auto& archive) { return archive.version(); }

void Fields(auto& archive, Is<Settings> auto& settings) {
  archive(settings.window_us, settings.request_kept_us, settings.staging_kept_us,
          settings.row_held_us);
  if (VersionOf(archive) > kVersionBeforeReservations) archive(settings.reservation_kept_us);
}

void Fields(auto& archive, Is<Counters> auto& counters) {
  archive(counters.revision, counters.epoch, counters.time_us, counters.item_end,
          counters.location_end);
  archive(counters.group_end, counters.source_end, counters.quarantine_end,
          counters.person_ordinal);
  archive(counters.source_aliases, counters.catalog_imported);
  if (VersionOf(archive) > kVersionBeforeLearning) archive(counters.demand_rules);
}
void Fields(auto& archive, Is<CodeTarget> auto& target) {
  archive(target.item, target.pack_factor);
}
void Fields(auto& archive, Is<LocationClock::SourceMoment> auto& moment) {
  archive(moment.source, moment.known_through_us);
}
void Fields(auto& archive, Is<LocationClock> auto& clock) {
  archive(clock.sources, clock.dropped_through_us, clock.position_count);
  if (VersionOf(archive) > kVersionBeforeLearning) archive(clock.report_interval_us);
}
void Fields(auto& archive, Is<SourceState> auto& source) {
  archive(source.opened, source.retired, source.ended_spools, source.durable_sequence,
          source.input_position);
  archive(source.last_spool_id, source.last_report_us, source.hashes);
}
void Fields(auto& archive, Is<Staging> auto& staging) {
  archive(staging.begun, staging.phase, staging.begun_us, staging.row_count,
          staging.row_count_said);
  archive(staging.complete, staging.infers_nothing, staging.through_sku, staging.quarantine_id);
}
void Fields(auto& archive, Is<StagedRows> auto& rows) { archive(rows.items, rows.quantities); }
void Fields(auto& archive, Is<SourceLocation> auto& key) { archive(key.source, key.location); }
void Fields(auto& archive, Is<DisplayKey> auto& key) { archive(key.item, key.channel); }
void Fields(auto& archive, Is<Display> auto& display) {
  archive(display.status, display.below_floor, display.changed_us, display.salable,
          display.rule_id);
  if (VersionOf(archive) > kVersionBeforeReservations) archive(display.rule_version);
}
void Fields(auto& archive, Is<RuleVersion> auto& version) { archive(version.rule, version.ended); }
void Fields(auto& archive, Is<LocationLearning> auto& location) {
  archive(location.learned, location.offsets);
}
void Fields(auto& archive, Is<Learned> auto& learned) {
  archive(learned.chain, learned.items, learned.locations);
}
void Fields(auto& archive, Is<Webhook> auto& webhook) { archive(webhook.set, webhook.delivered); }
void Fields(auto& archive, Is<AuditLog> auto& log) {
  archive(log.end, log.dropped_through_revision, log.entries);
}
void Fields(auto& archive, Is<Answer> auto& answer) { archive(answer.content_hash, answer.bytes); }
void Fields(auto& archive, Is<FoldState::OtherSource> auto& other) {
  archive(other.source, other.offset);
}
void Fields(auto& archive, Is<Correction> auto& correction) {
  archive(correction.amount, correction.lasting);
}
void Fields(auto& archive, Is<Reserved> auto& reserved) {
  archive(reserved.held, reserved.committed, reserved.picked, reserved.deducted);
}
void Fields(auto& archive, Is<Beside> auto& beside) {
  archive(beside.before, beside.now, beside.window, beside.arrived_minute);
  if (VersionOf(archive) > kVersionBeforeReservations) archive(beside.reserved);
}

template <class S>
requires requires(Writer& writer, const S& value) { Fields(writer, value); }
void Put(Writer& writer, const S& value) { Fields(writer, value); }
template <class S>
requires requires(Reader& reader, S& value) { Fields(reader, value); }
void Get(Reader& reader, S& value) { Fields(reader, value); }

void Put(Writer& writer, const FoldState& fold) {
  static const FoldState::Rare kNone;
  const FoldState::Rare& rare = fold.rare() == nullptr ? kNone : *fold.rare();
  writer(fold.base(), fold.unavailable(), fold.absolute_us(), fold.level_source(), rare.others,
         rare.corrections);
}
void Get(Reader& reader, FoldState& fold) {
  const auto base = reader.Number<int64_t>();
  const auto unavailable = reader.Number<int64_t>();
  const auto absolute_us = reader.Number<int64_t>();
  const auto level_source = reader.Number<uint32_t>();
  FoldState::Rare rare;
  reader(rare.others, rare.corrections);
  fold = FoldState::Restore(base, unavailable, absolute_us, level_source, std::move(rare));
}

// ---- tables ----

template <class Key, class Row>
void Put(Writer& writer, const Table<Key, Row>& table) {
  writer(uint64_t{table.size()});
  for (const Key& key : table.SortedKeys()) writer(key, *table.Find(key));
}
template <class Key, class Row>
void Get(Reader& reader, Table<Key, Row>& table) {
  const auto count = reader.CountOf<uint64_t>(1);
  table.Reserve(count);
  Key before{};
  for (uint64_t i = 0; i < count && !reader.failed(); ++i) {
    Key key{};
    reader(key);
    if (i > 0 && !(before < key)) return reader.Fail();
    reader(table.Mutable(key));
    before = std::move(key);
  }
}

void Put(Writer& writer, const std::map<int64_t, std::vector<PositionKey>>& arrivals) {
  writer(uint64_t{arrivals.size()});
  for (const auto& [minute, notes] : arrivals) {
    writer(minute, uint64_t{notes.size()});
    writer.Raw(notes.data(), notes.size() * sizeof(PositionKey));
  }
}
void Get(Reader& reader, std::map<int64_t, std::vector<PositionKey>>& arrivals) {
  const auto minutes = reader.CountOf<uint64_t>(2 * sizeof(uint64_t));
  for (uint64_t i = 0; i < minutes && !reader.failed(); ++i) {
    std::vector<PositionKey>& notes = arrivals[reader.Number<int64_t>()];
    notes.resize(reader.CountOf<uint64_t>(sizeof(PositionKey)));
    reader.Raw(notes.data(), notes.size() * sizeof(PositionKey));
  }
}

const Learned& LearnedOf(const State& state) { return state.learned(); }
Learned& LearnedOf(State& state) { return state.mutable_learned(); }

template <class AnyState>
void AllTables(auto& archive, AnyState& state) {
  archive(state.counters);
  archive(state.items, state.codes, state.source_codes, state.locations, state.location_ids,
          state.clocks);
  archive(state.groups, state.group_ids, state.channels, state.channel_ids, state.rules);
  archive(state.sources, state.source_ids, state.staging, state.staged_rows, state.snapshots_taken);
  archive(state.quarantine, state.held_rows, state.display, state.answers);
  archive(state.arrivals);
  if (VersionOf(archive) == kVersionBeforeLearning) return;
  archive(state.rule_versions, state.chain, state.incoming);
  archive(LearnedOf(state), state.activity);
  if (VersionOf(archive) > kVersionBeforeReservations) {
    archive(state.reservations.rows, state.webhooks, state.tokens);
  }
  if (VersionOf(archive) > kVersionBeforeAudit) archive(state.audit);
}

bool Equal(const Settings& a, const Settings& b) {
  return a.window_us == b.window_us && a.request_kept_us == b.request_kept_us &&
         a.staging_kept_us == b.staging_kept_us && a.row_held_us == b.row_held_us &&
         a.reservation_kept_us == b.reservation_kept_us;
}

// Reads the version byte.
absl::Status CheckVersion(Reader& reader) {
  const auto version = reader.Number<uint8_t>();
  if (version == 0) return Damaged("it has no version");
  reader.set_version(version);
  if (version <= kEncodedFormat) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the encoded ledger has format ", int{version}, ", this program knows ",
                   int{kEncodedFormat}, ": run the version that wrote it, or a later one"));
}

// ---- positions ----

void PutItem(Writer& writer, const PositionTable& positions, uint32_t item) {
  const PositionTable::ItemPositions all = positions.Of(item);
  if (all.locations.empty()) return;
  writer(item, static_cast<uint32_t>(all.locations.size()));
  writer.Raw(all.locations.data(), all.locations.size() * sizeof(uint32_t));
  uint32_t besides = 0;
  for (Cell cell : all.cells) {
    besides += cell.beside != 0 ? 1 : 0;
    cell.beside = 0;
    writer.Raw(&cell, sizeof(cell));
  }
  writer(besides);
  for (uint32_t i = 0; i < all.cells.size(); ++i) {
    if (const Beside* beside = positions.BesideOf(all.cells[i])) writer(i, *beside);
  }
}

// Buffers that are used again for each item of a segment.
struct ItemBuffers {
  std::vector<uint32_t> locations;
  std::vector<Cell> cells;
};

void GetItem(Reader& reader, uint32_t segment, ItemBuffers& buffers, int64_t& item_before,
             PositionTable& positions) {
  const auto item = reader.Number<uint32_t>();
  const auto count = reader.CountOf<uint32_t>(sizeof(uint32_t) + sizeof(Cell));
  if (item / PositionTable::kItemsPerSegment != segment || item <= item_before || count == 0)
    return reader.Fail();
  item_before = item;
  buffers.locations.resize(count);
  reader.Raw(buffers.locations.data(), count * sizeof(uint32_t));
  buffers.cells.resize(count);
  reader.Raw(buffers.cells.data(), count * sizeof(Cell));
  if (reader.failed()) return;
  const auto& locations = buffers.locations;
  if (std::adjacent_find(locations.begin(), locations.end(), std::greater_equal<>()) !=
      locations.end()) {
    return reader.Fail();
  }
  for (Cell& cell : buffers.cells) cell.beside = 0;
  positions.Load(item, locations, buffers.cells);
  const auto besides = reader.Number<uint32_t>();
  for (uint32_t i = 0, least = 0; i < besides && !reader.failed(); ++i) {
    const auto index = reader.Number<uint32_t>();
    if (index < least || index >= count) return reader.Fail();
    least = index + 1;
    reader(positions.LoadBeside(item, index));
  }
}

}  // namespace

uint8_t FormatOf(absl::string_view bytes) {
  return bytes.empty() ? 0 : static_cast<uint8_t>(bytes[0]);
}

std::string EncodeTables(const State& state, uint8_t format) {
  Writer writer(format);
  writer(state.settings);
  AllTables(writer, state);
  return writer.Take();
}

absl::Status DecodeTables(absl::string_view bytes, State& state) {
  Reader reader(bytes);
  absl::Status status = CheckVersion(reader);
  if (!status.ok()) return status;
  Settings settings;
  settings.reservation_kept_us = state.settings.reservation_kept_us;  // older ones do not tell it
  reader(settings);
  if (reader.failed()) return Damaged("its tables end early");
  if (!Equal(settings, state.settings)) {
    return absl::FailedPreconditionError(
        "the encoded ledger was made with other settings (how long events, answers, staged "
        "snapshots, held rows and ended reservations "
        "are kept): start with those");
  }
  AllTables(reader, state);
  if (reader.failed() || !reader.at_end()) return Damaged("its tables do not fit their bytes");
  for (const std::string& rule_id : state.rules.SortedKeys()) {
    UpgradeRule(state.rules.Mutable(rule_id));
  }
  state.rules.ForEach(
      [&](const std::string&, const journal::Rule& rule) { state.demand_rules.Set(rule); });
  state.rule_versions.ForEach(
      [&](const std::string& rule_id, const std::vector<RuleVersion>& versions) {
        if (versions.empty() || !versions.back().ended) return;
        state.ended_rules.emplace(versions.back().rule.changed_us(), rule_id);
      });
  for (LocationLearning& location : state.mutable_learned().locations) location.Derive();
  for (const std::string& request_id : state.answers.SortedKeys()) {
    if (request_id.size() != 16) return Damaged("a request id does not have 16 bytes");
    state.answer_order.emplace(AnswerExpiryUs(state.settings, request_id), request_id);
  }
  for (const std::string& id : state.reservations.rows.SortedKeys()) {
    const journal::Reservation& row = *state.reservations.rows.Find(id);
    if (id.size() != 16 || row.id() != id) return Damaged("a reservation has another id");
    state.reservations.List(row);
  }
  if (state.audit.end <= state.audit.entries.size()) return Damaged("audit entries have no number");
  for (const std::string& entry : state.audit.entries) state.audit.bytes += entry.size();
  return absl::OkStatus();
}

uint32_t SegmentCount(const State& state) {
  // By the ids that were given, so that it does not depend on which items have had positions since
  // the start.
  const uint32_t item_end = std::max(state.counters.item_end, state.positions.item_end());
  return (item_end + PositionTable::kItemsPerSegment - 1) / PositionTable::kItemsPerSegment;
}

std::string EncodeSegment(const State& state, uint32_t segment, uint8_t format) {
  const uint32_t first = segment * PositionTable::kItemsPerSegment;
  const uint32_t end =
      std::min(first + PositionTable::kItemsPerSegment, state.positions.item_end());
  size_t cells = 0;
  for (uint32_t item = first; item < end; ++item) cells += state.positions.Of(item).cells.size();
  Writer writer(format);
  writer.Reserve(cells * (sizeof(Cell) + sizeof(uint32_t)) +
                 size_t{3} * PositionTable::kItemsPerSegment * sizeof(uint32_t) + 16);
  writer(segment);
  for (uint32_t item = first; item < end; ++item) PutItem(writer, state.positions, item);
  return writer.Take();
}

absl::StatusOr<uint32_t> DecodeSegment(absl::string_view bytes, State& state) {
  Reader reader(bytes);
  absl::Status status = CheckVersion(reader);
  if (!status.ok()) return status;
  const auto segment = reader.Number<uint32_t>();
  if (reader.failed() || segment >= SegmentCount(state))
    return Damaged("a segment has a number beyond the last item");
  ItemBuffers buffers;
  int64_t item_before = -1;
  while (!reader.at_end()) GetItem(reader, segment, buffers, item_before, state.positions);
  if (reader.failed()) return Damaged(absl::StrCat("segment ", segment, " does not fit its bytes"));
  return segment;
}

std::string EncodeState(const State& state) {
  std::string whole;
  const auto append = [&whole](const std::string& part) {
    const uint64_t size = part.size();
    whole.append(reinterpret_cast<const char*>(&size), sizeof(size));
    whole.append(part);
  };
  append(EncodeTables(state));
  for (uint32_t segment = 0; segment < SegmentCount(state); ++segment)
    append(EncodeSegment(state, segment));
  return whole;
}

}  // namespace onhand::ledger
