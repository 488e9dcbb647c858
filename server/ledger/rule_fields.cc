#include "server/ledger/rule_fields.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {

absl::Status RefuseRule(absl::string_view field, std::string value, std::string problem,
                        std::string remedy) {
  return Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_RULE",
                                                     .field = field,
                                                     .value = std::move(value),
                                                     .problem = std::move(problem),
                                                     .remedy = std::move(remedy)});
}

namespace {

constexpr int64_t kSecondsPerDay = int64_t{24} * 3600;
constexpr int64_t kSecondsPerYear = 365 * kSecondsPerDay;
constexpr int64_t kLeadDaysMax = 3'650;
constexpr int32_t kRiskMax = 1'000'000;
constexpr int32_t kTriesMax = 8;
constexpr int32_t kPriorityMax = 1'000;
constexpr double kDemandFactorMin = 0.05;
constexpr double kDemandFactorMax = 100;

absl::Status CheckRange(absl::string_view field, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return RefuseRule(field, absl::StrCat(value), "is out of range",
                    absl::StrCat("send ", least, " to ", most));
}

absl::Status CheckReal(absl::string_view field, double value, double least, double most) {
  // Written so that a value that is no number is refused too.
  if (value >= least && value <= most) return absl::OkStatus();
  return RefuseRule(field, absl::StrCat(value), "is out of range",
                    absl::StrCat("send ", least, " to ", most));
}

absl::Status SetBounds(const std::string& field, const v1::Buffer& buffer, journal::Buffer& row) {
  for (const absl::Status& status :
       {CheckRange(absl::StrCat(field, ".min_units"), buffer.min_units(), 0, kUnitsMax),
        CheckRange(absl::StrCat(field, ".max_units"), buffer.max_units(), 0, kUnitsMax),
        CheckRange(absl::StrCat(field, ".tries"), buffer.tries(), 0, kTriesMax)}) {
    if (!status.ok()) return status;
  }
  if (buffer.has_max_units() && buffer.max_units() < buffer.min_units()) {
    return RefuseRule(absl::StrCat(field, ".max_units"), absl::StrCat(buffer.max_units()),
                      absl::StrCat("is below min_units of ", buffer.min_units()),
                      "send at least min_units, or leave one of them out");
  }
  if (buffer.tries() != 0 && !buffer.has_risk_one_in()) {
    return RefuseRule(absl::StrCat(field, ".tries"), absl::StrCat(buffer.tries()),
                      "is given beside a mode that tries no locations",
                      "leave it out, or use risk_one_in");
  }
  if (buffer.has_min_units()) row.set_min_units(buffer.min_units());
  if (buffer.has_max_units()) row.set_max_units(buffer.max_units());
  row.set_tries(static_cast<uint32_t>(buffer.tries()));
  return absl::OkStatus();
}

absl::Status SetBuffer(const std::string& field, const v1::Buffer& buffer, journal::Buffer& row) {
  absl::Status status;
  switch (buffer.mode_case()) {
    case v1::Buffer::kUnits:
      status = CheckRange(absl::StrCat(field, ".units"), buffer.units(), 0, kUnitsMax);
      row.set_units(buffer.units());
      break;
    case v1::Buffer::kPercent:
      status = CheckReal(absl::StrCat(field, ".percent"), buffer.percent(), 0, 100);
      row.set_percent(buffer.percent());
      break;
    case v1::Buffer::kDaysOfCover:
      status = CheckReal(absl::StrCat(field, ".days_of_cover"), buffer.days_of_cover(), 0, 365);
      row.set_days_of_cover(buffer.days_of_cover());
      break;
    case v1::Buffer::kRiskOneIn:
      status = CheckRange(absl::StrCat(field, ".risk_one_in"), buffer.risk_one_in(), 2, kRiskMax);
      row.set_risk_one_in(buffer.risk_one_in());
      break;
    case v1::Buffer::MODE_NOT_SET:
      return RefuseRule(field, "", "has no mode with its number",
                        "give it units, percent, days_of_cover or risk_one_in");
  }
  return status.ok() ? SetBounds(field, buffer, row) : status;
}

// Makes one row of one rule, field by field.
class RowMaker {
 public:
  RowMaker(const State& state, int64_t now_us, absl::string_view path, const v1::Rule& rule)
      : state_(state), now_us_(now_us), path_(path), rule_(rule) {}

