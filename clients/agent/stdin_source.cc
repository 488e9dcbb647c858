#include "clients/agent/stdin_source.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "clients/files/mapping.h"
#include "clients/files/moment.h"
#include "clients/files/rows.h"

namespace onhand::agent {
namespace {

using Json = nlohmann::json;

constexpr size_t kLineBytesMax = 64 << 10;

absl::Status BadField(absl::string_view field, const Json& value, absl::string_view remedy) {
  return absl::InvalidArgumentError(absl::StrCat(field, " is ", value.dump(), ": ", remedy));
}

absl::Status ReadText(const std::string& field, const Json& value, std::string& out) {
  if (!value.is_string()) return BadField(field, value, "write it as a text in quotes");
  out = value.get<std::string>();
  return absl::OkStatus();
}

// Whole numbers as numbers or, as protobuf's JSON writes them, as texts.
absl::Status ReadInteger(const std::string& field, const Json& value, int64_t& out) {
  if (value.is_number_integer()) {
    out = value.get<int64_t>();
    return absl::OkStatus();
  }
  if (value.is_string() && absl::SimpleAtoi(value.get<std::string>(), &out))
    return absl::OkStatus();
  return BadField(field, value, "write it as a whole number");
}

absl::Status ReadMoment(const std::string& field, const Json& value, absl::TimeZone zone,
                        int64_t& out_us) {
  if (value.is_number_integer()) return ReadInteger(field, value, out_us);
  if (!value.is_string()) return BadField(field, value, "write it as \"2026-03-31T14:05:00Z\"");
  files::MomentRules rules;
  rules.zone = zone;
  const absl::StatusOr<absl::Time> at = files::MomentReader(rules).Read(value.get<std::string>());
  if (!at.ok()) return BadField(field, value, "write it as \"2026-03-31T14:05:00Z\"");
  out_us = absl::ToUnixMicros(*at);
  return absl::OkStatus();
}

// occurredAtUs -> occurred_at_us.
std::string SnakeCase(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isupper(byte)) out.push_back('_');
    out.push_back(absl::ascii_tolower(byte));
  }
  return out;
}

struct Line {
  v1::Movement movement;
  bool has_time = false;
  bool has_quantity = false;
  int64_t known_through_us = 0;
};

absl::Status ReadField(const std::string& name, const Json& value, absl::TimeZone zone,
                       Line& line) {
  v1::Movement& row = line.movement;
  if (name == "sku") return ReadText(name, value, *row.mutable_sku());
  if (name == "location_id" || name == "location") {
    return ReadText(name, value, *row.mutable_location_id());
  }
  if (name == "order_reference") return ReadText(name, value, *row.mutable_order_reference());
  if (name == "counted_by") return ReadText(name, value, *row.mutable_counted_by());
  if (name == "known_through") return ReadMoment(name, value, zone, line.known_through_us);
  if (name == "kind") {
    if (value.is_string()) row.set_kind(files::KindOfWord(value.get<std::string>()));
    if (row.kind() != v1::MOVEMENT_KIND_UNSPECIFIED) return absl::OkStatus();
    return BadField(name, value, "write \"SALE\", \"LEVEL\", \"RECEIPT\" or another movement");
  }
  if (name == "includes_picked") {
    if (!value.is_boolean()) return BadField(name, value, "write true or false");
    row.set_includes_picked(value.get<bool>());
    return absl::OkStatus();
  }
  int64_t number = 0;
  if (name == "quantity") {
    if (const auto status = ReadInteger(name, value, number); !status.ok()) return status;
    row.set_quantity(number);
    line.has_quantity = true;
    return absl::OkStatus();
  }
  if (name == "occurred_at" || name == "occurred_at_us" || name == "as_of") {
    if (const auto status = ReadMoment(name, value, zone, number); !status.ok()) return status;
    row.set_occurred_at_us(number);
    line.has_time = true;
    return absl::OkStatus();
  }
  return BadField(name, value, "there is no such field; take it out");
}

