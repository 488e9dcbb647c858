#include "server/backup/backup.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/backup/backup_file.h"
#include "server/hub/image.h"

namespace onhand::backup {
namespace {

using journal::v1::Frame;

// A hub takes an image at most every few seconds, and each lasts for two of them.
constexpr int kAttemptsMax = 5;

// The hub dropped what was still needed: images and rows that newer ones replaced.
bool WasDropped(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsOutOfRange(status);
}

absl::Status PutImage(storage::ImageStore& images, const storage::ImageHeader& header,
                      FileWriter& file) {
  Frame frame;
  frame.mutable_image()->set_revision(header.revision);
  frame.mutable_image()->set_chain(header.chain);
  frame.mutable_image()->set_committed_at_us(header.committed_at_us);
  frame.mutable_image()->set_block_count(header.block_count);
  absl::Status status = file.Put(frame);
  if (!status.ok()) return status;
  return images.Read(header, [&](absl::string_view block) {
    frame.set_block(std::string(block));
    return file.Put(frame);
  });
}

absl::Status PutRows(storage::Journal& journal, uint64_t first, uint64_t last, FileWriter& file,
                     uint64_t* count) {
  std::optional<uint64_t> chain;
  Frame frame;
  absl::Status status = journal.Read(first, [&](const storage::JournalRow& row) -> absl::Status {
    if (chain.has_value() && row.chain != storage::ChainAfter(*chain, row)) {
      return absl::FailedPreconditionError(
          absl::StrCat("journal row ", row.revision,
                       " does not continue the chain: run `onhandd verify`, and keep the backups "
                       "that there are"));
    }
    chain = row.chain;
    journal::v1::BackupRow& put = *frame.mutable_row();
    put.set_revision(row.revision);
    put.set_epoch(row.epoch);
    put.set_writer(row.writer);
    put.set_committed_at_us(row.committed_at_us);
    put.set_chain(row.chain);
    put.set_payload(row.payload);
    if (absl::Status added = file.Put(frame); !added.ok()) return added;
    ++*count;
    return row.revision == last ? absl::CancelledError() : absl::OkStatus();
  });
  return absl::IsCancelled(status) ? absl::OkStatus() : status;
}

// The images, and the rows behind the older one: what a verification needs too.
absl::Status PutAll(storage::Store& store, uint64_t last, FileWriter& file, Summary* summary) {
  absl::StatusOr<std::vector<storage::ImageHeader>> headers = store.images().List();
  if (!headers.ok()) return headers.status();
  // Where there is one image only, nothing was dropped behind it yet.
  const uint64_t first = headers->size() > 1 ? headers->back().revision + 1 : 1;
  for (const storage::ImageHeader& header : *headers) {
    if (header.revision > last) return absl::OutOfRangeError("a newer image came meanwhile");
    if (absl::Status put = PutImage(store.images(), header, file); !put.ok()) return put;
    ++summary->images;
  }
  return PutRows(store.journal(), first, last, file, &summary->rows);
}

// Checks, beside the bytes, that the pieces come in their order and go together.
class Reader {
 public:
  absl::Status Take(const Frame& frame) {
    if (!summary_.has_value()) {
      if (!frame.has_header()) return Disorder();
      if (frame.header().format() > kFormat) {
        return absl::FailedPreconditionError(absl::StrCat(
            "the backup is of format ", frame.header().format(), ", this program reads ", kFormat,
            ": restore it with version ", frame.header().version(), " or newer"));
      }
      summary_ = Summary{.version = frame.header().version(),
                         .journal_id = frame.header().journal_id(),
                         .revision = frame.header().revision()};
      return absl::OkStatus();
    }
    if (frame.has_row()) {
      if (blocks_left_ > 0) return Disorder();
      const storage::JournalRow row = RowOf(frame.row());
      if (last_.has_value() && (row.revision != last_->revision + 1 ||
                                row.chain != storage::ChainAfter(last_->chain, row))) {
        return Disorder();
      }
      last_ = storage::JournalHead{row.revision, row.chain};
      ++summary_->rows;
      return absl::OkStatus();
    }
    if (last_.has_value()) return Disorder();
    if (frame.has_image()) {
      if (blocks_left_ > 0) return Disorder();
      blocks_left_ = frame.image().block_count();
      ++summary_->images;
      return absl::OkStatus();
    }
    if (frame.piece_case() != Frame::kBlock || blocks_left_ == 0) return Disorder();
    --blocks_left_;
    return absl::OkStatus();
  }

  absl::StatusOr<Summary> Finish(uint64_t bytes) {
    if (!summary_.has_value() || !last_.has_value() || last_->revision != summary_->revision ||
        blocks_left_ > 0) {
      return Disorder();
    }
    summary_->bytes = bytes;
    return *summary_;
  }

  static storage::JournalRow RowOf(const journal::v1::BackupRow& row) {
    return {.revision = row.revision(),
            .epoch = row.epoch(),
            .writer = row.writer(),
            .committed_at_us = row.committed_at_us(),
            .chain = row.chain(),
            .payload = row.payload()};
  }

 private:
  static absl::Status Disorder() {
    return absl::DataLossError(
        "the backup's pieces do not go together: take another copy of it, or an older one");
  }

