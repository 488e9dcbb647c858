#include "server/hub/image.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/hub/image_stream.h"
#include "server/hub/journal_record.h"
#include "server/ledger/encode.h"

namespace onhand::hub {
namespace {

namespace journal = ::onhand::journal::v1;

absl::Status Damaged(const storage::ImageHeader& header, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("image ", header.revision, ": ", what));
}

// Makes a state that was filled in part empty again. A State is neither copied nor moved, since
// overlays point at it.
void Empty(ledger::State& state) {
  const ledger::Settings settings = state.settings;
  std::destroy_at(&state);
  std::construct_at(&state, settings);
}

struct DecodedImage {
  uint64_t bytes = 0;
  uint8_t format = 0;
};

// Fills an empty state.
absl::StatusOr<DecodedImage> DecodeImage(storage::ImageStore& images,
                                         const storage::ImageHeader& header, ledger::State& state) {
  bool has_tables = false;
  std::set<uint32_t> segments;
  DecodedImage decoded;
  const auto take = [&](ImageChunk kind, absl::string_view bytes) -> absl::Status {
    if (!has_tables) {
      if (kind != ImageChunk::kTables) return Damaged(header, "it does not begin with the tables");
      has_tables = true;
      decoded.format = ledger::FormatOf(bytes);
      return ledger::DecodeTables(bytes, state);
    }
    if (kind != ImageChunk::kSegment) return Damaged(header, "it has a chunk of an unknown kind");
    absl::StatusOr<uint32_t> segment = ledger::DecodeSegment(bytes, state);
    if (!segment.ok()) return segment.status();
    if (!segments.insert(*segment).second)
      return Damaged(header, absl::StrCat("segment ", *segment, " comes twice"));
    return absl::OkStatus();
  };
  absl::StatusOr<uint64_t> bytes = ReadImageChunks(images, header, take);
  if (!bytes.ok()) return bytes.status();
  if (!has_tables) return Damaged(header, "it has no tables");
  if (const uint32_t expected = ledger::SegmentCount(state); segments.size() != expected) {
    return Damaged(header, absl::StrCat("it has ", segments.size(), " of ", expected, " segments"));
  }
  if (state.counters.revision != header.revision) {
    return Damaged(header, absl::StrCat("its tables are of revision ", state.counters.revision));
  }
  decoded.bytes = *bytes;
  return decoded;
}

// Whether two states hold the same stock of one item everywhere.
bool SameStock(const ledger::PositionTable& a, const ledger::PositionTable& b, uint32_t item) {
  const ledger::PositionTable::ItemPositions in_a = a.Of(item);
  const ledger::PositionTable::ItemPositions in_b = b.Of(item);
  if (in_a.locations != in_b.locations) return false;
  const auto unavailable = [](const ledger::Beside* beside) {
    return beside == nullptr ? 0 : beside->now.unavailable();
  };
  for (size_t i = 0; i < in_a.cells.size(); ++i) {
    if (in_a.cells[i].on_hand != in_b.cells[i].on_hand) return false;
    if (unavailable(a.BesideOf(in_a.cells[i])) != unavailable(b.BesideOf(in_b.cells[i])))
      return false;
  }
  return true;
}

absl::Status CompareStock(const storage::ImageHeader& header, const ledger::State& stored,
                          const ledger::State& replayed) {
  const uint32_t item_end = std::max(stored.counters.item_end, replayed.counters.item_end);
  for (uint32_t item = 0; item < item_end; ++item) {
    if (SameStock(stored.positions, replayed.positions, item)) continue;
    const journal::Item* row = stored.items.Find(item);
    return Damaged(header, absl::StrCat("the stock of '", row == nullptr ? "?" : row->sku(),
                                        "' differs from a replay of the journal"));
  }
  return absl::OkStatus();
}

// Piece by piece: two whole encodings of a large chain would not fit beside two ledgers.
absl::Status CompareBytes(const storage::ImageHeader& header, const ledger::State& stored,
                          const ledger::State& replayed) {
  if (ledger::EncodeTables(stored) != ledger::EncodeTables(replayed)) {
    return Damaged(header, "its tables differ from a replay of the journal");
  }
  for (uint32_t segment = 0; segment < ledger::SegmentCount(stored); ++segment) {
    if (ledger::EncodeSegment(stored, segment) != ledger::EncodeSegment(replayed, segment)) {
      return Damaged(header, absl::StrCat("positions of segment ", segment,
                                          " differ from a replay of the journal"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LoadedImage> LoadImage(storage::ImageStore& images, ledger::Ledger& ledger) {
  absl::StatusOr<std::vector<storage::ImageHeader>> headers = images.List();
  if (!headers.ok()) return headers.status();
  LoadedImage loaded;
  absl::Status damage;
  for (const storage::ImageHeader& header : *headers) {
    const absl::StatusOr<DecodedImage> decoded =
        DecodeImage(images, header, ledger.mutable_state());
    if (decoded.ok()) {
      loaded.header = header;
      loaded.bytes = decoded->bytes;
      ledger.Rebuild();
      return loaded;
    }
    if (!absl::IsDataLoss(decoded.status())) return decoded.status();
    damage = decoded.status();
    loaded.warnings.push_back(std::string(damage.message()));
    Empty(ledger.mutable_state());
  }
  if (!damage.ok()) {
    return absl::DataLossError(
        absl::StrCat("no stored image can be read: ", damage.message(), ": restore from a backup"));
  }
  ledger.Rebuild();
  return loaded;
}

absl::Status ReplayJournal(storage::Journal& journal, uint64_t last_revision,
                           storage::JournalHead& head, ledger::Ledger& ledger,
                           const std::function<void(size_t)>& after) {
  if (head.revision >= last_revision) return absl::OkStatus();
  journal::Record record;
  const auto apply = [&](const storage::JournalRow& row) -> absl::Status {
    if (row.chain != storage::ChainAfter(head.chain, row)) {
      return absl::DataLossError(absl::StrCat("journal row ", row.revision,
                                              " does not continue the chain of row ", head.revision,
                                              ": restore from a backup or another copy"));
    }
    absl::Status status = DecodeRecord(row.payload, &record);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("journal row ", row.revision, ": ", status.message()));
    }
    const ledger::RowMoment moment{row.revision, row.epoch, row.committed_at_us};
    status = ledger.ApplyFacts(moment, record, 0, record.facts_size());
    if (!status.ok()) return status;
    ledger.EndSlice();
    head = {row.revision, row.chain};
    if (after) after(row.payload.size());
    // Cancelled ends the reading; it is not an error.
    return row.revision == last_revision ? absl::CancelledError() : absl::OkStatus();
  };
  absl::Status status = journal.Read(head.revision + 1, apply);
  return absl::IsCancelled(status) ? absl::OkStatus() : status;
}

absl::StatusOr<VerifiedImage> VerifyImage(storage::ImageStore& images, storage::Journal& journal,
                                          const ledger::Settings& settings) {
  absl::StatusOr<std::vector<storage::ImageHeader>> headers = images.List();
  if (!headers.ok()) return headers.status();
  if (headers->empty()) return VerifiedImage();
  const storage::ImageHeader& newer = headers->front();
  ledger::Ledger stored(settings);
  ledger::Ledger replayed(settings);
  absl::StatusOr<DecodedImage> decoded = DecodeImage(images, newer, stored.mutable_state());
  if (!decoded.ok()) return decoded.status();
  const VerifiedImage verified{.revision = newer.revision,
                               .format = decoded->format,
                               .whole = decoded->format == ledger::kEncodedFormat};

  storage::JournalHead head;
  if (headers->size() > 1) {
    const storage::ImageHeader& older = (*headers)[1];
    decoded = DecodeImage(images, older, replayed.mutable_state());
    if (!decoded.ok()) return decoded.status();
    head = {older.revision, older.chain};
  }
  replayed.Rebuild();
  absl::Status status = ReplayJournal(journal, newer.revision, head, replayed, nullptr);
  if (!status.ok()) return status;
  if (head.revision != newer.revision || head.chain != newer.chain) {
    return Damaged(newer, absl::StrCat("the journal leads to revision ", head.revision,
                                       " with chain ", absl::Hex(head.chain), ", not to it"));
  }
  status = verified.whole ? CompareBytes(newer, stored.state(), replayed.state())
                          : CompareStock(newer, stored.state(), replayed.state());
  if (!status.ok()) return status;
  return verified;
}

ImageWriter::ImageWriter(storage::Store* store, ledger::Ledger* ledger, std::shared_mutex* mutex,
                         const LoadedImage& loaded, Options options)
    : store_(store),
      ledger_(ledger),
      mutex_(mutex),
      options_(std::move(options)),
      image_bytes_(loaded.bytes),
      sealed_revision_(loaded.header.revision) {
  ledger_->mutable_state().positions.set_observer(this);
  thread_ = std::thread([this] { Run(); });
}

ImageWriter::~ImageWriter() {
  {
    absl::MutexLock lock(&work_mutex_);
    stopping_ = true;
  }
  thread_.join();
  ledger_->mutable_state().positions.set_observer(nullptr);
}

void ImageWriter::AfterRow(const storage::JournalHead& head, size_t payload_bytes) {
  journal_bytes_ += payload_bytes;
  const bool due = journal_bytes_ > std::max(options_.journal_bytes_min,
                                             image_bytes_.load(std::memory_order_relaxed));
  if ((due || asked_.load(std::memory_order_relaxed)) && Begin(head)) {
    asked_.store(false, std::memory_order_relaxed);
  }
}

bool ImageWriter::Begin(const storage::JournalHead& head) {
  if (head.revision == 0 || sealed_revision() == head.revision) return false;
  {
    absl::MutexLock lock(&work_mutex_);
    if (busy_) return false;
    busy_ = true;
  }
  const ledger::State& state = ledger_->state();
  std::string tables = ledger::EncodeTables(state);
  pending_.assign(ledger::SegmentCount(state), 1);
  next_pending_ = 0;
  journal_bytes_ = 0;

  absl::MutexLock lock(&work_mutex_);
  header_ = {
      .revision = head.revision, .chain = head.chain, .committed_at_us = state.counters.time_us};
  tables_ = std::move(tables);
  handed_over_ = true;
  return true;
}

absl::Status ImageWriter::Wait() {
  absl::MutexLock lock(&work_mutex_);
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mutex_) { return !busy_; };
  work_mutex_.Await(absl::Condition(&idle));
  return outcome_;
}

absl::Status ImageWriter::last_outcome() const {
  absl::MutexLock lock(&work_mutex_);
  return outcome_;
}

void ImageWriter::TakeBeforeChange(uint32_t segment) {
  pending_[segment] = 0;
  pushed_.push_back(ledger::EncodeSegment(ledger_->state(), segment));
}

bool ImageWriter::NextSegment(std::string* encoded) {
  std::shared_lock<std::shared_mutex> lock(*mutex_);
  if (!pushed_.empty()) {
    *encoded = std::move(pushed_.front());
    pushed_.pop_front();
    return true;
  }
  while (next_pending_ < pending_.size() && !pending_[next_pending_]) ++next_pending_;
  if (next_pending_ == pending_.size()) return false;
  pending_[next_pending_] = 0;
  *encoded = ledger::EncodeSegment(ledger_->state(), next_pending_);
  return true;
}

void ImageWriter::DropPending() {
  std::shared_lock<std::shared_mutex> lock(*mutex_);
  std::fill(pending_.begin(), pending_.end(), 0);
  pushed_.clear();
}

void ImageWriter::Run() {
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mutex_) {
    return stopping_ || handed_over_;
  };
  while (true) {
    storage::ImageHeader header;
    std::string tables;
    {
      absl::MutexLock lock(&work_mutex_);
      work_mutex_.Await(absl::Condition(&has_work));
      if (stopping_) return;
      handed_over_ = false;
      header = header_;
      tables = std::move(tables_);
    }
    absl::Status status = WriteImage(header, tables);
    if (status.ok()) {
      status = Compact();
    } else {
      DropPending();
    }
    absl::MutexLock lock(&work_mutex_);
    outcome_ = std::move(status);
    busy_ = false;
  }
}

absl::Status ImageWriter::WriteImage(storage::ImageHeader header, const std::string& tables) {
  storage::ImageStore& images = store_->images();
  absl::Status status = images.Begin(header.revision);
  ImageBlockWriter blocks(&images, header.revision);
  if (status.ok()) status = blocks.Put(ImageChunk::kTables, tables);
  std::string segment;
  while (status.ok() && NextSegment(&segment)) {
    status = blocks.Put(ImageChunk::kSegment, segment);
    absl::MutexLock lock(&work_mutex_);
    if (stopping_) return absl::CancelledError("the hub stopped before the image was whole");
  }
  if (!status.ok()) return status;
  absl::StatusOr<uint32_t> count = blocks.Finish();
  if (!count.ok()) return count.status();
  header.block_count = *count;
  status = images.Seal(header);
  if (!status.ok()) return status;
  image_bytes_.store(blocks.bytes(), std::memory_order_relaxed);
  sealed_revision_.store(header.revision, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status ImageWriter::Compact() {
  absl::StatusOr<std::vector<storage::ImageHeader>> headers = store_->images().List();
  if (!headers.ok()) return headers.status();
  // With one image only, the journal is the only other way to the state.
  if (headers->size() < 2) return absl::OkStatus();
  uint64_t last_revision = (*headers)[1].revision;
  if (options_.needed_above) last_revision = std::min(last_revision, options_.needed_above());
  if (compactor_ == nullptr) {
    absl::StatusOr<std::unique_ptr<storage::Journal>> opened = store_->OpenJournalReader();
    if (!opened.ok()) return opened.status();
    compactor_ = *std::move(opened);
  }
  return compactor_->Compact(last_revision);
}

}  // namespace onhand::hub
