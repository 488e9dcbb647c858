// Which files a location has sent, so that one that is sent again is not told again. Kept by the
// hub as the input position of the location's file source: durable with the very batch that tells a
// file, and restored with the journal. A value; one thread.
//
// Format, at most 1,024 bytes: "files1", the number of remembered files in a byte, those (content
// 8 bytes, taken 8, revision 8, sequence 8, records told 4, refused by the hub 4; little endian)
// from the newest on, and then the 8 bytes of content of older ones.
#ifndef ONHAND_SERVER_GATEWAY_TAKEN_FILES_H_
#define ONHAND_SERVER_GATEWAY_TAKEN_FILES_H_

#include <cstdint>
#include <deque>
#include <string>

#include "absl/strings/string_view.h"

namespace onhand::gateway {

struct TakenFile {
  static constexpr uint32_t kAllRecords = UINT32_MAX;

  uint64_t content = 0;  // hash of what it was and how it was to be read
  int64_t taken_us = 0;
  uint64_t revision = 0;  // that contains it
  uint64_t sequence = 0;  // of its first batch
  // Rows up to this record were told. A kill between two batches leaves a file half told.
  uint32_t records_told = 0;
  uint32_t refused = 0;  // rows that the hub did not take
};

class TakenFiles {
 public:
  static constexpr size_t kNewestMax = 8;
  static constexpr size_t kBytesMax = 1'024;

  // What the hub keeps; empty, or another's: nothing was sent yet.
  static TakenFiles Parse(absl::string_view position);
  std::string ToPosition() const;

  // The file with this content; nullptr: not one of the newest.
  const TakenFile* Find(uint64_t content) const;
  // Whether it is one of the older ones, of which no more is known.
  bool IsOld(uint64_t content) const;
  // Puts it first, in place of itself.
  void Put(const TakenFile& file);

 private:
  std::deque<TakenFile> newest_;
  std::deque<uint64_t> older_;
};

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_TAKEN_FILES_H_
