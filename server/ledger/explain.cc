#include "server/ledger/explain.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace onhand::ledger {
namespace {

std::string DayOf(int64_t us) {
  return absl::FormatTime("%-e %b %Y", absl::FromUnixMicros(us), absl::UTCTimeZone());
}

// The time of day, with the date unless it is today's.
std::string MomentOf(int64_t us, int64_t now_us) {
  const absl::Time moment = absl::FromUnixMicros(us);
  const std::string time = absl::FormatTime("%H:%M UTC", moment, absl::UTCTimeZone());
  return DayOf(us) == DayOf(now_us) ? time : absl::StrCat(DayOf(us), " ", time);
}

// `rule 'below-5' (set by Ana on 3 May 2026: summer sale)`.
std::string RuleText(const journal::Rule& rule) {
  std::string text = absl::StrCat("rule '", rule.rule_id(), "' (set");
  if (!rule.author().empty()) absl::StrAppend(&text, " by ", rule.author());
  absl::StrAppend(&text, " on ", DayOf(rule.changed_us()));
  if (!rule.reason().empty()) absl::StrAppend(&text, ": ", rule.reason());
  return absl::StrCat(text, ")");
}

std::string Capitalized(std::string text) {
  if (!text.empty()) text[0] = absl::ascii_toupper(static_cast<unsigned char>(text[0]));
  return text;
}

std::string LocationName(const State& state, uint32_t location) {
  const journal::Location* row = state.locations.Find(location);
  if (row == nullptr) return absl::StrCat("location ", location);
  return row->name().empty() ? row->location_id() : row->name();
}

std::string Since(const Circumstances& with, const Promise& promise) {
  if (with.question.location != 0) return "";
  const Display* display =
      with.state.display.Find(DisplayKey{with.question.item, with.question.channel});
  if (display == nullptr || display->status != static_cast<uint32_t>(promise.status)) return "";
  return absl::StrCat(" since ", MomentOf(display->changed_us, with.now_us));
}

std::string StopSentence(const Circumstances& with, const Promise& promise) {
  std::string text =
      absl::StrCat(Capitalized(TextOf(promise.status)), " at ",
                   LocationName(with.state, with.question.location), ": ", TextOf(with.stop));
  const journal::Location* row = with.state.locations.Find(with.question.location);
  if (row != nullptr && with.stop != Stop::kNotInChannel) {
    if (with.stop == Stop::kPaused && row->paused_until_us() != 0) {
      absl::StrAppend(&text, " until ", MomentOf(row->paused_until_us(), with.now_us));
    }
    if (!row->state_reason().empty()) absl::StrAppend(&text, " (", row->state_reason(), ")");
  }
  return absl::StrCat(text, ".");
}

std::string FloorSentence(const Circumstances& with, const Promise& promise) {
  const journal::Rule& rule = *with.rules.chain_floor.rule;
  std::string text = absl::StrCat(Capitalized(TextOf(promise.status)), Since(with, promise), ": ",
                                  with.chain_salable, " left in the chain, rule '", rule.rule_id(),
                                  "' needs ", with.rules.chain_floor.value, " (set");
  if (!rule.author().empty()) absl::StrAppend(&text, " by ", rule.author());
  absl::StrAppend(&text, " on ", DayOf(rule.changed_us()), "); returns at ",
                  with.rules.chain_floor_reshow);
  if (with.rules.chain_floor_dwell_s > 0) {
    absl::StrAppend(&text, " after at least ",
                    absl::FormatDuration(absl::Seconds(with.rules.chain_floor_dwell_s)));
  }
  return absl::StrCat(text, ".");
}

}  // namespace

std::string TextOf(Stop stop) {
  switch (stop) {
    case Stop::kNone:
      return "the location is open";
    case Stop::kNotInChannel:
      return "the channel does not use the location";
    case Stop::kPlanned:
      return "the location is not open yet";
    case Stop::kPaused:
      return "the location is paused";
    case Stop::kClosing:
      return "the location is closing and sells in the store only";
    case Stop::kClosed:
      return "the location is closed";
  }
  return "";
}

std::string TextOf(v1::AvailabilityStatus status) {
  switch (status) {
    case v1::AVAILABILITY_STATUS_IN_STOCK:
      return "in stock";
    case v1::AVAILABILITY_STATUS_LOW_STOCK:
      return "low stock";
    case v1::AVAILABILITY_STATUS_SOLD_OUT:
      return "sold out";
    case v1::AVAILABILITY_STATUS_BACKORDER:
      return "on back-order";
    case v1::AVAILABILITY_STATUS_KEEP_SELLING:
      return "selling on without stock";
    default:
      return "hidden";
  }
}

std::string SentenceOf(const Circumstances& with, const Promise& promise) {
  if (with.item.stopped()) return "Hidden: the item is stopped everywhere.";
  if (!with.item.published()) return "Hidden: the item is not published.";
  if (with.stop != Stop::kNone) return StopSentence(with, promise);
  const std::string status = Capitalized(TextOf(promise.status));
  const std::string place =
      with.question.location == 0
          ? "in the chain"
          : absl::StrCat("at ", LocationName(with.state, with.question.location));
  if (with.left_out) {
    return absl::StrCat(
        status, ": left out of the channel ", place,
        promise.rule == nullptr ? "" : absl::StrCat(" by ", RuleText(*promise.rule)), ".");
  }
  if (promise.below_floor) return FloorSentence(with, promise);
  const journal::Rule* rule = promise.rule;
  const std::string by = rule == nullptr ? "" : absl::StrCat(", by ", RuleText(*rule));
  if (promise.salable == 0) {
    const std::string from =
        promise.available_from_us == 0
            ? ""
            : absl::StrCat(", up to ", promise.max_quantity, " for delivery from ",
                           DayOf(promise.available_from_us));
    return absl::StrCat(status, Since(with, promise), ": nothing to sell ", place, from, by,
                        promise.any_stale ? "; some locations have not reported in time" : "", ".");
  }
  return absl::StrCat(status, ": ", promise.salable, " can be sold ", place,
                      promise.max_quantity < promise.salable
                          ? absl::StrCat(", at most ", promise.max_quantity, " at once")
                          : "",
                      by, ".");
}

}  // namespace onhand::ledger
