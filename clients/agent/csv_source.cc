#include "clients/agent/csv_source.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "spdlog/spdlog.h"

namespace onhand::agent {
namespace {

constexpr const char* kAllRecords = "*";
constexpr size_t kLabelBytesMax = 255;

struct Position {
  uint64_t ordinal = 0;
  // nullopt: all of them.
  std::optional<uint64_t> records;
  uint64_t content_hash = 0;
};

absl::StatusOr<Position> ParsePosition(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  Position position;
  uint64_t records = 0;
  if (parts.size() != 4 || parts[0] != "csv" || !absl::SimpleAtoi(parts[1], &position.ordinal) ||
      !absl::SimpleHexAtoi(parts[3], &position.content_hash) ||
      (parts[2] != kAllRecords && !absl::SimpleAtoi(parts[2], &records))) {
    return absl::InvalidArgumentError(
        absl::StrCat("input_position \"", text,
                     "\" was not made by a drop folder: another kind of source has used this "
                     "source id, so choose another --source-id"));
  }
  if (parts[2] != kAllRecords) position.records = records;
  return position;
}

// File names are bytes, labels UTF-8 of a bounded length.
std::string Label(const std::string& name) {
  std::string label =
      files::IsUtf8(name) ? name : files::DecodeText(name, files::Encoding::kWindows1252)->text;
  if (label.size() > kLabelBytesMax) label.resize(kLabelBytesMax);
  while (!files::IsUtf8(label)) label.pop_back();
  return label;
}

v1::SnapshotPart& PartOf(Chunk& chunk, const std::string& location) {
  const int parts = chunk.news.snapshots_size();
  if (parts > 0 && chunk.news.snapshots(parts - 1).location_id() == location) {
    return *chunk.news.mutable_snapshots(parts - 1);
  }
  v1::SnapshotPart* part = chunk.news.add_snapshots();
  part->set_location_id(location);
  return *part;
}

bool SameLocation(const files::ReadRow& a, const files::ReadRow& b) {
  return a.movement.location_id() == b.movement.location_id();
}

}  // namespace

CsvSource::CsvSource(std::unique_ptr<DropFolder> folder, files::Mapping mapping,
                     absl::Duration poll)
    : folder_(std::move(folder)), mapping_(std::move(mapping)), poll_(poll) {}

absl::StatusOr<bool> CsvSource::Seek(const std::string& text) {
  Position position;
  if (!text.empty()) {
    const absl::StatusOr<Position> parsed = ParsePosition(text);
    if (!parsed.ok()) return parsed.status();
    position = *parsed;
  }
  bool recognized = true;
  const std::optional<TakenFile> there = folder_->FirstFrom(position.ordinal);
  if (there && there->ordinal == position.ordinal && there->content_hash != position.content_hash) {
    // Another agent with a copy of the spool has numbered other files. The same file may have
    // another number here.
    const std::optional<TakenFile> same = folder_->WithContent(position.content_hash);
    recognized = same.has_value();
    if (same) position.ordinal = same->ordinal;
  }
  current_.reset();
  to_finish_.clear();
  next_ordinal_ = position.records ? position.ordinal : position.ordinal + 1;
  records_told_ = position.records.value_or(0);
  folder_->RaiseOrdinal(position.ordinal);
  // A kill between the spool and the move left them in taking/.
  for (auto told = folder_->FirstFrom(1); told && told->ordinal < next_ordinal_;
       told = folder_->FirstFrom(told->ordinal + 1)) {
    if (const auto status = folder_->Finish(told->ordinal); !status.ok()) return status;
  }
  return recognized;
}

absl::StatusOr<Chunk> CsvSource::Read(int rows_max, absl::Duration wait) {
  const absl::Time deadline = absl::Now() + wait;
  for (;;) {
    Chunk chunk;
    chunk.looked_at = looked_at_;
    if (!current_) {
      const absl::StatusOr<bool> opened = OpenNext(chunk);
      if (!opened.ok()) return opened.status();
      if (!chunk.rejected.empty() && !*opened) return chunk;
    }
    if (current_) {
      if (current_->content.layout.IsSnapshot()) {
        TellSnapshot(rows_max, chunk);
      } else {
        TellMovements(rows_max, chunk);
      }
      return chunk;
    }
    looked_at_ = absl::Now();
    chunk.looked_at = looked_at_;
    const absl::StatusOr<bool> all_complete = folder_->Look(looked_at_);
    if (!all_complete.ok()) return all_complete.status();
    if (folder_->FirstFrom(next_ordinal_)) continue;
    chunk.nothing_left = *all_complete;
    const absl::Duration rest = deadline - absl::Now();
    if (rest <= absl::ZeroDuration()) return chunk;
    folder_->WaitForChange(std::min(rest, poll_));
  }
}

absl::StatusOr<bool> CsvSource::OpenNext(Chunk& chunk) {
  const std::optional<TakenFile> file = folder_->FirstFrom(next_ordinal_);
  if (!file) return false;
  if (file->ordinal > next_ordinal_) records_told_ = 0;
  next_ordinal_ = file->ordinal;

  const absl::StatusOr<absl::Time> modified = ModifiedAt(file->path);
  if (!modified.ok()) return modified.status();
  absl::StatusOr<std::string> bytes = ReadWholeFile(file->path);
  if (!bytes.ok() && !absl::IsResourceExhausted(bytes.status())) return bytes.status();
  absl::StatusOr<files::Export> content =
      bytes.ok() ? files::ReadExport({file->name, *std::move(bytes), *modified}, mapping_,
                                     {file->location, folder_->locations()})
                 : bytes.status();
  if (!content.ok()) {
    const std::string reason(content.status().message());
    spdlog::error("{} is rejected: {}", file->name, reason);
    if (const auto status = folder_->Reject(file->ordinal, reason); !status.ok()) return status;
    chunk.rejected.push_back({file->name, "", reason});
    ++next_ordinal_;
    records_told_ = 0;
    return false;
  }
  if (!content->rejected.empty()) {
    spdlog::warn("{}: {} of {} rows are kept out, see rejected/{}.rejected.csv", file->name,
                 content->rejected.size(), content->records, file->name);
    const auto status = folder_->ListRejectedRows(*file, content->rejected);
    if (!status.ok()) return status;
    chunk.rejected = content->rejected;
  }
  current_ = Current{*file, *std::move(content)};
  SkipTold(*current_);
  return true;
}

void CsvSource::SkipTold(Current& current) const {
  std::vector<files::ReadRow>& rows = current.content.rows;
  if (current.content.layout.IsSnapshot()) {
    // One snapshot a location, one after the other.
    std::stable_sort(rows.begin(), rows.end(),
                     [](const files::ReadRow& a, const files::ReadRow& b) {
                       return a.movement.location_id() < b.movement.location_id();
                     });
    return;
  }
  const std::optional<TakenFile> copy = folder_->EarlierCopy(current.file);
  if (copy) {
    const files::Layout& layout = current.content.layout;
    const bool rows_are_timed =
        layout.Has(files::Field::kOccurredAt) || layout.Has(files::Field::kDate);
    const absl::StatusOr<absl::Time> here = ModifiedAt(current.file.path);
    const absl::StatusOr<absl::Time> there = ModifiedAt(copy->path);
    if (rows_are_timed || (here.ok() && there.ok() && *here == *there)) {
      spdlog::warn("{} was taken before with the same content: its rows are not told twice",
                   current.file.name);
      current.next_row = rows.size();
      return;
    }
  }
  while (current.next_row < rows.size() && rows[current.next_row].record <= records_told_) {
    ++current.next_row;
  }
}

void CsvSource::TellMovements(int rows_max, Chunk& chunk) {
  std::vector<files::ReadRow>& rows = current_->content.rows;
  uint64_t record = records_told_;
  for (int told = 0; told < rows_max && current_->next_row < rows.size(); ++told) {
    files::ReadRow& row = rows[current_->next_row++];
    record = row.record;
    *chunk.news.add_movements() = std::move(row.movement);
  }
  if (current_->next_row == rows.size()) {
    FinishCurrent(chunk);
  } else {
    chunk.news.set_input_position(PositionIn(current_->file, absl::StrCat(record)));
  }
}

void CsvSource::TellSnapshot(int rows_max, Chunk& chunk) {
  const files::Export& content = current_->content;
  const std::vector<files::ReadRow>& rows = content.rows;
  for (int told = 0; told < rows_max && current_->next_row < rows.size(); ++told) {
    const size_t at = current_->next_row++;
    const v1::Movement& movement = rows[at].movement;
    v1::SnapshotPart& part = PartOf(chunk, movement.location_id());
    if (at == 0 || !SameLocation(rows[at - 1], rows[at])) {
      part.mutable_begin()->set_as_of_us(movement.occurred_at_us());
      part.mutable_begin()->set_label(Label(current_->file.name));
    }
    v1::SnapshotRow* row = part.add_rows();
    row->set_sku(movement.sku());
    row->set_quantity(movement.quantity());
    if (at + 1 == rows.size() || !SameLocation(rows[at], rows[at + 1])) {
      part.mutable_end()->set_complete(content.complete);
      part.mutable_end()->set_row_count(static_cast<uint64_t>(std::count_if(
          rows.begin(), rows.end(),
          [&](const files::ReadRow& other) { return SameLocation(other, rows[at]); })));
    }
  }
  if (current_->next_row == rows.size()) {
    FinishCurrent(chunk);
  } else {
    chunk.news.set_input_position(PositionIn(current_->file, "0"));
  }
}

void CsvSource::FinishCurrent(Chunk& chunk) {
  for (const auto& [location, at] : current_->content.known_through) {
    AdvanceKnownThrough(chunk.news, location, at);
  }
  chunk.news.set_input_position(PositionIn(current_->file, kAllRecords));
  to_finish_.push_back(current_->file.ordinal);
  next_ordinal_ = current_->file.ordinal + 1;
  records_told_ = 0;
  current_.reset();
}

absl::Status CsvSource::Taken() {
  while (!to_finish_.empty()) {
    if (const auto status = folder_->Finish(to_finish_.back()); !status.ok()) return status;
    to_finish_.pop_back();
  }
  return absl::OkStatus();
}

std::string CsvSource::PositionIn(const TakenFile& file, const std::string& records) const {
  return absl::StrFormat("csv:%u:%s:%016x", file.ordinal, records, file.content_hash);
}

}  // namespace onhand::agent
