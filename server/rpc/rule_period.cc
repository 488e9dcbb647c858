#include "server/rpc/rule_period.h"

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/rule_fields.h"
#include "server/ledger/validate.h"

namespace onhand::rpc {
namespace {

constexpr char kShape[] = "dddd-dd-ddTdd:dd:dd";
constexpr size_t kBytesWithoutSeconds = 16;

// `2026-11-27T00:00` or `2026-11-27T00:00:00`, if there is such a day and time.
std::optional<absl::CivilSecond> ReadCivil(absl::string_view text) {
  if (text.size() != kBytesWithoutSeconds && text.size() != sizeof(kShape) - 1) return std::nullopt;
  int numbers[6] = {};  // year to second
  int part = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = absl::ascii_isdigit(static_cast<unsigned char>(text[i]));
    if (digit != (kShape[i] == 'd') || (!digit && text[i] != kShape[i])) return std::nullopt;
    if (!digit) {
      ++part;
      continue;
    }
    numbers[part] = numbers[part] * 10 + (text[i] - '0');
  }
  const absl::CivilSecond civil(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4],
                                numbers[5]);
  // What does not exist, such as 30 February or 24:00, becomes another moment.
  const bool exists = numbers[0] >= 1 && civil.month() == numbers[1] && civil.day() == numbers[2] &&
                      civil.hour() == numbers[3] && civil.minute() == numbers[4] &&
                      civil.second() == numbers[5];
  return exists ? std::optional(civil) : std::nullopt;
}

// The time zone in which a rule's period is told.
absl::StatusOr<std::string> ZoneNameOf(hub::Hub* hub, absl::string_view path,
                                       const v1::RuleScope& scope) {
  return hub->Read([&](const ledger::Ledger& ledger) -> absl::StatusOr<std::string> {
    const ledger::State& state = ledger.state();
    if (scope.location_id().empty()) return ledger::ChainOf(state).time_zone();
    const absl::StatusOr<uint32_t> location =
        ledger::FindLocation(state, absl::StrCat(path, ".scope.location_id"), scope.location_id());
    if (!location.ok()) return location.status();
    return state.locations.Find(*location)->time_zone();
  });
}

struct Zone {
  std::string name;
  absl::TimeZone zone = absl::UTCTimeZone();
};

absl::StatusOr<absl::Time> ReadLocal(const std::string& field, const std::string& text,
                                     const Zone& zone) {
  const std::optional<absl::CivilSecond> civil = ReadCivil(text);
  if (!civil.has_value()) {
    return ledger::RefuseRule(field, text, "is no local date and time",
                              "send it as 2026-11-27T00:00 or 2026-11-27T00:00:00");
  }
  const absl::TimeZone::TimeInfo found = zone.zone.At(*civil);
  // `pre` is told by the clocks before the change: of an hour that comes twice the first one.
  if (found.kind != absl::TimeZone::TimeInfo::SKIPPED) return found.pre;
  const absl::CivilSecond last = zone.zone.At(found.trans - absl::Seconds(1)).cs;
  const absl::CivilSecond next = zone.zone.At(found.trans).cs;
  return ledger::RefuseRule(
      field, text,
      absl::StrCat("does not exist in ", zone.name, ", where the clocks go from ",
                   absl::FormatCivilTime(last + 1), " to ", absl::FormatCivilTime(next)),
      absl::StrCat("send ", absl::FormatCivilTime(next), " or a time before the change"));
}

// Reads one end of the period, if it is told in local time.
absl::Status ReadEnd(const std::string& field, const Zone& zone, bool has_moment,
                     std::string& local, google::protobuf::Timestamp* (*moment_of)(v1::Rule&),
                     v1::Rule& rule) {
  if (local.empty()) return absl::OkStatus();
  if (has_moment) {
    return ledger::RefuseRule(absl::StrCat(field, "_local"), local,
                              absl::StrCat("is given beside ", field), "send one of the two");
  }
  const absl::StatusOr<absl::Time> time = ReadLocal(absl::StrCat(field, "_local"), local, zone);
  if (!time.ok()) return time.status();
  *moment_of(rule) = ledger::TimestampOf(absl::ToUnixMicros(*time));
  local.clear();
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadLocalPeriod(hub::Hub* hub, absl::string_view path, v1::Rule& rule) {
  if (rule.effective_from_local().empty() && rule.effective_until_local().empty()) {
    return absl::OkStatus();
  }
  const absl::StatusOr<std::string> name = ZoneNameOf(hub, path, rule.scope());
  if (!name.ok()) return name.status();
  Zone zone{.name = name->empty() ? "UTC" : *name};
  if (!absl::LoadTimeZone(zone.name, &zone.zone)) {
    return ledger::RefuseRule(
        absl::StrCat(path, ".effective_from_local"), rule.effective_from_local(),
        absl::StrCat("is told in ", zone.name, ", which this hub cannot read"),
        "send effective_from and effective_until as moments");
  }
  absl::Status status = ReadEnd(
      absl::StrCat(path, ".effective_from"), zone, rule.has_effective_from(),
      *rule.mutable_effective_from_local(),
      [](v1::Rule& to) { return to.mutable_effective_from(); }, rule);
  if (!status.ok()) return status;
  return ReadEnd(
      absl::StrCat(path, ".effective_until"), zone, rule.has_effective_until(),
      *rule.mutable_effective_until_local(),
      [](v1::Rule& to) { return to.mutable_effective_until(); }, rule);
}

absl::Status ReadLocalPeriods(hub::Hub* hub, ledger::RuleChanges& changes) {
  for (int i = 0; i < changes.size(); ++i) {
    v1::RuleChange& change = *changes.Mutable(i);
    if (!change.has_set()) continue;
    absl::Status status =
        ReadLocalPeriod(hub, absl::StrCat("changes[", i, "].set"), *change.mutable_set());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadLocalPeriods(hub::Hub* hub, v1::BatchChangeRulesRequest& request) {
  return ReadLocalPeriods(hub, *request.mutable_changes());
}

absl::Status ReadLocalPeriods(hub::Hub* hub, v1::SetRuleRequest& request) {
  return ReadLocalPeriod(hub, "rule", *request.mutable_rule());
}

}  // namespace onhand::rpc
