// The ledger's state as bytes and back: every table in key order, positions in segments of items.
// The same state gives the same bytes. The format is specified in encode.cc.
#ifndef ONHAND_SERVER_LEDGER_ENCODE_H_
#define ONHAND_SERVER_LEDGER_ENCODE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

// The format that hubs write. Older ones are read too, and can be written, without what they had no
// room for: tests see by that how they are read.
inline constexpr uint8_t kEncodedFormat = 5;
// The format of encoded tables or of a segment.
uint8_t FormatOf(absl::string_view bytes);

// Everything but positions. Decoding fills an empty state; it is of no use if that fails: DATA_LOSS
// if the bytes are damaged, FAILED_PRECONDITION if another program's format or other settings wrote
// them.
std::string EncodeTables(const State& state, uint8_t format = kEncodedFormat);
absl::Status DecodeTables(absl::string_view bytes, State& state);

// Segments 0 .. SegmentCount - 1 of positions, items [segment * kItemsPerSegment, ...); each knows
// its number. The tables are decoded first, then every segment once, in any order; decoding returns
// the segment's number.
uint32_t SegmentCount(const State& state);
std::string EncodeSegment(const State& state, uint32_t segment, uint8_t format = kEncodedFormat);
absl::StatusOr<uint32_t> DecodeSegment(absl::string_view bytes, State& state);

// The whole: tables, then segments. For comparing two states.
std::string EncodeState(const State& state);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_ENCODE_H_