absl::Status CheckMovement(const Line& line) {
  constexpr int64_t kUnitsMax = 1'000'000'000;
  const v1::Movement& row = line.movement;
  if (const auto status = files::CheckIdentifier("sku", row.sku()); !status.ok()) return status;
  if (row.kind() == v1::MOVEMENT_KIND_UNSPECIFIED) {
    return absl::InvalidArgumentError(
        "kind is absent: write \"SALE\", \"LEVEL\" or another movement");
  }
  if (!line.has_quantity)
    return absl::InvalidArgumentError("quantity is absent: write whole units");
  if (row.quantity() > kUnitsMax || row.quantity() < -kUnitsMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "quantity ", row.quantity(), " is beyond 1,000,000,000 units: correct it at the till"));
  }
  if (row.kind() == v1::MOVEMENT_KIND_COUNT && row.quantity() < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "quantity ", row.quantity(), " of a COUNT is below zero: nobody counts fewer than none"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseJsonLine(const std::string& text, const std::vector<std::string>& locations,
                           absl::TimeZone zone, absl::Time now, v1::Batch& into) {
  const Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) {
    return absl::InvalidArgumentError("the line is not a JSON object: write {\"sku\": ..., ...}");
  }
  Line line;
  for (const auto& [name, value] : document.items()) {
    if (const auto status = ReadField(SnakeCase(name), value, zone, line); !status.ok())
      return status;
  }
  std::string& location = *line.movement.mutable_location_id();
  if (location.empty() && locations.size() == 1) location = locations[0];
  if (std::find(locations.begin(), locations.end(), location) == locations.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "location_id \"", location, "\" is not one that this agent reports for: add --location"));
  }
  if (line.known_through_us != 0) {
    AdvanceKnownThrough(into, location, absl::FromUnixMicros(line.known_through_us));
    if (line.movement.sku().empty()) return absl::OkStatus();
  }
  if (const auto status = CheckMovement(line); !status.ok()) return status;
  if (!line.has_time) line.movement.set_occurred_at_us(absl::ToUnixMicros(now));
  AdvanceKnownThrough(into, location, absl::FromUnixMicros(line.movement.occurred_at_us()));
  *into.add_movements() = std::move(line.movement);
  return absl::OkStatus();
}

StdinSource::StdinSource(int file, std::vector<std::string> locations, absl::TimeZone zone)
    : file_(file), locations_(std::move(locations)), zone_(zone) {}

absl::StatusOr<bool> StdinSource::Seek(const std::string& /*position*/) { return false; }

absl::StatusOr<Chunk> StdinSource::Read(int rows_max, absl::Duration wait) {
  Chunk chunk;
  chunk.looked_at = absl::Now();
  std::string line;
  const bool leaving = wait < absl::ZeroDuration();
  if (leaving) CompleteLine();
  // Takes what is there without waiting for more: a till's sale shall not wait for the next one.
  while (HasRows(chunk.news) ? chunk.news.movements_size() < rows_max : true) {
    if (TakeLine(line)) {
      Tell(line, chunk);
      continue;
    }
    if (closed_ || leaving) break;
    const size_t before = buffer_.size();
    const bool found_nothing_yet = !HasRows(chunk.news) && chunk.rejected.empty();
    if (const auto status = Fill(found_nothing_yet ? wait : absl::ZeroDuration()); !status.ok()) {
      return status;
    }
    if (!closed_ && buffer_.size() == before) break;
  }
  const bool told_all = told_bytes_ == buffer_.size();
  chunk.nothing_left = told_all;
  chunk.ended = closed_ && told_all;
  return chunk;
}

absl::Status StdinSource::Fill(absl::Duration wait) {
  buffer_.erase(0, told_bytes_);
  told_bytes_ = 0;
  pollfd events = {file_, POLLIN, 0};
  const int ready = ::poll(&events, 1, static_cast<int>(absl::ToInt64Milliseconds(wait)));
  if (ready == 0 || (ready < 0 && errno == EINTR)) return absl::OkStatus();
  std::array<char, 64 << 10> bytes;
  const ssize_t count = ready < 0 ? -1 : read(file_, bytes.data(), bytes.size());
  if (count < 0) {
    if (errno == EINTR || errno == EAGAIN) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("cannot read standard input: error ", errno));
  }
  if (count == 0) closed_ = true;
  buffer_.append(bytes.data(), static_cast<size_t>(count));
  return absl::OkStatus();
}

void StdinSource::CompleteLine() {
  constexpr int kPatienceMs = 1000;
  // Byte by byte: the next line belongs to whoever reads on.
  while (!closed_ && told_bytes_ < buffer_.size() && buffer_.back() != '\n') {
    pollfd events = {file_, POLLIN, 0};
    char byte = 0;
    if (::poll(&events, 1, kPatienceMs) <= 0 || read(file_, &byte, 1) != 1) return;
    buffer_.push_back(byte);
  }
}

bool StdinSource::TakeLine(std::string& line) {
  size_t end = buffer_.find('\n', told_bytes_);
  const bool overlong = end == std::string::npos && buffer_.size() - told_bytes_ > kLineBytesMax;
  if (end == std::string::npos) {
    if ((!closed_ && !overlong) || told_bytes_ == buffer_.size()) return false;
    end = buffer_.size();
  }
  line = buffer_.substr(told_bytes_, end - told_bytes_);
  told_bytes_ = std::min(end + 1, buffer_.size());
  return true;
}

void StdinSource::Tell(const std::string& line, Chunk& chunk) {
  ++lines_;
  if (absl::StripAsciiWhitespace(line).empty()) return;
  const absl::Status status = ParseJsonLine(line, locations_, zone_, absl::Now(), chunk.news);
  if (status.ok()) return;
  chunk.rejected.push_back({absl::StrCat("standard input:", lines_), line.substr(0, 1024),
                            std::string(status.message())});
}

}  // namespace onhand::agent
