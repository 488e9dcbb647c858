#include "server/ledger/decide_rules.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecondsPerDay = int64_t{24} * 3600;
constexpr int64_t kSecondsPerYear = 365 * kSecondsPerDay;
constexpr int64_t kLeadDaysMax = 3'650;
constexpr absl::string_view kWhateverIsThere = "*";

absl::Status RefuseRule(absl::string_view field, std::string value, std::string problem,
                        std::string remedy) {
  return Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_RULE",
                                                     .field = field,
                                                     .value = std::move(value),
                                                     .problem = std::move(problem),
                                                     .remedy = std::move(remedy)});
}

absl::Status CheckRange(absl::string_view field, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return RefuseRule(field, absl::StrCat(value), "is out of range",
                    absl::StrCat("send ", least, " to ", most));
}

// At most one of two scopes on a line.
absl::Status CheckEither(absl::string_view field, const std::string& value, bool both,
                         absl::string_view other) {
  if (!both) return absl::OkStatus();
  return RefuseRule(field, value, absl::StrCat("is given beside ", other),
                    "scope a rule by one of them; write two rules for both");
}

absl::Status SetScope(const State& state, const v1::RuleScope& scope, journal::Rule& row) {
  const bool has_kind = scope.channel_kind() != v1::CHANNEL_KIND_UNSPECIFIED;
  for (const absl::Status& status :
       {CheckEither("rule.scope.group_id", scope.group_id(),
                    !scope.location_id().empty() && !scope.group_id().empty(), "location_id"),
        CheckEither("rule.scope.category", scope.category(),
                    !scope.sku().empty() && !scope.category().empty(), "sku"),
        CheckEither("rule.scope.channel_kind", absl::StrCat(scope.channel_kind()),
                    !scope.channel_id().empty() && has_kind, "channel_id")}) {
    if (!status.ok()) return status;
  }
  if (!scope.location_id().empty()) {
    const auto found = FindLocation(state, "rule.scope.location_id", scope.location_id());
    if (!found.ok()) return found.status();
    row.set_location(*found);
  }
  if (!scope.group_id().empty()) {
    const auto found = FindGroup(state, "rule.scope.group_id", scope.group_id());
    if (!found.ok()) return found.status();
    row.set_group(*found);
  }
  if (!scope.sku().empty()) {
    const auto found = FindItem(state, "rule.scope.sku", scope.sku());
    if (!found.ok()) return found.status();
    row.set_item(*found);
  }
  if (!scope.category().empty()) {
    absl::Status status = CheckText("rule.scope.category", scope.category());
    if (!status.ok()) return status;
    for (const absl::string_view part : absl::StrSplit(scope.category(), '/')) {
      if (part.empty()) {
        return RefuseRule("rule.scope.category", scope.category(), "has an empty part",
                          "separate parts by one '/' and begin and end without it");
      }
    }
    row.set_category(scope.category());
  }
  if (!scope.channel_id().empty()) {
    const auto found = FindChannel(state, "rule.scope.channel_id", scope.channel_id());
    if (!found.ok()) return found.status();
    row.set_channel(*found);
  }
  if (has_kind) {
    if (!v1::ChannelKind_IsValid(scope.channel_kind())) {
      return RefuseRule("rule.scope.channel_kind", absl::StrCat(scope.channel_kind()),
                        "is no kind of channel", "send SHIP, PICKUP or IN_STORE");
    }
    row.set_channel_kind(static_cast<uint32_t>(scope.channel_kind()));
  }
  return absl::OkStatus();
}

absl::Status SetPeriod(const v1::Rule& rule, int64_t now_us, journal::Rule& row) {
  if (rule.has_effective_from()) row.set_effective_from_us(MicrosOf(rule.effective_from()));
  if (!rule.has_effective_until()) return absl::OkStatus();
  row.set_effective_until_us(MicrosOf(rule.effective_until()));
  const int64_t from_us = rule.has_effective_from() ? row.effective_from_us() : now_us;
  if (row.effective_until_us() > from_us) return absl::OkStatus();
  return RefuseRule("rule.effective_until", absl::StrCat(rule.effective_until().seconds()),
                    rule.has_effective_from() ? "is not after effective_from" : "is over already",
                    "send a later end, or none");
}

