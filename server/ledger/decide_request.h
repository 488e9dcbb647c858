// Idempotency of unary writes: the id's own time bounds how long its answer is kept.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_REQUEST_H_
#define ONHAND_SERVER_LEDGER_DECIDE_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/ledger/group.h"

namespace onhand::ledger {

// 16 bytes of a UUIDv7 from its text form. INVALID_ARGUMENT (INVALID_REQUEST_ID) shows a right one.
absl::StatusOr<std::string> ParseRequestId(absl::string_view text);

// The first answer, if this id was answered before with the same content; nothing if it is new.
// Errors: REQUEST_ID_REUSED, REQUEST_ID_EXPIRED (older than the window), REQUEST_ID_AHEAD (over a
// day ahead).
absl::StatusOr<std::optional<std::string>> FindAnswer(const Group& group,
                                                      absl::string_view request_id,
                                                      uint64_t content_hash);
// Keeps the answer beside the facts it tells of, and the principal that asked, if one did.
void KeepAnswer(Group& group, absl::string_view request_id, uint64_t content_hash,
                absl::string_view answer, absl::string_view principal);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_REQUEST_H_
