#include "server/gateway/taken_files.h"

#include <algorithm>

#include "absl/strings/strip.h"

namespace onhand::gateway {
namespace {

constexpr absl::string_view kFormat = "files1";
constexpr size_t kNumberBytes = 8;
constexpr size_t kFileBytes = 40;
constexpr size_t kOlderMax =
    (TakenFiles::kBytesMax - kFormat.size() - 1 - TakenFiles::kNewestMax * kFileBytes) /
    kNumberBytes;

void Append(uint64_t value, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i) out->push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

uint64_t Take(size_t bytes, absl::string_view* in) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>((*in)[i])) << (8 * i);
  }
  in->remove_prefix(bytes);
  return value;
}

}  // namespace

TakenFiles TakenFiles::Parse(absl::string_view position) {
  TakenFiles files;
  if (!absl::ConsumePrefix(&position, kFormat) || position.empty()) return files;
  size_t count = Take(1, &position);
  if (position.size() < count * kFileBytes) return files;
  for (; count > 0; --count) {
    TakenFile file;
    file.content = Take(8, &position);
    file.taken_us = static_cast<int64_t>(Take(8, &position));
    file.revision = Take(8, &position);
    file.sequence = Take(8, &position);
    file.records_told = static_cast<uint32_t>(Take(4, &position));
    file.refused = static_cast<uint32_t>(Take(4, &position));
    files.newest_.push_back(file);
  }
  while (position.size() >= kNumberBytes) files.older_.push_back(Take(kNumberBytes, &position));
  return files;
}

std::string TakenFiles::ToPosition() const {
  std::string position(kFormat);
  Append(newest_.size(), 1, &position);
  for (const TakenFile& file : newest_) {
    Append(file.content, 8, &position);
    Append(static_cast<uint64_t>(file.taken_us), 8, &position);
    Append(file.revision, 8, &position);
    Append(file.sequence, 8, &position);
    Append(file.records_told, 4, &position);
    Append(file.refused, 4, &position);
  }
  for (const uint64_t content : older_) Append(content, kNumberBytes, &position);
  return position;
}

const TakenFile* TakenFiles::Find(uint64_t content) const {
  const auto at = std::find_if(newest_.begin(), newest_.end(),
                               [&](const TakenFile& file) { return file.content == content; });
  return at == newest_.end() ? nullptr : &*at;
}

bool TakenFiles::IsOld(uint64_t content) const {
  return std::find(older_.begin(), older_.end(), content) != older_.end();
}

void TakenFiles::Put(const TakenFile& file) {
  std::erase_if(newest_, [&](const TakenFile& other) { return other.content == file.content; });
  std::erase(older_, file.content);
  newest_.push_front(file);
  // One that was never told to its end is not remembered as told.
  if (newest_.size() > kNewestMax) {
    if (newest_.back().records_told == TakenFile::kAllRecords)
      older_.push_front(newest_.back().content);
    newest_.pop_back();
  }
  if (older_.size() > kOlderMax) older_.pop_back();
}

}  // namespace onhand::gateway
