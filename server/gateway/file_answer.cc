#include "server/gateway/file_answer.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"

namespace onhand::gateway {
namespace {

using nlohmann::json;

// A problem's text is `field "value" problem: remedy` from the reader, and `field 'value' problem;
// remedy` from the hub.
json Explained(const std::string& text, char quote, const std::string& before_remedy) {
  json explained = {{"problem", text}};
  const std::string field = text.substr(0, text.find(' '));
  if (absl::StrContains(field, ":")) return explained;
  explained["field"] = field;
  if (text.size() > field.size() + 1 && text[field.size() + 1] == quote) {
    const size_t from = field.size() + 2;
    explained["value"] = text.substr(from, text.find(quote, from) - from);
  }
  const size_t remedy = text.rfind(before_remedy);
  if (remedy != std::string::npos) {
    explained["remedy"] = text.substr(remedy + before_remedy.size());
  } else {
    explained["remedy"] = "mend the row at the till and export again";
  }
  return explained;
}

std::string Rfc3339(absl::Time at) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", at, absl::UTCTimeZone());
}

}  // namespace

struct FileAnswer::Content {
  json answer;
  uint64_t read = 0;  // rows that the reader understood
};

FileAnswer::FileAnswer(const std::string& location_id, const std::string& name,
                       const files::Export& file)
    : content_(std::make_unique<Content>()) {
  content_->read = file.rows.size();
  json& answer = content_->answer;
  answer["locationId"] = location_id;
  answer["file"] = name;
  answer["kind"] =
      file.layout.Has(files::Field::kKind) ? "AS_IN_COLUMN" : files::KindName(file.layout.kind);
  answer["rowsRejected"] = file.rejected.size();
  answer["rejected"] = json::array();
  for (const files::RejectedRow& row : file.rejected) {
    if (answer["rejected"].size() == kRejectedMax) break;
    json problem = Explained(row.reason, '"', ": ");
    uint64_t line = 0;
    if (absl::SimpleAtoi(row.where.substr(row.where.rfind(':') + 1), &line)) problem["line"] = line;
    problem["row"] = row.content;
    answer["rejected"].push_back(std::move(problem));
  }
  for (const auto& [location, at] : file.known_through) answer["knownThrough"] = Rfc3339(at);
  if (file.layout.IsSnapshot()) {
    answer["snapshot"]["asOf"] = Rfc3339(file.as_of.begin()->second);
    answer["snapshot"]["complete"] = file.complete;
  }
}

FileAnswer::~FileAnswer() = default;

void FileAnswer::SetTold(bool already, uint64_t revision, uint32_t refused,
                         const std::vector<v1::RowProblem>& problems) {
  json& answer = content_->answer;
  answer["alreadyTaken"] = already;
  if (revision != 0) answer["revision"] = revision;
  answer["rowsTaken"] = content_->read - std::min<uint64_t>(refused, content_->read);
  answer["rowsRejected"] = answer["rowsRejected"].get<uint64_t>() + refused;
  for (const v1::RowProblem& row : problems) {
    if (answer["rejected"].size() == kRejectedMax) break;
    json problem = Explained(row.message(), '\'', "; ");
    problem["line"] = row.row();
    problem["reason"] = row.reason();
    problem["quarantineId"] = row.quarantine_id();
    answer["rejected"].push_back(std::move(problem));
  }
}

void FileAnswer::SetVerdict(const std::string& state, uint64_t quarantine_id,
                            const std::string& reason, const std::string& message) {
  json& snapshot = content_->answer["snapshot"];
  snapshot["state"] = state;
  if (quarantine_id == 0) return;
  snapshot["quarantineId"] = quarantine_id;
  snapshot["reason"] = reason;
  snapshot["message"] = message;
}

std::string FileAnswer::ToJson() const {
  return content_->answer.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace onhand::gateway