  std::optional<Summary> summary_;
  std::optional<storage::JournalHead> last_;
  uint32_t blocks_left_ = 0;
};

// Fills an empty store with what a checked file holds.
class Filler {
 public:
  explicit Filler(storage::Store* store) : store_(store) {}

  absl::Status Take(const Frame& frame) {
    storage::ImageStore& images = store_->images();
    if (frame.has_image()) {
      image_ = {.revision = frame.image().revision(),
                .chain = frame.image().chain(),
                .committed_at_us = frame.image().committed_at_us(),
                .block_count = frame.image().block_count()};
      block_ = 0;
      if (absl::Status begun = images.Begin(image_.revision); !begun.ok()) return begun;
      return image_.block_count == 0 ? images.Seal(image_) : absl::OkStatus();
    }
    if (frame.piece_case() == Frame::kBlock) {
      absl::Status put = images.PutBlock(image_.revision, block_++, frame.block());
      if (!put.ok() || block_ < image_.block_count) return put;
      return images.Seal(image_);
    }
    if (!frame.has_row()) return absl::OkStatus();
    const storage::JournalRow row = Reader::RowOf(frame.row());
    if (!head_.has_value()) {
      head_ = storage::JournalHead{row.revision, row.chain};
      return store_->journal().Restore(row);
    }
    std::string detail;
    const storage::JournalHead before = std::exchange(*head_, {row.revision, row.chain});
    if (store_->journal().Append(before, row, &detail) == storage::AppendOutcome::kAppended)
      return absl::OkStatus();
    return absl::UnavailableError(
        absl::StrCat("journal row ", row.revision, " was not taken: ", detail));
  }

 private:
  storage::Store* const store_;
  storage::ImageHeader image_;
  uint32_t block_ = 0;
  std::optional<storage::JournalHead> head_;
};

absl::Status CheckEmpty(storage::Store& store) {
  const absl::StatusOr<storage::JournalHead> head = store.journal().Head();
  if (!head.ok()) return head.status();
  const absl::StatusOr<std::vector<storage::ImageHeader>> images = store.images().List();
  if (!images.ok()) return images.status();
  if (head->revision == 0 && images->empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the store holds a journal up to revision ", head->revision,
      ": restore into an empty database or a new file, and keep this one until that works"));
}

// As a hub starts.
absl::Status Prove(storage::Store& store, const ledger::Settings& settings, uint64_t revision) {
  ledger::Ledger ledger(settings);
  const absl::StatusOr<hub::LoadedImage> loaded = hub::LoadImage(store.images(), ledger);
  if (!loaded.ok()) return loaded.status();
  storage::JournalHead head{loaded->header.revision, loaded->header.chain};
  return hub::ReplayJournal(store.journal(), revision, head, ledger, nullptr);
}

}  // namespace

absl::StatusOr<Summary> Write(storage::Store& store, const std::string& version,
                              const std::string& path) {
  if (absl::Status checked = store.CheckSchema(); !checked.ok()) return checked;
  const absl::StatusOr<std::string> journal_id = store.JournalId();
  if (!journal_id.ok()) return journal_id.status();
  absl::StatusOr<std::unique_ptr<FileWriter>> file = FileWriter::Create(path);
  if (!file.ok()) return file.status();

  absl::Status status;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const absl::StatusOr<storage::JournalHead> head = store.journal().Head();
    if (!head.ok()) return head.status();
    if (head->revision == 0) {
      return absl::FailedPreconditionError("there is nothing to back up: no hub has served it");
    }
    Summary summary{.version = version, .journal_id = *journal_id, .revision = head->revision};
    Frame frame;
    frame.mutable_header()->set_format(kFormat);
    frame.mutable_header()->set_version(version);
    frame.mutable_header()->set_journal_id(*journal_id);
    frame.mutable_header()->set_revision(head->revision);
    status = (*file)->Put(frame);
    if (status.ok()) status = PutAll(store, head->revision, **file, &summary);
    if (status.ok()) status = (*file)->Seal();
    if (status.ok()) {
      summary.bytes = (*file)->bytes();
      return summary;
    }
    if (!WasDropped(status)) return status;
    if (absl::Status empty = (*file)->StartOver(); !empty.ok()) return empty;
  }
  return status;
}

absl::StatusOr<Summary> Check(const std::string& path) {
  Reader reader;
  const absl::StatusOr<uint64_t> bytes =
      ReadFrames(path, [&](const Frame& frame) { return reader.Take(frame); });
  if (!bytes.ok()) return bytes.status();
  return reader.Finish(*bytes);
}

absl::StatusOr<Summary> Restore(const std::string& path, const ledger::Settings& settings,
                                storage::Store& store) {
  const absl::StatusOr<Summary> checked = Check(path);
  if (!checked.ok()) return checked.status();
  const absl::StatusOr<std::vector<std::string>> migrated = store.Migrate();
  if (!migrated.ok()) return migrated.status();
  absl::Status status = CheckEmpty(store);
  if (status.ok()) status = store.BeginRestore();
  if (!status.ok()) return status;
  Filler filler(&store);
  const absl::StatusOr<uint64_t> read =
      ReadFrames(path, [&](const Frame& frame) { return filler.Take(frame); });
  if (!read.ok()) return read.status();
  status = Prove(store, settings, checked->revision);
  if (status.ok()) status = store.EndRestore();
  if (!status.ok()) return status;
  return checked;
}

}  // namespace onhand::backup