absl::Status SetChainFields(const v1::Rule& rule, journal::Rule& row) {
  if (row.has_location() && (rule.has_chain_floor() || rule.has_chain_buffer_units())) {
    return RefuseRule(rule.has_chain_floor() ? "rule.chain_floor" : "rule.chain_buffer_units",
                      rule.scope().location_id(), "is asked for at a single location",
                      rule.has_chain_floor()
                          ? "use location_floor, or scope the rule to the chain or a group"
                          : "use buffer_units, or scope the rule to the chain or a group");
  }
  if (rule.has_chain_floor()) {
    const v1::Floor& floor = rule.chain_floor();
    for (const absl::Status& status :
         {CheckRange("rule.chain_floor.units", floor.units(), 0, kUnitsMax),
          CheckRange("rule.chain_floor.reshow_units", floor.reshow_units(), 0, kUnitsMax),
          CheckRange("rule.chain_floor.dwell_s", floor.dwell_s(), 0, kSecondsPerYear)}) {
      if (!status.ok()) return status;
    }
    if (floor.reshow_units() != 0 && floor.reshow_units() < floor.units()) {
      return RefuseRule("rule.chain_floor.reshow_units", absl::StrCat(floor.reshow_units()),
                        absl::StrCat("is below the floor of ", floor.units()),
                        "send at least the floor, or 0 for the floor itself");
    }
    row.set_chain_floor(floor.units());
    row.set_chain_floor_reshow(floor.reshow_units());
    row.set_chain_floor_dwell_s(floor.dwell_s());
  }
  if (rule.has_chain_buffer_units()) {
    absl::Status status =
        CheckRange("rule.chain_buffer_units", rule.chain_buffer_units(), 0, kUnitsMax);
    if (!status.ok()) return status;
    row.set_chain_buffer_units(rule.chain_buffer_units());
  }
  return absl::OkStatus();
}

// The plain numbers: each has a range and nothing else.
absl::Status SetNumbers(const v1::Rule& rule, journal::Rule& row) {
  struct Number {
    absl::string_view field;
    bool given;
    int32_t value;
    int64_t least;
    int64_t most;
    void (journal::Rule::*set)(int32_t);
  };
  const Number numbers[] = {
      {"rule.location_floor", rule.has_location_floor(), rule.location_floor(), 0, kUnitsMax,
       &journal::Rule::set_location_floor},
      {"rule.buffer_units", rule.has_buffer_units(), rule.buffer_units(), 0, kUnitsMax,
       &journal::Rule::set_buffer_units},
      {"rule.max_quantity", rule.has_max_quantity(), rule.max_quantity(), 1, kUnitsMax,
       &journal::Rule::set_max_quantity},
      {"rule.low_stock_at", rule.has_low_stock_at(), rule.low_stock_at(), 0, kUnitsMax,
       &journal::Rule::set_low_stock_at},
      {"rule.backorder_limit", rule.has_backorder_limit(), rule.backorder_limit(), 0, kUnitsMax,
       &journal::Rule::set_backorder_limit},
      {"rule.backorder_lead_days", rule.has_backorder_lead_days(), rule.backorder_lead_days(), 0,
       kLeadDaysMax, &journal::Rule::set_backorder_lead_days},
      {"rule.freshness_target_s", rule.has_freshness_target_s(), rule.freshness_target_s(), 1,
       kSecondsPerYear, &journal::Rule::set_freshness_target_s},
      {"rule.cache_s", rule.has_cache_s(), rule.cache_s(), 0, kSecondsPerDay,
       &journal::Rule::set_cache_s},
  };
  for (const Number& number : numbers) {
    if (!number.given) continue;
    absl::Status status = CheckRange(number.field, number.value, number.least, number.most);
    if (!status.ok()) return status;
    (row.*number.set)(number.value);
  }
  if (rule.has_included()) row.set_included(rule.included());
  return absl::OkStatus();
}

absl::Status SetZeroPolicy(const State& state, const v1::Rule& rule, journal::Rule& row) {
  if (!v1::ZeroPolicy_IsValid(rule.zero_policy())) {
    return RefuseRule("rule.zero_policy", absl::StrCat(rule.zero_policy()), "is no zero policy",
                      "send HIDE, SOLD_OUT, BACKORDER or KEEP_SELLING");
  }
  row.set_zero_policy(static_cast<uint32_t>(rule.zero_policy()));
  const std::string name = v1::ZeroPolicy_Name(rule.zero_policy());
  const bool backorders = rule.zero_policy() == v1::ZERO_POLICY_BACKORDER;
  if (backorders && !rule.has_backorder_limit()) {
    return RefuseRule("rule.backorder_limit", "", "is missing beside zero_policy BACKORDER",
                      "say how many units may be promised beyond stock");
  }
  const bool has_backorder_fields = rule.has_backorder_limit() || rule.has_backorder_lead_days();
  if (rule.zero_policy() != v1::ZERO_POLICY_UNSPECIFIED && !backorders && has_backorder_fields) {
    return RefuseRule("rule.zero_policy", name, "contradicts the back-order fields beside it",
                      "choose BACKORDER, or leave backorder_limit and backorder_lead_days out");
  }
  const bool promises_later = backorders || rule.zero_policy() == v1::ZERO_POLICY_KEEP_SELLING;
  if (promises_later && row.has_item() &&
      state.items.Find(row.item())->supply() == static_cast<uint32_t>(v1::SUPPLY_ENDED)) {
    return RefuseRule(
        "rule.zero_policy", name,
        absl::StrCat("promises more of '", rule.scope().sku(), "', whose supply has ended"),
        "choose HIDE or SOLD_OUT, or change the item's supply");
  }
  return absl::OkStatus();
}