  absl::StatusOr<journal::Rule> Make() {
    if (absl::Status status = CheckId(Path("rule_id"), rule_.rule_id()); !status.ok()) {
      return status;
    }
    row_.set_rule_id(rule_.rule_id());
    using Step = absl::Status (RowMaker::*)();
    for (const Step step :
         {&RowMaker::SetPlace, &RowMaker::SetItems, &RowMaker::SetChannels, &RowMaker::SetPeriod,
          &RowMaker::CheckChainFields, &RowMaker::SetChainFloor, &RowMaker::SetBuffers,
          &RowMaker::SetNumbers, &RowMaker::SetChoices, &RowMaker::SetZeroPolicy,
          &RowMaker::SetDemandFactor, &RowMaker::CheckSetsSomething}) {
      if (absl::Status status = (this->*step)(); !status.ok()) return status;
    }
    return std::move(row_);
  }

 private:
  std::string Path(absl::string_view field) const { return absl::StrCat(path_, ".", field); }

  // At most one of two scopes on a line.
  absl::Status CheckEither(absl::string_view field, const std::string& value, bool both,
                           absl::string_view other) const {
    if (!both) return absl::OkStatus();
    return RefuseRule(Path(field), value, absl::StrCat("is given beside ", other),
                      "scope a rule by one of them; write two rules for both");
  }

  // An enum's number is one that this program knows.
  absl::Status CheckKnown(absl::string_view field, bool known, int value, absl::string_view what,
                          absl::string_view choices) const {
    if (known) return absl::OkStatus();
    return RefuseRule(Path(field), absl::StrCat(value), absl::StrCat("is no ", what),
                      absl::StrCat("send ", choices));
  }

  absl::Status SetPlace();
  absl::Status SetItems();
  absl::Status SetChannels();
  absl::Status SetPeriod();
  absl::Status CheckChainFields();
  absl::Status SetChainFloor();
  absl::Status SetBuffers();
  absl::Status SetNumbers();
  absl::Status SetChoices();
  absl::Status SetZeroPolicy();
  absl::Status SetDemandFactor();
  absl::Status CheckSetsSomething();

  // Whether supply of what the rule is scoped to has ended.
  bool IsForEndedSupply() const;

