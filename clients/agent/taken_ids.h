// Which rows of a till's table were taken: every id up to a floor, and single ids above it. A lower
// id can become visible after a higher one, since transactions commit in any order, so ids in the
// gaps are asked for again. A plain value; one thread.
//
// Position: "sql:" floor ":" and the bitmap of taken ids above the floor, lowest first, 8 a byte,
// as bytes. The bitmap has at most 960 bytes: an id that becomes visible after another one more
// than 7,680 above it was taken is lost, and the floor passes it. The same happens to a gap that
// stays open longer than the source's patience.
#ifndef ONHAND_CLIENTS_AGENT_TAKEN_IDS_H_
#define ONHAND_CLIENTS_AGENT_TAKEN_IDS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace onhand::agent {

class TakenIds {
 public:
  static constexpr int64_t kWindow = 7680;

  // Starts with every id up to `floor` taken.
  explicit TakenIds(int64_t floor = 0) : floor_(floor), highest_(floor) {}
  // Its gaps count as opened `now`. INVALID_ARGUMENT: not a position of a table.
  static absl::StatusOr<TakenIds> FromPosition(const std::string& position, absl::Time now);

  std::string Position() const;
  bool Contains(int64_t id) const;
  // Takes an id; `now` dates the gap that it may open.
  void Take(int64_t id, absl::Time now);
  // Gives up gaps that opened before `before`.
  void GiveUpGaps(absl::Time before);

  int64_t floor() const { return floor_; }
  int64_t highest() const { return highest_; }
  bool HasGaps() const { return highest_ > floor_; }

 private:
  void RaiseFloor(int64_t floor);
  void CloseUp();

  int64_t floor_;
  int64_t highest_;
  // Taken ids above the floor, with the moment they were taken.
  std::map<int64_t, absl::Time> above_;
};

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_TAKEN_IDS_H_
