// The payload of a journal row: one byte format, four bytes CRC32C of the rest (little-endian), one
// serialized Record. Pure; any thread.
#ifndef ONHAND_SERVER_HUB_JOURNAL_RECORD_H_
#define ONHAND_SERVER_HUB_JOURNAL_RECORD_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "onhand/journal/v1/journal.pb.h"

namespace onhand::hub {

// The payload that holds `record`. Precondition: its serialized form is below 2 GiB (a group is far
// smaller).
std::string EncodeRecord(const ::onhand::journal::v1::Record& record);

// Fills `record` (reused: cleared first) from a payload. DATA_LOSS if it is truncated, its checksum
// differs or it does not parse; FAILED_PRECONDITION if a newer program wrote its format.
absl::Status DecodeRecord(absl::string_view payload, ::onhand::journal::v1::Record* record);

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_JOURNAL_RECORD_H_