bool SetsNothing(const journal::Rule& row) {
  return row.zero_policy() == 0 && !row.has_location_floor() && !row.has_chain_floor() &&
         !row.has_buffer_units() && !row.has_chain_buffer_units() && !row.has_included() &&
         !row.has_max_quantity() && !row.has_low_stock_at() && !row.has_backorder_limit() &&
         !row.has_backorder_lead_days() && !row.has_freshness_target_s() && !row.has_cache_s();
}

absl::Status MismatchedEtag(const std::string& etag, std::string problem, std::string remedy) {
  return Refuse(absl::StatusCode::kAborted, {.reason = "ETAG_MISMATCH",
                                             .field = "etag",
                                             .value = etag,
                                             .problem = std::move(problem),
                                             .remedy = std::move(remedy)});
}

// `known` is null for a rule that is not there; an empty etag then means: make it.
absl::Status CheckEtag(const journal::Rule* known, const std::string& etag) {
  if (etag == kWhateverIsThere) return absl::OkStatus();
  if (known == nullptr) {
    if (etag.empty()) return absl::OkStatus();
    return MismatchedEtag(etag, "names a version of a rule that is not there any more",
                          "send no etag to make the rule");
  }
  if (etag == EtagOf(*known)) return absl::OkStatus();
  if (etag.empty()) {
    return MismatchedEtag(etag,
                          absl::StrCat("is empty, but rule '", known->rule_id(), "' is there"),
                          "read the rule and send its etag to replace it");
  }
  return MismatchedEtag(etag,
                        absl::StrCat("is not the rule's etag any more (", EtagOf(*known),
                                     ", changed by '", known->author(), "')"),
                        "read the rule again and repeat the change");
}

absl::Status CheckWho(const std::string& author, const std::string& reason) {
  if (absl::Status status = CheckText("author", author); !status.ok()) return status;
  return CheckText("reason", reason);
}

}  // namespace

absl::StatusOr<v1::SetRuleResponse> DecideSetRule(Group& group, const v1::SetRuleRequest& request) {
  const State& state = group.state();
  const v1::Rule& rule = request.rule();
  journal::Rule row;
  row.set_rule_id(rule.rule_id());
  absl::Status status = CheckId("rule.rule_id", rule.rule_id());
  if (status.ok()) status = CheckWho(request.author(), request.reason());
  if (status.ok()) status = SetScope(state, rule.scope(), row);
  if (status.ok()) status = SetPeriod(rule, group.now_us(), row);
  if (status.ok()) status = SetChainFields(rule, row);
  if (status.ok()) status = SetNumbers(rule, row);
  if (status.ok()) status = SetZeroPolicy(state, rule, row);
  if (!status.ok()) return status;
  if (SetsNothing(row)) {
    return RefuseRule("rule", rule.rule_id(), "sets no field",
                      "give it at least one, such as chain_floor or zero_policy");
  }
  const journal::Rule* known = state.rules.Find(rule.rule_id());
  if (status = CheckEtag(known, request.etag()); !status.ok()) return status;
  row.set_version(known == nullptr ? 1 : known->version() + 1);
  row.set_author(request.author());
  row.set_reason(request.reason());

  v1::SetRuleResponse response;
  if (request.dry_run()) {
    *response.mutable_rule() = RuleOf(state, row);
    response.mutable_rule()->clear_etag();
    return response;
  }
  journal::Fact fact;
  *fact.mutable_rule_set()->mutable_rule() = std::move(row);
  group.Add(std::move(fact));
  *response.mutable_rule() = RuleOf(state, *state.rules.Find(rule.rule_id()));
  response.set_revision(group.revision());
  return response;
}

absl::StatusOr<v1::DeleteRuleResponse> DecideDeleteRule(Group& group,
                                                        const v1::DeleteRuleRequest& request) {
  const State& state = group.state();
  if (absl::Status status = CheckWho(request.author(), request.reason()); !status.ok()) {
    return status;
  }
  const journal::Rule* known = state.rules.Find(request.rule_id());
  if (known == nullptr) {
    return Refuse(absl::StatusCode::kNotFound, {.reason = "UNKNOWN_RULE",
                                                .field = "rule_id",
                                                .value = request.rule_id(),
                                                .problem = "is no rule that the hub knows",
                                                .remedy = "list the rules (onhand rule list)"});
  }
  if (absl::Status status = CheckEtag(known, request.etag()); !status.ok()) return status;
  journal::Fact fact;
  journal::RuleEnded& ended = *fact.mutable_rule_ended();
  ended.set_rule_id(request.rule_id());
  ended.set_author(request.author());
  ended.set_reason(request.reason());
  group.Add(std::move(fact));
  v1::DeleteRuleResponse response;
  response.set_revision(group.revision());
  return response;
}

}  // namespace onhand::ledger
