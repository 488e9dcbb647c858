#include "clients/agent/taken_ids.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace onhand::agent {

absl::StatusOr<TakenIds> TakenIds::FromPosition(const std::string& position, absl::Time now) {
  const size_t colon = position.find(':', 4);
  int64_t floor = 0;
  if (!absl::StartsWith(position, "sql:") || colon == std::string::npos ||
      !absl::SimpleAtoi(position.substr(4, colon - 4), &floor)) {
    return absl::InvalidArgumentError(
        "input_position was not made by a table: another kind of source has used this source id, "
        "so "
        "choose another --source-id");
  }
  TakenIds taken(floor);
  const std::string bitmap = position.substr(colon + 1);
  for (size_t bit = 0; bit < bitmap.size() * 8; ++bit) {
    if (!(static_cast<unsigned char>(bitmap[bit / 8]) >> (bit % 8) & 1)) continue;
    const int64_t id = floor + 1 + static_cast<int64_t>(bit);
    taken.above_[id] = now;
    taken.highest_ = id;
  }
  return taken;
}

std::string TakenIds::Position() const {
  std::string bitmap(static_cast<size_t>((highest_ - floor_ + 7) / 8), '\0');
  for (const auto& [id, taken_at] : above_) {
    const auto bit = static_cast<size_t>(id - floor_ - 1);
    bitmap[bit / 8] = static_cast<char>(bitmap[bit / 8] | 1 << (bit % 8));
  }
  return absl::StrCat("sql:", floor_, ":", bitmap);
}

bool TakenIds::Contains(int64_t id) const { return id <= floor_ || above_.count(id) > 0; }

void TakenIds::Take(int64_t id, absl::Time now) {
  if (Contains(id)) return;
  above_[id] = now;
  highest_ = std::max(highest_, id);
  if (highest_ - kWindow > floor_) RaiseFloor(highest_ - kWindow);
  CloseUp();
}

void TakenIds::GiveUpGaps(absl::Time before) {
  // A gap is as old as the oldest id taken above it, so the floor may rise to the highest id that
  // was taken long enough ago.
  int64_t floor = floor_;
  for (const auto& [id, taken_at] : above_) {
    if (taken_at < before) floor = id;
  }
  RaiseFloor(floor);
  CloseUp();
}

void TakenIds::RaiseFloor(int64_t floor) {
  floor_ = std::max(floor_, floor);
  highest_ = std::max(highest_, floor_);
  above_.erase(above_.begin(), above_.upper_bound(floor_));
}

void TakenIds::CloseUp() {
  while (!above_.empty() && above_.begin()->first == floor_ + 1) {
    floor_ = above_.begin()->first;
    above_.erase(above_.begin());
  }
}

}  // namespace onhand::agent
