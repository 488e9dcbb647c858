#include "server/ledger/explain_fields.h"

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/wording.h"

namespace onhand::ledger {
namespace {

using journal::Rule;

std::string UnitsText(int32_t units) {
  return absl::StrCat(units, units == 1 ? " unit" : " units");
}

std::string ZeroPolicyText(const Rule& rule) {
  switch (rule.zero_policy()) {
    case v1::ZERO_POLICY_SOLD_OUT:
      return "sold out";
    case v1::ZERO_POLICY_BACKORDER:
      return "back-order";
    case v1::ZERO_POLICY_KEEP_SELLING:
      return "keep selling";
    default:
      return "hide";
  }
}

std::string FloorText(const Rule& rule) {
  std::string text = UnitsText(rule.chain_floor());
  if (rule.chain_floor_reshow() > rule.chain_floor()) {
    absl::StrAppend(&text, ", shown again at ", rule.chain_floor_reshow());
  }
  if (rule.chain_floor_dwell_s() > 0) {
    absl::StrAppend(&text, ", not before ", DurationText(rule.chain_floor_dwell_s()));
  }
  return text;
}

std::string FreshnessText(const Rule& rule) {
  const std::string age = DurationText(rule.freshness_target_s());
  switch (rule.freshness_action()) {
    case v1::FRESHNESS_ACTION_GROW_BUFFER:
      return absl::StrCat(age, ", then what may have sold since is withheld");
    case v1::FRESHNESS_ACTION_CLOSE_PICKUP:
      return absl::StrCat(age, ", then no pickup");
    default:
      return absl::StrCat(age, ", then it adds nothing");
  }
}

// A field of the rules: whether a rule sets it, and what it says.
struct Field {
  const char* name;
  bool (*is_set)(const Rule&);
  std::string (*text)(const Rule&);
  const char* always;  // the built-in default, where it counts although no rule sets it
};

// In the order of decision.
constexpr Field kFields[] = {
    {"included", [](const Rule& r) { return r.has_included(); },
     [](const Rule& r) -> std::string { return r.included() ? "yes" : "no"; }, nullptr},
    {"missing_stock", [](const Rule& r) { return r.missing_stock() != 0; },
     [](const Rule& r) -> std::string {
       return r.missing_stock() == v1::MISSING_STOCK_HIDE ? "hidden until the first report"
                                                          : "counts as nothing left";
     },
     nullptr},
    {"freshness_target_s", [](const Rule& r) { return r.has_freshness_target_s(); }, FreshnessText,
     nullptr},
    {"buffer", [](const Rule& r) { return r.has_buffer(); },
     [](const Rule& r) { return BufferText(r.buffer()); }, "nothing is withheld"},
    {"demand_factor", [](const Rule& r) { return r.has_demand_factor(); },
     [](const Rule& r) { return absl::StrFormat("x %g", r.demand_factor()); }, nullptr},
    {"pick_latency_s", [](const Rule& r) { return r.has_pick_latency_s(); },
     [](const Rule& r) { return DurationText(r.pick_latency_s()); }, nullptr},
    {"location_floor", [](const Rule& r) { return r.has_location_floor(); },
     [](const Rule& r) { return UnitsText(r.location_floor()); }, nullptr},
    {"priority", [](const Rule& r) { return r.has_priority(); },
     [](const Rule& r) { return absl::StrCat(r.priority()); }, nullptr},
    {"chain_mode", [](const Rule& r) { return r.chain_mode() != 0; },
     [](const Rule& r) -> std::string {
       return r.chain_mode() == v1::CHAIN_MODE_POOLED
                  ? "pooled: one buffer for what is available everywhere"
                  : "the sum of what each location can sell";
     },
     nullptr},
    {"chain_buffer", [](const Rule& r) { return r.has_chain_buffer(); },
     [](const Rule& r) { return BufferText(r.chain_buffer()); }, nullptr},
    {"chain_floor", [](const Rule& r) { return r.has_chain_floor(); }, FloorText, nullptr},
    {"zero_policy", [](const Rule& r) { return r.zero_policy() != 0; }, ZeroPolicyText, "hide"},
    {"backorder_limit", [](const Rule& r) { return r.has_backorder_limit(); },
     [](const Rule& r) { return UnitsText(r.backorder_limit()); }, nullptr},
    {"backorder_lead_days", [](const Rule& r) { return r.has_backorder_lead_days(); },
     [](const Rule& r) { return DurationText(int64_t{86'400} * r.backorder_lead_days()); },
     nullptr},
    {"max_quantity", [](const Rule& r) { return r.has_max_quantity(); },
     [](const Rule& r) { return UnitsText(r.max_quantity()); }, nullptr},
    {"low_stock_at", [](const Rule& r) { return r.has_low_stock_at(); },
     [](const Rule& r) { return UnitsText(r.low_stock_at()); }, nullptr},
    {"cache_s", [](const Rule& r) { return r.has_cache_s(); },
     [](const Rule& r) { return DurationText(r.cache_s()); }, "30 s"},
};

std::vector<const Rule*> HoldingRules(const State& state, const RuleBook& book,
                                      const Question& question) {
  const ItemTraits traits = book.TraitsOf(question.item);
  const int64_t now_us = question.now_us != 0 ? question.now_us : state.counters.time_us;
  std::vector<const Rule*> rules;
  if (!traits.known || !book.HasChannel(question.channel)) return rules;
  const RuleBook::Candidates candidates = book.CandidatesOf(
      question.item, book.CategoryOf(traits), SupplyAt(traits, now_us), question.channel, now_us);
  book.ForEachHolding(
      candidates,
      question.location == 0 ? std::nullopt : std::optional<uint32_t>(question.location),
      [&rules](const Rule& rule) { rules.push_back(&rule); });
  return rules;
}

void ExplainField(const State& state, const Field& field, const std::vector<const Rule*>& rules,
                  v1::Explanation* explanation) {
  const Rule* winner = nullptr;
  v1::ExplainedField* explained = nullptr;
  for (const Rule* rule : rules) {
    if (!field.is_set(*rule)) continue;
    if (winner == nullptr) {
      winner = rule;
      explained = explanation->add_fields();
      explained->set_field(field.name);
      explained->set_value(field.text(*rule));
      explained->set_rule_id(rule->rule_id());
      explained->set_version(rule->version());
      explained->set_author(rule->author());
      *explained->mutable_changed_at() = TimestampOf(rule->changed_us());
      continue;
    }
    v1::LosingRule& loser = *explained->add_losers();
    loser.set_rule_id(rule->rule_id());
    loser.set_version(rule->version());
    loser.set_value(field.text(*rule));
    loser.set_why(WhyLost(state, *winner, *rule));
  }
  if (winner != nullptr || field.always == nullptr) return;
  explained = explanation->add_fields();
  explained->set_field(field.name);
  explained->set_value(field.always);
}

uint32_t RankOf(const State& state, const Rule& rule) {
  const journal::Group* group = state.groups.Find(rule.group());
  return group == nullptr ? 0 : group->rank();
}

}  // namespace

std::string WhyLost(const State& state, const Rule& winner, const Rule& loser) {
  if (winner.has_item() != loser.has_item()) {
    return loser.category().empty() ? "an item's rule beats one for all items"
                                    : "an item's rule beats a category's";
  }
  if (winner.category() != loser.category()) {
    return loser.category().empty() ? "a category's rule beats one for all items"
                                    : "the nearer category beats the wider one";
  }
  if (winner.has_location() != loser.has_location()) {
    return loser.has_group() ? "a location's rule beats a group's"
                             : "a location's rule beats the chain's";
  }
  if (winner.has_group() != loser.has_group()) return "a group's rule beats the chain's";
  if (winner.has_group() && RankOf(state, winner) != RankOf(state, loser)) {
    return absl::StrCat("a group of rank ", RankOf(state, winner), " beats one of rank ",
                        RankOf(state, loser));
  }
  if (winner.has_channel() != loser.has_channel()) {
    return loser.channel_kind() != 0 ? "a channel's rule beats a kind's"
                                     : "a channel's rule beats one for all channels";
  }
  if (winner.channel_kind() != loser.channel_kind()) {
    return "a kind's rule beats one for all channels";
  }
  if (winner.effective_from_us() != loser.effective_from_us()) {
    return "the rule that took effect later beats the earlier one";
  }
  return "of two rules that are equal otherwise, the lower id wins";
}

void ExplainFields(const State& state, const RuleBook& book, const Question& question,
                   v1::Explanation* explanation) {
  if (!book.TraitsOf(question.item).known) return;
  const std::vector<const Rule*> rules = HoldingRules(state, book, question);
  for (const Field& field : kFields) ExplainField(state, field, rules, explanation);
}

}  // namespace onhand::ledger
