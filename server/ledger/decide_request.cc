#include "server/ledger/decide_request.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/ledger/refusal.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kAheadMaxUs = int64_t{24} * 3600 * 1'000'000;

absl::Status RefuseId(absl::StatusCode code, absl::string_view reason, absl::string_view request_id,
                      std::string problem, std::string remedy) {
  return Refuse(code, {.reason = reason,
                       .field = "request_id",
                       .value = absl::BytesToHexString(request_id),
                       .problem = std::move(problem),
                       .remedy = std::move(remedy)});
}

}  // namespace

absl::StatusOr<std::string> ParseRequestId(absl::string_view text) {
  const bool shaped =
      text.size() == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
  const std::string digits = absl::StrReplaceAll(text, {{"-", ""}});
  bool hex = digits.size() == 32;
  for (const char c : digits) hex = hex && absl::ascii_isxdigit(static_cast<unsigned char>(c));
  const std::string bytes = shaped && hex ? absl::HexStringToBytes(digits) : std::string();
  const bool version_7 = bytes.size() == 16 && (static_cast<uint8_t>(bytes[6]) >> 4) == 7;
  if (version_7) return bytes;
  return Refuse(
      absl::StatusCode::kInvalidArgument,
      {.reason = "INVALID_REQUEST_ID",
       .field = "request_id",
       .value = std::string(text),
       .problem = "is not a UUIDv7",
       .remedy =
           "make one and store it before you send, such as 0193571a-2d00-7c3e-9a50-3f8e6c1d2b4a"});
}

absl::StatusOr<std::optional<std::string>> FindAnswer(const Group& group,
                                                      absl::string_view request_id,
                                                      uint64_t content_hash) {
  const State& state = group.state();
  if (AnswerExpiryUs(state.settings, request_id) <= group.now_us()) {
    return RefuseId(absl::StatusCode::kFailedPrecondition, "REQUEST_ID_EXPIRED", request_id,
                    "is older than answers are kept",
                    "read what became of it, then ask anew with a new id");
  }
  if (RequestIdTimeUs(request_id) > group.now_us() + kAheadMaxUs) {
    return RefuseId(absl::StatusCode::kInvalidArgument, "REQUEST_ID_AHEAD", request_id,
                    "lies more than a day ahead of the hub's time", "set the sender's clock right");
  }
  const Answer* answer = state.answers.Find(request_id);
  if (answer == nullptr) return std::optional<std::string>();
  if (answer->content_hash != content_hash) {
    return RefuseId(absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED", request_id,
                    "was used for another request", "make a new id for each new request");
  }
  return std::optional<std::string>(answer->bytes);
}

void KeepAnswer(Group& group, absl::string_view request_id, uint64_t content_hash,
                absl::string_view answer, absl::string_view principal) {
  journal::Fact fact;
  journal::RequestAnswered& answered = *fact.mutable_request_answered();
  answered.set_request_id(std::string(request_id));
  answered.set_content_hash(content_hash);
  answered.set_answer(std::string(answer));
  answered.set_principal(std::string(principal));
  group.Add(std::move(fact));
}

}  // namespace onhand::ledger
