#include "clients/cli/rule_fields.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "onhand/v1/catalog.grpc.pb.h"

namespace onhand::cli {
namespace {

using v1::Rule;
using Reader = std::function<std::string(const Rule&)>;
using Writer = std::function<absl::Status(const std::string&, Rule*)>;

absl::Status Remedy(absl::string_view remedy) { return absl::InvalidArgumentError(remedy); }

// The shortest decimal text that reads back as the same number.
std::string RealText(double value) {
  for (const int digits : {6, 15}) {
    const std::string text = absl::StrFormat("%.*g", digits, value);
    double back = 0;
    if (absl::SimpleAtod(text, &back) && back == value) return text;
  }
  return absl::StrFormat("%.17g", value);
}

RuleField Field(std::string name, std::string contract, std::string type, std::string help,
                Reader read, Writer write) {
  return {
      std::move(name),
      std::move(contract),
      std::move(type),
      std::move(help),
      false,
      [read](const Rule& rule, const RuleWords&) { return read(rule); },
      [write](const std::string& text, const RuleWords&, Rule* rule) { return write(text, rule); }};
}

RuleField Scoped(RuleField field) {
  field.is_scope = true;
  return field;
}

RuleField ScopeId(std::string name, std::string contract, std::string help,
                  const std::string& (v1::RuleScope::*get)() const,
                  std::string* (v1::RuleScope::*edit)()) {
  return Scoped(Field(
      std::move(name), absl::StrCat("scope.", contract), "ID", std::move(help),
      [get](const Rule& rule) { return (rule.scope().*get)(); },
      [edit](const std::string& text, Rule* rule) {
        *(rule->mutable_scope()->*edit)() = text;
        return absl::OkStatus();
      }));
}

// Calls set(value) with the number in `text`.
absl::Status Whole(const std::string& text, auto set) {
  int32_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return Remedy("give a whole number");
  set(value);
  return absl::OkStatus();
}

absl::Status Real(const std::string& text, auto set) {
  double value = 0;
  if (!absl::SimpleAtod(text, &value)) return Remedy("give a number such as 12 or 0.5");
  set(value);
  return absl::OkStatus();
}

absl::Status Seconds(const std::string& text, auto set) {
  const absl::StatusOr<absl::Duration> duration = ParseDuration("", text);
  if (!duration.ok()) {
    return Remedy("give whole seconds, minutes, hours or days, such as 90s, 5m, 24h or 2d");
  }
  const int64_t seconds = absl::ToInt64Seconds(*duration);
  if (seconds > INT32_MAX) return Remedy("give less than 68 years");
  set(static_cast<int32_t>(seconds));
  return absl::OkStatus();
}

template <typename Enum>
std::string Choices() {
  return absl::StrJoin(NamesOf(*google::protobuf::GetEnumDescriptor<Enum>()), "|");
}

template <typename Enum>
absl::Status Choice(const std::string& text, auto set) {
  const absl::StatusOr<Enum> value = ValueOf<Enum>("", text);
  if (!value.ok()) {
    return Remedy(
        absl::StrCat("give one of ", absl::StrReplaceAll(Choices<Enum>(), {{"|", ", "}})));
  }
  set(*value);
  return absl::OkStatus();
}

// A number of the rule itself.
RuleField Number(std::string name, std::string contract, std::string help,
                 bool (Rule::*has)() const, int32_t (Rule::*get)() const,
                 void (Rule::*set)(int32_t)) {
  return Field(
      std::move(name), std::move(contract), "N", std::move(help),
      [has, get](const Rule& rule) {
        return (rule.*has)() ? absl::StrCat((rule.*get)()) : std::string();
      },
      [set](const std::string& text, Rule* rule) {
        return Whole(text, [&](int32_t value) { (rule->*set)(value); });
      });
}

RuleField Length(std::string name, std::string contract, std::string help,
                 bool (Rule::*has)() const, int32_t (Rule::*get)() const,
                 void (Rule::*set)(int32_t)) {
  return Field(
      std::move(name), std::move(contract), "DURATION", std::move(help),
      [has, get](const Rule& rule) {
        return (rule.*has)() ? FormatSeconds((rule.*get)()) : std::string();
      },
      [set](const std::string& text, Rule* rule) {
        return Seconds(text, [&](int32_t value) { (rule->*set)(value); });
      });
}

// A choice of the rule itself; its zero value is 'not set'.
template <typename Enum>
RuleField Named(std::string name, std::string contract, std::string help, Enum (Rule::*get)() const,
                void (Rule::*set)(Enum)) {
  return Field(
      std::move(name), std::move(contract), Choices<Enum>(), std::move(help),
      [get](const Rule& rule) { return NameOf((rule.*get)()); },
      [set](const std::string& text, Rule* rule) {
        return Choice<Enum>(text, [&](Enum value) { (rule->*set)(value); });
      });
}

// Buffers --------------------------------------------------------------------------------------

struct BufferOf {
  const char* option;    // 'buffer', and the front of its other names
  const char* risk;      // 'risk'
  const char* tries;     // 'tries'
  const char* contract;  // 'buffer'
  const char* where;     // 'at each location'
  bool (Rule::*has)() const;
  const v1::Buffer& (Rule::*get)() const;
  v1::Buffer* (Rule::*edit)();
};

constexpr BufferOf kBuffers[] = {
    {"buffer", "risk", "tries", "buffer", "at each location", &Rule::has_buffer, &Rule::buffer,
     &Rule::mutable_buffer},
    {"chain_buffer", "chain_risk", "chain_tries", "chain_buffer", "once for the chain",
     &Rule::has_chain_buffer, &Rule::chain_buffer, &Rule::mutable_chain_buffer},
};

void AddBufferModes(const BufferOf& of, std::vector<RuleField>* fields) {
  const std::string option = of.option;
  const std::string contract = absl::StrCat(of.contract, ".");
  const auto mode = [&](const std::string& name, const char* field, const char* type,
                        std::string help, v1::Buffer::ModeCase when,
                        std::string (*text)(const v1::Buffer&),
                        absl::Status (*set)(const std::string&, v1::Buffer*)) {
    fields->push_back(Field(
        name, contract + field, type, std::move(help),
        [of, when, text](const Rule& rule) {
          const v1::Buffer& buffer = (rule.*of.get)();
          return buffer.mode_case() == when ? text(buffer) : std::string();
        },
        [of, set](const std::string& value, Rule* rule) {
          return set(value, (rule->*of.edit)());
        }));
  };
  mode(
      option, "units", "N", absl::StrCat("units withheld ", of.where), v1::Buffer::kUnits,
      [](const v1::Buffer& b) { return absl::StrCat(b.units()); },
      [](const std::string& text, v1::Buffer* b) {
        return Whole(text, [b](int32_t value) { b->set_units(value); });
      });
  mode(
      option + "_percent", "percent", "P",
      absl::StrCat("percent of what is available, 0 to 100, withheld ", of.where),
      v1::Buffer::kPercent, [](const v1::Buffer& b) { return RealText(b.percent()); },
      [](const std::string& text, v1::Buffer* b) {
        return Real(text, [b](double value) { b->set_percent(value); });
      });
  mode(
      option + "_days", "days_of_cover", "D",
      absl::StrCat("what sells in so many days, 0 to 365, withheld ", of.where),
      v1::Buffer::kDaysOfCover, [](const v1::Buffer& b) { return RealText(b.days_of_cover()); },
      [](const std::string& text, v1::Buffer* b) {
        return Real(text, [b](double value) { b->set_days_of_cover(value); });
      });
  mode(
      of.risk, "risk_one_in", "N",
      absl::StrCat("accept 1 cancelled order in N, 2 to 1,000,000: withheld by velocity ",
                   of.where),
      v1::Buffer::kRiskOneIn, [](const v1::Buffer& b) { return absl::StrCat(b.risk_one_in()); },
      [](const std::string& text, v1::Buffer* b) {
        return Whole(text, [b](int32_t value) { b->set_risk_one_in(value); });
      });
}

void AddBufferBounds(const BufferOf& of, std::vector<RuleField>* fields) {
  const std::string option = of.option;
  const std::string contract = absl::StrCat(of.contract, ".");
  fields->push_back(Field(
      option + "_min", contract + "min_units", "N",
      absl::StrCat("the least that is withheld ", of.where),
      [of](const Rule& rule) {
        const v1::Buffer& b = (rule.*of.get)();
        return b.has_min_units() ? absl::StrCat(b.min_units()) : std::string();
      },
      [of](const std::string& text, Rule* rule) {
        return Whole(text, [&](int32_t value) { (rule->*of.edit)()->set_min_units(value); });
      }));
  fields->push_back(Field(
      option + "_max", contract + "max_units", "N",
      absl::StrCat("the most that is withheld ", of.where),
      [of](const Rule& rule) {
        const v1::Buffer& b = (rule.*of.get)();
        return b.has_max_units() ? absl::StrCat(b.max_units()) : std::string();
      },
      [of](const std::string& text, Rule* rule) {
        return Whole(text, [&](int32_t value) { (rule->*of.edit)()->set_max_units(value); });
      }));
  fields->push_back(Field(
      of.tries, contract + "tries", "N",
      absl::StrCat("beside ", absl::StrReplaceAll(of.risk, {{"_", "-"}}),
                   " on ship channels: how many locations an order may try, 1 to 8 (3)"),
      [of](const Rule& rule) {
        const v1::Buffer& b = (rule.*of.get)();
        return b.tries() != 0 ? absl::StrCat(b.tries()) : std::string();
      },
      [of](const std::string& text, Rule* rule) {
        return Whole(text, [&](int32_t value) { (rule->*of.edit)()->set_tries(value); });
      }));
}

// Moments --------------------------------------------------------------------------------------

bool IsLocal(const std::string& text, absl::CivilSecond* local) {
  std::string error;
  for (const char* format : {"%Y-%m-%d", "%Y-%m-%d%t%H:%M", "%Y-%m-%d%t%H:%M:%S", "%Y-%m-%dT%H:%M",
                             "%Y-%m-%dT%H:%M:%S"}) {
    absl::Time moment;
    if (!absl::ParseTime(format, text, absl::UTCTimeZone(), &moment, &error)) continue;
    *local = absl::ToCivilSecond(moment, absl::UTCTimeZone());
    return true;
  }
  return false;
}

// Local time where it says which moment is meant to the minute; with its offset where it does not.
std::string MomentText(absl::Time moment, const std::optional<absl::TimeZone>& zone) {
  if (zone) {
    const absl::CivilSecond local = absl::ToCivilSecond(moment, *zone);
    const absl::TimeZone::TimeInfo info = zone->At(local);
    const bool is_unique =
        info.kind == absl::TimeZone::TimeInfo::UNIQUE && info.pre == moment && local.second() == 0;
    if (is_unique) return absl::FormatTime("%Y-%m-%d %H:%M", moment, *zone);
  }
  return absl::FormatTime(absl::RFC3339_full, moment, absl::UTCTimeZone());
}

struct MomentOf {
  bool (*has)(const Rule&);
  const google::protobuf::Timestamp& (Rule::*get)() const;
  google::protobuf::Timestamp* (Rule::*edit)();
  const std::string& (Rule::*get_local)() const;
  void (*set_local)(Rule*, std::string);
};

RuleField Moment(std::string name, std::string contract, std::string help, MomentOf of) {
  const auto read = [of](const Rule& rule, const RuleWords& words) -> std::string {
    const std::optional<absl::TimeZone> zone = words.zones.Of(rule.scope());
    absl::CivilSecond local;
    if (zone && IsLocal((rule.*of.get_local)(), &local)) {
      return MomentText(zone->At(local).pre, zone);
    }
    if (!of.has(rule)) return (rule.*of.get_local)();
    return MomentText(FromProto((rule.*of.get)()), zone);
  };
  const auto write = [of](const std::string& text, const RuleWords& words, Rule* rule) {
    absl::CivilSecond local;
    if (IsLocal(text, &local)) {
      const absl::Time as_utc = absl::FromCivil(local, absl::UTCTimeZone());
      of.set_local(rule,
                   absl::FormatTime(local.second() == 0 ? "%Y-%m-%dT%H:%M" : "%Y-%m-%dT%H:%M:%S",
                                    as_utc, absl::UTCTimeZone()));
      return absl::OkStatus();
    }
    const auto moment = ParseMoment("", text, words.now, absl::UTCTimeZone());
    if (!moment.ok()) {
      return Remedy(
          "give a local time such as 2026-11-27 or '2026-11-27 14:00', one with its offset such as "
          "2026-11-27T14:00:00+01:00, or a duration from now such as 2h");
    }
    *(rule->*of.edit)() = ToProto(*moment);
    return absl::OkStatus();
  };
  return {std::move(name), std::move(contract), "MOMENT", std::move(help), true, read, write};
}

// The table ------------------------------------------------------------------------------------

void AddScope(std::vector<RuleField>* fields) {
  using v1::RuleScope;
  fields->push_back(ScopeId("location", "location_id", "at one location", &RuleScope::location_id,
                            &RuleScope::mutable_location_id));
  fields->push_back(ScopeId("group", "group_id", "at the locations of a group",
                            &RuleScope::group_id, &RuleScope::mutable_group_id));
  fields->push_back(
      ScopeId("sku", "sku", "for one item", &RuleScope::sku, &RuleScope::mutable_sku));
  fields->push_back(ScopeId("category", "category", "for a category path and below",
                            &RuleScope::category, &RuleScope::mutable_category));
  fields->push_back(ScopeId("channel", "channel_id", "on one channel", &RuleScope::channel_id,
                            &RuleScope::mutable_channel_id));
  fields->push_back(Scoped(Field(
      "channel_kind", "scope.channel_kind", Choices<v1::ChannelKind>(), "on all channels of a kind",
      [](const Rule& rule) { return NameOf(rule.scope().channel_kind()); },
      [](const std::string& text, Rule* rule) {
        return Choice<v1::ChannelKind>(
            text, [&](v1::ChannelKind kind) { rule->mutable_scope()->set_channel_kind(kind); });
      })));
  fields->push_back(Scoped(Field(
      "supply", "scope.supply", Choices<v1::Supply>(), "only for items of this supply",
      [](const Rule& rule) { return NameOf(rule.scope().supply()); },
      [](const std::string& text, Rule* rule) {
        return Choice<v1::Supply>(
            text, [&](v1::Supply supply) { rule->mutable_scope()->set_supply(supply); });
      })));
}

void AddPeriod(std::vector<RuleField>* fields) {
  fields->push_back(
      Moment("from", "effective_from",
             "from when: local time of the location, or of the chain, if it has no offset",
             {HasBeginning, &Rule::effective_from, &Rule::mutable_effective_from,
              &Rule::effective_from_local,
              [](Rule* rule, std::string text) { rule->set_effective_from_local(text); }}));
  fields->push_back(
      Moment("until", "effective_until", "until when, written the same way",
             {[](const Rule& rule) { return rule.has_effective_until(); }, &Rule::effective_until,
              &Rule::mutable_effective_until, &Rule::effective_until_local,
              [](Rule* rule, std::string text) { rule->set_effective_until_local(text); }}));
}

void AddFloors(std::vector<RuleField>* fields) {
  fields->push_back(Field(
      "chain_floor", "chain_floor.units", "N",
      "below this many salable units in the chain the item is not shown",
      [](const Rule& rule) {
        return rule.has_chain_floor() ? absl::StrCat(rule.chain_floor().units()) : std::string();
      },
      [](const std::string& text, Rule* rule) {
        return Whole(text, [&](int32_t value) { rule->mutable_chain_floor()->set_units(value); });
      }));
  fields->push_back(Field(
      "reshow", "chain_floor.reshow_units", "N",
      "shown again from this many units on, at least the floor (the floor)",
      [](const Rule& rule) {
        const int32_t units = rule.chain_floor().reshow_units();
        return units == 0 ? std::string() : absl::StrCat(units);
      },
      [](const std::string& text, Rule* rule) {
        return Whole(text,
                     [&](int32_t value) { rule->mutable_chain_floor()->set_reshow_units(value); });
      }));
  fields->push_back(Field(
      "dwell", "chain_floor.dwell_s", "DURATION",
      "shown again after this long at the earliest, such as 5m; to 365d (0s)",
      [](const Rule& rule) {
        const int32_t seconds = rule.chain_floor().dwell_s();
        return seconds == 0 ? std::string() : FormatSeconds(seconds);
      },
      [](const std::string& text, Rule* rule) {
        return Seconds(text,
                       [&](int32_t value) { rule->mutable_chain_floor()->set_dwell_s(value); });
      }));
  fields->push_back(
      Number("location_floor", "location_floor", "a location with fewer salable units adds nothing",
             &Rule::has_location_floor, &Rule::location_floor, &Rule::set_location_floor));
}

void AddChainMode(std::vector<RuleField>* fields) {
  fields->push_back(
      Named<v1::ChainMode>("chain_mode", "chain_mode",
                           "aggregate: the sum of what each location can sell; pooled: one "
                           "chain buffer on the demand of all locations instead of theirs",
                           &Rule::chain_mode, &Rule::set_chain_mode));
}

void AddAnswers(std::vector<RuleField>* fields) {
  fields->push_back(Named<v1::ZeroPolicy>("zero", "zero_policy",
                                          "what happens at zero or below a floor (hide)",
                                          &Rule::zero_policy, &Rule::set_zero_policy));
  fields->push_back(Field(
      "missing_stock", "missing_stock", "zero|hide",
      "what an item is that no location ever reported (zero)",
      [](const Rule& rule) -> std::string {
        if (rule.missing_stock() == v1::MISSING_STOCK_AS_ZERO) return "zero";
        return NameOf(rule.missing_stock());
      },
      [](const std::string& text, Rule* rule) {
        const bool hides = text == "hide";
        if (!hides && text != "zero") return Remedy("give zero or hide");
        rule->set_missing_stock(hides ? v1::MISSING_STOCK_HIDE : v1::MISSING_STOCK_AS_ZERO);
        return absl::OkStatus();
      }));
  fields->push_back(Number("max_shown", "max_quantity",
                           "most units that an answer shows, at least 1", &Rule::has_max_quantity,
                           &Rule::max_quantity, &Rule::set_max_quantity));
  fields->push_back(Number("low_stock", "low_stock_at",
                           "from so many units down the status is low-stock",
                           &Rule::has_low_stock_at, &Rule::low_stock_at, &Rule::set_low_stock_at));
  fields->push_back(Number("backorder_limit", "backorder_limit",
                           "units promised beyond stock at most; backorder needs it",
                           &Rule::has_backorder_limit, &Rule::backorder_limit,
                           &Rule::set_backorder_limit));
  fields->push_back(Number(
      "lead_days", "backorder_lead_days", "days until back-ordered goods come, 0 to 3,650",
      &Rule::has_backorder_lead_days, &Rule::backorder_lead_days, &Rule::set_backorder_lead_days));
}

void AddUse(std::vector<RuleField>* fields) {
  fields->push_back(Field(
      "include", "included", "yes|no", "yes: use the location or item; no: leave it out",
      [](const Rule& rule) {
        return !rule.has_included() ? std::string() : rule.included() ? "yes" : "no";
      },
      [](const std::string& text, Rule* rule) {
        bool yes = false;
        if (!absl::SimpleAtob(text, &yes)) return Remedy("give yes or no");
        rule->set_included(yes);
        return absl::OkStatus();
      }));
  fields->push_back(Number("priority", "priority",
                           "locations with the lower number are tried first, 0 to 1,000 (100)",
                           &Rule::has_priority, &Rule::priority, &Rule::set_priority));
}

void AddTimes(std::vector<RuleField>* fields) {
  fields->push_back(Length("freshness", "freshness_target_s",
                           "how old a location's numbers may be, such as 24h; 1s to 365d (any age)",
                           &Rule::has_freshness_target_s, &Rule::freshness_target_s,
                           &Rule::set_freshness_target_s));
  fields->push_back(Named<v1::FreshnessAction>(
      "past_freshness", "freshness_action",
      "beside freshness: what happens at a location that is older (exclude)",
      &Rule::freshness_action, &Rule::set_freshness_action));
  fields->push_back(
      Length("pick_latency", "pick_latency_s", "from an order to the unit in a hand, to 7d (1h)",
             &Rule::has_pick_latency_s, &Rule::pick_latency_s, &Rule::set_pick_latency_s));
  fields->push_back(Field(
      "demand_factor", "demand_factor", "X",
      "announced demand on all channels, 0.05 to 100 times the usual; give it a period",
      [](const Rule& rule) {
        return rule.has_demand_factor() ? RealText(rule.demand_factor()) : std::string();
      },
      [](const std::string& text, Rule* rule) {
        return Real(text, [&](double value) { rule->set_demand_factor(value); });
      }));
  fields->push_back(Length("cache", "cache_s", "how long a shop may keep an answer, to 1d (30s)",
                           &Rule::has_cache_s, &Rule::cache_s, &Rule::set_cache_s));
}

std::vector<RuleField> MakeFields() {
  std::vector<RuleField> fields;
  AddScope(&fields);
  AddPeriod(&fields);
  AddFloors(&fields);
  for (const BufferOf& buffer : kBuffers) {
    AddBufferModes(buffer, &fields);
    AddBufferBounds(buffer, &fields);
  }
  AddChainMode(&fields);
  AddAnswers(&fields);
  AddUse(&fields);
  AddTimes(&fields);
  return fields;
}

std::string Folded(absl::string_view name) {
  return absl::AsciiStrToLower(absl::StrReplaceAll(name, {{"-", "_"}, {" ", "_"}}));
}

}  // namespace

std::optional<absl::TimeZone> RuleZones::Of(const v1::RuleScope& scope) const {
  if (scope.location_id().empty()) return chain;
  const auto found = locations.find(scope.location_id());
  if (found == locations.end()) return std::nullopt;
  return found->second;
}

absl::StatusOr<RuleZones> LoadRuleZones(Session& session) {
  const auto chain = session.hub.Call(&v1::CatalogService::Stub::GetChain, v1::GetChainRequest());
  if (!chain.ok()) return chain.status();
  const auto locations =
      ListAll(session, &v1::CatalogService::Stub::ListLocations, v1::ListLocationsRequest());
  if (!locations.ok()) return locations.status();
  RuleZones zones;
  absl::TimeZone zone;
  if (!chain->chain().time_zone().empty()) {
    zones.chain = std::nullopt;
    if (absl::LoadTimeZone(chain->chain().time_zone(), &zone)) zones.chain = zone;
  }
  for (const v1::Location& location : locations->locations()) {
    if (absl::LoadTimeZone(location.time_zone(), &zone)) {
      zones.locations.emplace(location.location_id(), zone);
    }
  }
  return zones;
}

bool HasBeginning(const v1::Rule& rule) {
  if (!rule.has_effective_from()) return false;
  return !rule.has_changed_at() || FromProto(rule.effective_from()) != FromProto(rule.changed_at());
}

const std::vector<RuleField>& RuleFields() {
  static const auto& fields = *new std::vector<RuleField>(MakeFields());
  return fields;
}

const RuleField* FindRuleField(absl::string_view name) {
  const std::string folded = Folded(name);
  for (const RuleField& field : RuleFields()) {
    if (field.name == folded) return &field;
  }
  return nullptr;
}

}  // namespace onhand::cli