  const State& state_;
  const int64_t now_us_;
  const absl::string_view path_;
  const v1::Rule& rule_;
  journal::Rule row_;
};

absl::Status RowMaker::SetPlace() {
  const v1::RuleScope& scope = rule_.scope();
  absl::Status status =
      CheckEither("scope.group_id", scope.group_id(),
                  !scope.location_id().empty() && !scope.group_id().empty(), "location_id");
  if (!status.ok()) return status;
  if (!scope.location_id().empty()) {
    const auto found = FindLocation(state_, Path("scope.location_id"), scope.location_id());
    if (!found.ok()) return found.status();
    row_.set_location(*found);
  }
  if (!scope.group_id().empty()) {
    const auto found = FindGroup(state_, Path("scope.group_id"), scope.group_id());
    if (!found.ok()) return found.status();
    row_.set_group(*found);
  }
  return absl::OkStatus();
}

absl::Status RowMaker::SetItems() {
  const v1::RuleScope& scope = rule_.scope();
  absl::Status status = CheckEither("scope.category", scope.category(),
                                    !scope.sku().empty() && !scope.category().empty(), "sku");
  if (!status.ok()) return status;
  if (!scope.sku().empty()) {
    const auto found = FindItem(state_, Path("scope.sku"), scope.sku());
    if (!found.ok()) return found.status();
    row_.set_item(*found);
  }
  if (!scope.category().empty()) {
    status = CheckText(Path("scope.category"), scope.category());
    if (!status.ok()) return status;
    for (const absl::string_view part : absl::StrSplit(scope.category(), '/')) {
      if (!part.empty()) continue;
      return RefuseRule(Path("scope.category"), scope.category(), "has an empty part",
                        "separate parts by one '/' and begin and end without it");
    }
    row_.set_category(scope.category());
  }
  status = CheckKnown("scope.supply", v1::Supply_IsValid(scope.supply()), scope.supply(),
                      "kind of supply", "REORDERABLE, SEASONAL or ENDED");
  row_.set_supply(static_cast<uint32_t>(scope.supply()));
  return status;
}

absl::Status RowMaker::SetChannels() {
  const v1::RuleScope& scope = rule_.scope();
  const bool has_kind = scope.channel_kind() != v1::CHANNEL_KIND_UNSPECIFIED;
  absl::Status status =
      CheckEither("scope.channel_kind", v1::ChannelKind_Name(scope.channel_kind()),
                  !scope.channel_id().empty() && has_kind, "channel_id");
  if (!status.ok()) return status;
  if (!scope.channel_id().empty()) {
    const auto found = FindChannel(state_, Path("scope.channel_id"), scope.channel_id());
    if (!found.ok()) return found.status();
    row_.set_channel(*found);
  }
  row_.set_channel_kind(static_cast<uint32_t>(scope.channel_kind()));
  return CheckKnown("scope.channel_kind", v1::ChannelKind_IsValid(scope.channel_kind()),
                    scope.channel_kind(), "kind of channel", "SHIP, PICKUP or IN_STORE");
}

absl::Status RowMaker::SetPeriod() {
  for (const auto& [field, local] :
       {std::pair("effective_from_local", rule_.effective_from_local()),
        std::pair("effective_until_local", rule_.effective_until_local())}) {
    if (local.empty()) continue;
    return RefuseRule(Path(field), local, "was not read into a moment",
                      "send effective_from and effective_until as moments");
  }
  if (rule_.has_effective_from()) row_.set_effective_from_us(MicrosOf(rule_.effective_from()));
  if (!rule_.has_effective_until()) return absl::OkStatus();
  row_.set_effective_until_us(MicrosOf(rule_.effective_until()));
  const int64_t from_us = rule_.has_effective_from() ? row_.effective_from_us() : now_us_;
  if (row_.effective_until_us() > from_us) return absl::OkStatus();
  return RefuseRule(
      Path("effective_until"),
      absl::FormatTime(absl::RFC3339_full, absl::FromUnixMicros(row_.effective_until_us()),
                       absl::UTCTimeZone()),
      rule_.has_effective_from() ? "is not after effective_from" : "is over already",
      "send a later end, or none");
}

// What is asked of the chain's number makes no sense at one location.
absl::Status RowMaker::CheckChainFields() {
  if (!row_.has_location()) return absl::OkStatus();
  struct ChainField {
    absl::string_view field;
    bool given;
    absl::string_view remedy;
  };
  for (const ChainField& chain : {
           ChainField{"chain_floor", rule_.has_chain_floor(), "use location_floor"},
           ChainField{"chain_buffer", rule_.has_chain_buffer(), "use buffer"},
           ChainField{"chain_mode", rule_.chain_mode() != v1::CHAIN_MODE_UNSPECIFIED,
                      "leave it out"},
       }) {
    if (!chain.given) continue;
    return RefuseRule(Path(chain.field), rule_.scope().location_id(),
                      "is asked for at a single location",
                      absl::StrCat(chain.remedy, ", or scope the rule to the chain or a group"));
  }
  return absl::OkStatus();
}

absl::Status RowMaker::SetChainFloor() {
  if (!rule_.has_chain_floor()) return absl::OkStatus();
  const v1::Floor& floor = rule_.chain_floor();
  for (const absl::Status& status :
       {CheckRange(Path("chain_floor.units"), floor.units(), 0, kUnitsMax),
        CheckRange(Path("chain_floor.reshow_units"), floor.reshow_units(), 0, kUnitsMax),
        CheckRange(Path("chain_floor.dwell_s"), floor.dwell_s(), 0, kSecondsPerYear)}) {
    if (!status.ok()) return status;
  }
  if (floor.reshow_units() != 0 && floor.reshow_units() < floor.units()) {
    return RefuseRule(Path("chain_floor.reshow_units"), absl::StrCat(floor.reshow_units()),
                      absl::StrCat("is below the floor of ", floor.units()),
                      "send at least the floor, or 0 for the floor itself");
  }
  row_.set_chain_floor(floor.units());
  row_.set_chain_floor_reshow(floor.reshow_units());
  row_.set_chain_floor_dwell_s(floor.dwell_s());
  return absl::OkStatus();
}

absl::Status RowMaker::SetBuffers() {
  absl::Status status;
  if (rule_.has_buffer()) {
    status = SetBuffer(Path("buffer"), rule_.buffer(), *row_.mutable_buffer());
  }
  if (status.ok() && rule_.has_chain_buffer()) {
    status = SetBuffer(Path("chain_buffer"), rule_.chain_buffer(), *row_.mutable_chain_buffer());
  }
  return status;
}

// The plain numbers: each has a range and nothing else.
absl::Status RowMaker::SetNumbers() {
  struct Number {
    absl::string_view field;
    bool given;
    int32_t value;
    int64_t least;
    int64_t most;
    void (journal::Rule::*set)(int32_t);
  };
  const Number numbers[] = {
      {"location_floor", rule_.has_location_floor(), rule_.location_floor(), 0, kUnitsMax,
       &journal::Rule::set_location_floor},
      {"max_quantity", rule_.has_max_quantity(), rule_.max_quantity(), 1, kUnitsMax,
       &journal::Rule::set_max_quantity},
      {"low_stock_at", rule_.has_low_stock_at(), rule_.low_stock_at(), 0, kUnitsMax,
       &journal::Rule::set_low_stock_at},
      {"backorder_limit", rule_.has_backorder_limit(), rule_.backorder_limit(), 0, kUnitsMax,
       &journal::Rule::set_backorder_limit},
      {"backorder_lead_days", rule_.has_backorder_lead_days(), rule_.backorder_lead_days(), 0,
       kLeadDaysMax, &journal::Rule::set_backorder_lead_days},
      {"freshness_target_s", rule_.has_freshness_target_s(), rule_.freshness_target_s(), 1,
       kSecondsPerYear, &journal::Rule::set_freshness_target_s},
      {"cache_s", rule_.has_cache_s(), rule_.cache_s(), 0, kSecondsPerDay,
       &journal::Rule::set_cache_s},
      {"priority", rule_.has_priority(), rule_.priority(), 0, kPriorityMax,
       &journal::Rule::set_priority},
      {"pick_latency_s", rule_.has_pick_latency_s(), rule_.pick_latency_s(), 0, 7 * kSecondsPerDay,
       &journal::Rule::set_pick_latency_s},
  };
  for (const Number& number : numbers) {
    if (!number.given) continue;
    absl::Status status = CheckRange(Path(number.field), number.value, number.least, number.most);
    if (!status.ok()) return status;
    (row_.*number.set)(number.value);
  }
  return absl::OkStatus();
}

absl::Status RowMaker::SetChoices() {
  for (const absl::Status& status :
       {CheckKnown("chain_mode", v1::ChainMode_IsValid(rule_.chain_mode()), rule_.chain_mode(),
                   "chain mode", "AGGREGATE or POOLED"),
        CheckKnown("freshness_action", v1::FreshnessAction_IsValid(rule_.freshness_action()),
                   rule_.freshness_action(), "freshness action",
                   "GROW_BUFFER, CLOSE_PICKUP or EXCLUDE"),
        CheckKnown("missing_stock", v1::MissingStock_IsValid(rule_.missing_stock()),
                   rule_.missing_stock(), "policy for missing stock", "AS_ZERO or HIDE")}) {
    if (!status.ok()) return status;
  }
  if (rule_.freshness_action() != v1::FRESHNESS_ACTION_UNSPECIFIED &&
      !rule_.has_freshness_target_s()) {
    return RefuseRule(Path("freshness_action"), v1::FreshnessAction_Name(rule_.freshness_action()),
                      "has no freshness_target_s beside it",
                      "say in the same rule from which age on it happens");
  }
  if (rule_.has_included()) row_.set_included(rule_.included());
  row_.set_chain_mode(static_cast<uint32_t>(rule_.chain_mode()));
  row_.set_freshness_action(static_cast<uint32_t>(rule_.freshness_action()));
  row_.set_missing_stock(static_cast<uint32_t>(rule_.missing_stock()));
  return absl::OkStatus();
}

bool RowMaker::IsForEndedSupply() const {
  constexpr auto kEnded = static_cast<uint32_t>(v1::SUPPLY_ENDED);
  return row_.supply() == kEnded ||
         (row_.has_item() && state_.items.Find(row_.item())->supply() == kEnded);
}

absl::Status RowMaker::SetZeroPolicy() {
  absl::Status status =
      CheckKnown("zero_policy", v1::ZeroPolicy_IsValid(rule_.zero_policy()), rule_.zero_policy(),
                 "zero policy", "HIDE, SOLD_OUT, BACKORDER or KEEP_SELLING");
  if (!status.ok()) return status;
  row_.set_zero_policy(static_cast<uint32_t>(rule_.zero_policy()));
  const std::string name = v1::ZeroPolicy_Name(rule_.zero_policy());
  const bool backorders = rule_.zero_policy() == v1::ZERO_POLICY_BACKORDER;
  if (backorders && !rule_.has_backorder_limit()) {
    return RefuseRule(Path("backorder_limit"), "", "is missing beside zero_policy BACKORDER",
                      "say how many units may be promised beyond stock");
  }
  const bool has_backorder_fields = rule_.has_backorder_limit() || rule_.has_backorder_lead_days();
  if (rule_.zero_policy() != v1::ZERO_POLICY_UNSPECIFIED && !backorders && has_backorder_fields) {
    return RefuseRule(Path("zero_policy"), name, "contradicts the back-order fields beside it",
                      "choose BACKORDER, or leave backorder_limit and backorder_lead_days out");
  }
  const bool promises_later = backorders || rule_.zero_policy() == v1::ZERO_POLICY_KEEP_SELLING;
  if (promises_later && IsForEndedSupply()) {
    return RefuseRule(Path("zero_policy"), name,
                      row_.supply() != 0 ? "promises more of items whose supply has ended"
                                         : absl::StrCat("promises more of '", rule_.scope().sku(),
                                                        "', whose supply has ended"),
                      row_.supply() != 0 ? "choose HIDE or SOLD_OUT, or scope the rule otherwise"
                                         : "choose HIDE or SOLD_OUT, or change the item's supply");
  }
  return absl::OkStatus();
}

absl::Status RowMaker::SetDemandFactor() {
  if (!rule_.has_demand_factor()) return absl::OkStatus();
  const std::string field = Path("demand_factor");
  absl::Status status = CheckReal(field, rule_.demand_factor(), kDemandFactorMin, kDemandFactorMax);
  if (!status.ok()) return status;
  if (row_.has_channel() || row_.channel_kind() != 0) {
    return RefuseRule(field, absl::StrCat(rule_.demand_factor()),
                      "is asked for on a channel, but demand is that of all channels",
                      "write it in a rule for all channels");
  }
  if (!rule_.has_effective_until()) {
    return RefuseRule(field, absl::StrCat(rule_.demand_factor()), "has no end",
                      "give the rule an effective_until: an announced rise is for a time");
  }
  row_.set_demand_factor(rule_.demand_factor());
  return absl::OkStatus();
}

absl::Status RowMaker::CheckSetsSomething() {
  const bool sets_something =
      row_.zero_policy() != 0 || row_.has_location_floor() || row_.has_chain_floor() ||
      row_.has_buffer() || row_.has_chain_buffer() || row_.has_included() ||
      row_.has_max_quantity() || row_.has_low_stock_at() || row_.has_backorder_limit() ||
      row_.has_backorder_lead_days() || row_.has_freshness_target_s() || row_.has_cache_s() ||
      row_.chain_mode() != 0 || row_.missing_stock() != 0 || row_.has_demand_factor() ||
      row_.has_priority() || row_.has_pick_latency_s();
  if (sets_something) return absl::OkStatus();
  return RefuseRule(path_, rule_.rule_id(), "sets no field",
                    "give it at least one, such as chain_floor or zero_policy");
}

}  // namespace

absl::StatusOr<journal::Rule> RowOfRule(const State& state, int64_t now_us, absl::string_view path,
                                        const v1::Rule& rule) {
  return RowMaker(state, now_us, path, rule).Make();
}

}  // namespace onhand::ledger
