#include "server/ledger/explain.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/ledger/back_order.h"

namespace onhand::ledger {
namespace {

std::string Capitalized(std::string text) {
  if (!text.empty()) text[0] = absl::ascii_toupper(static_cast<unsigned char>(text[0]));
  return text;
}

std::string Since(const Circumstances& with, const Promise& promise) {
  if (with.question.location != 0) return "";
  const Display* display =
      with.state.display.Find(DisplayKey{with.question.item, with.question.channel});
  if (display == nullptr || display->status != static_cast<uint32_t>(promise.status)) return "";
  return absl::StrCat(" since ", MomentText(with.state, 0, display->changed_us, with.now_us));
}

std::string ByRule(const Circumstances& with, const journal::Rule* rule) {
  return rule == nullptr ? "" : absl::StrCat(", by ", RuleText(with.state, *rule));
}

// `3 kept back: up to 3 may sell before the hub hears of it`.
std::string KeptBack(const BufferRule& buffer, int64_t withheld) {
  const std::string text = absl::StrCat(withheld, " kept back");
  switch (buffer.mode) {
    case BufferRule::Mode::kUnits:
      return text;
    case BufferRule::Mode::kPercent:
      return absl::StrCat(text, ", ", absl::StrFormat("%g", buffer.amount), " % of what is there");
    case BufferRule::Mode::kDays:
      return absl::StrCat(text, ", ", DaysOfCoverText(buffer.amount));
    case BufferRule::Mode::kRisk:
      return absl::StrCat(text, ": up to ", withheld, " may sell before the hub hears of it");
  }
  return text;
}

std::string StopSentence(const Circumstances& with, const Promise& promise) {
  const uint32_t location = with.question.location;
  std::string text = absl::StrCat(Capitalized(TextOf(promise.status)), " at ",
                                  PlaceText(with.state, location), ": ", TextOf(with.stop));
  const journal::Location* row = with.state.locations.Find(location);
  if (row != nullptr && with.stop != Stop::kNotInChannel) {
    if (with.stop == Stop::kPaused && row->paused_until_us() != 0) {
      absl::StrAppend(&text, " until ",
                      MomentText(with.state, location, row->paused_until_us(), with.now_us));
    }
    if (!row->state_reason().empty()) absl::StrAppend(&text, " (", row->state_reason(), ")");
  }
  return absl::StrCat(text, ".");
}

// What the chain has left for its floor, and what of it the chain buffer keeps back.
std::string ChainLeft(const Circumstances& with) {
  std::string text = absl::StrCat(with.chain_salable, " left in the chain");
  if (with.chain_salable != with.chain_sum) {
    absl::StrAppend(&text, " (", with.chain_sum, " there, ",
                    KeptBack(with.rules.chain_buffer.value, with.chain_withheld), ")");
  }
  return text;
}

std::string FloorSentence(const Circumstances& with, const Promise& promise) {
  std::string text = absl::StrCat(Capitalized(TextOf(promise.status)), Since(with, promise), ": ",
                                  ChainLeft(with));
  const journal::Rule* rule = with.rules.chain_floor.rule;
  absl::StrAppend(&text, ", rule '", rule->rule_id(), "' needs ", with.rules.chain_floor.value,
                  " (set");
  if (!rule->author().empty()) absl::StrAppend(&text, " by ", rule->author());
  absl::StrAppend(&text, " on ", DayText(with.state, 0, rule->changed_us()), "); returns at ",
                  with.rules.chain_floor_reshow);
  if (with.rules.chain_floor_dwell_s > 0) {
    absl::StrAppend(&text, " after at least ", DurationText(with.rules.chain_floor_dwell_s));
  }
  return absl::StrCat(text, ".");
}

// `2 on record at Bilbao, but probably gone: no sale where 6 were expected`.
std::string DoubtText(const Circumstances& with, const LocationPart& part) {
  std::string text =
      absl::StrCat(part.available, " on record at ", PlaceText(with.state, part.location), ", but ",
                   part.empty >= 0.5 ? "probably" : "possibly", " gone");
  if (part.expected_run >= 1) {
    absl::StrAppend(&text, ": no sale where ", absl::StrFormat("%.0f", part.expected_run),
                    " were expected");
  }
  return text;
}

// Why the stock of a location promises nothing.
std::string LossText(const Circumstances& with, const LocationPart& part) {
  if (part.doubted) return DoubtText(with, part);
  std::string text =
      absl::StrCat(part.available, " on record at ", PlaceText(with.state, part.location), ", ");
  const auto by = [](const journal::Rule* rule) {
    return rule == nullptr ? std::string() : absl::StrCat(" (rule '", rule->rule_id(), "')");
  };
  if (part.stop != Stop::kNone) return absl::StrCat(text, "but ", TextOf(part.stop));
  if (!part.included) return absl::StrCat(text, "which is left out of the channel");
  if (!part.counts) {
    const std::string since = part.known_through_us == 0
                                  ? "which has never told everything"
                                  : absl::StrCat("which has not reported since ",
                                                 MomentText(with.state, part.location,
                                                            part.known_through_us, with.now_us));
    return absl::StrCat(text, since, " and should every ", DurationText(part.freshness_target_s),
                        by(part.freshness_rule));
  }
  if (part.withheld < part.available) {
    return absl::StrCat(text, "fewer than the ", part.location_floor.value, " it needs",
                        by(part.location_floor.rule));
  }
  if (part.grown) {
    return absl::StrCat(text, part.withheld, " kept back: up to ", part.withheld,
                        " may have sold since it last reported", by(part.freshness_rule));
  }
  return absl::StrCat(text, KeptBack(part.buffer.value, part.withheld), by(part.buffer.rule));
}

// Where there is stock and nothing can be sold: what became of the most of it.
std::string LossClause(const Circumstances& with) {
  if (with.question.location == 0 && with.chain_sum > 0) {
    return absl::StrCat(": ", with.chain_sum, " there, ",
                        KeptBack(with.rules.chain_buffer.value, with.chain_withheld));
  }
  const LocationPart* most = nullptr;
  int others = 0;
  for (const LocationPart& part : with.locations) {
    if (part.available <= 0 || part.salable > 0) continue;
    if (with.question.location != 0 && part.location != with.question.location) continue;
    if (most != nullptr) ++others;
    if (most == nullptr || part.available > most->available) most = &part;
  }
  if (most == nullptr) return "";
  std::string text = absl::StrCat("; ", LossText(with, *most));
  if (others > 0) {
    absl::StrAppend(&text, "; nothing from ", others, others == 1 ? " other" : " others");
  }
  return text;
}

std::string BackOrderClause(const Circumstances& with, const Promise& promise) {
  if (promise.available_from_us == 0) return "";
  const bool has_supply = NextSupplyOf(with.state, with.book, with.question.item,
                                       with.question.channel, with.question.location, with.now_us,
                                       /*promised=*/0)
                              .has_value();
  return absl::StrCat(", up to ", promise.max_quantity, " for delivery from ",
                      DayText(with.state, with.question.location, promise.available_from_us),
                      has_supply ? ", when supply comes" : "");
}

std::string RiskSentence(const Circumstances& with, const Promise& promise,
                         const std::string& place) {
  const BufferRule& risk = with.risk.value;
  std::string text = absl::StrCat(
      Capitalized(TextOf(promise.status)), Since(with, promise), ": ", promise.salable, " left ",
      place, ", but more than 1 order in ", static_cast<int64_t>(risk.amount),
      " would find nothing at up to ", static_cast<int>(risk.tries), " locations");
  const LocationPart* doubted = nullptr;
  for (const LocationPart& part : with.locations) {
    if (part.salable > 0 && (doubted == nullptr || part.empty > doubted->empty)) doubted = &part;
  }
  constexpr double kWorthTelling = 0.2;
  if (doubted != nullptr && doubted->empty >= kWorthTelling) {
    absl::StrAppend(&text, " (", DoubtText(with, *doubted), ")");
  }
  return absl::StrCat(text, ByRule(with, with.risk.rule), ".");
}

// Of a location asked for: what it keeps back of what is there.
std::string WithheldClause(const Circumstances& with) {
  if (with.question.location == 0) return "";
  for (const LocationPart& part : with.locations) {
    if (part.location != with.question.location || !part.counts || part.withheld <= 0) continue;
    return absl::StrCat(" (", part.available, " there, ",
                        part.grown
                            ? absl::StrCat(part.withheld, " kept back: up to ", part.withheld,
                                           " may have sold since it last reported")
                            : KeptBack(part.buffer.value, part.withheld),
                        ")");
  }
  return "";
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

std::string SentenceOf(const Circumstances& with, const Promise& promise) {
  if (with.item.stopped()) return "Hidden: the item is stopped everywhere.";
  if (!with.item.published()) return "Hidden: the item is not published.";
  if (with.stop != Stop::kNone) return StopSentence(with, promise);
  const std::string status = Capitalized(TextOf(promise.status));
  const std::string place =
      with.question.location == 0
          ? "in the chain"
          : absl::StrCat("at ", PlaceText(with.state, with.question.location));
  if (with.left_out) {
    return absl::StrCat(
        status, ": left out of the channel ", place,
        promise.rule == nullptr ? "" : absl::StrCat(" by ", RuleText(with.state, *promise.rule)),
        ".");
  }
  if (promise.missing) {
    return absl::StrCat(status, ": no location of the channel has ever reported it",
                        ByRule(with, promise.rule), ".");
  }
  if (promise.below_floor) return FloorSentence(with, promise);
  if (promise.too_risky) return RiskSentence(with, promise, place);
  if (promise.salable == 0) {
    return absl::StrCat(status, Since(with, promise), ": nothing to sell ", place,
                        BackOrderClause(with, promise), ByRule(with, promise.rule),
                        LossClause(with), ".");
  }
  return absl::StrCat(status, ": ", promise.salable, " can be sold ", place, WithheldClause(with),
                      promise.max_quantity < promise.salable
                          ? absl::StrCat(", at most ", promise.max_quantity, " at once")
                          : "",
                      ByRule(with, promise.rule), ".");
}

}  // namespace onhand::ledger
