#include "clients/cli/rules.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/table.h"
#include "onhand/v1/rules.grpc.pb.h"

namespace onhand::cli {
namespace {

absl::Status SetSeconds(absl::string_view option, const std::string& text, auto set) {
  if (text.empty()) return absl::OkStatus();
  const absl::StatusOr<absl::Duration> duration = ParseDuration(option, text);
  if (!duration.ok()) return duration.status();
  const int64_t seconds = absl::ToInt64Seconds(*duration);
  if (seconds > INT32_MAX) return UsageError(option, text, "give less than 68 years");
  set(static_cast<int32_t>(seconds));
  return absl::OkStatus();
}

absl::Status SetMoment(absl::string_view option, const std::string& text, absl::Time now,
                       absl::TimeZone zone, auto mutable_moment) {
  if (text.empty()) return absl::OkStatus();
  const absl::StatusOr<absl::Time> moment = ParseMoment(option, text, now, zone);
  if (!moment.ok()) return moment.status();
  *mutable_moment() = ToProto(*moment);
  return absl::OkStatus();
}

absl::Status SetScope(const RuleOptions& options, v1::RuleScope* scope) {
  scope->set_location_id(options.location_id);
  scope->set_group_id(options.group_id);
  scope->set_sku(options.sku);
  scope->set_category(options.category);
  scope->set_channel_id(options.channel_id);
  if (options.channel_kind.empty()) return absl::OkStatus();
  const auto kind = ValueOf<v1::ChannelKind>("--channel-kind", options.channel_kind);
  if (!kind.ok()) return kind.status();
  scope->set_channel_kind(*kind);
  return absl::OkStatus();
}

absl::Status SetFloor(const RuleOptions& options, v1::Rule* rule) {
  if (!options.chain_floor) {
    if (options.reshow || !options.dwell.empty()) {
      return UsageError("--chain-floor", "", "--reshow and --dwell need it; give --chain-floor N");
    }
    return absl::OkStatus();
  }
  v1::Floor& floor = *rule->mutable_chain_floor();
  floor.set_units(*options.chain_floor);
  floor.set_reshow_units(options.reshow.value_or(0));
  return SetSeconds("--dwell", options.dwell, [&](int32_t s) { floor.set_dwell_s(s); });
}

void SetNumbers(const RuleOptions& options, v1::Rule* rule) {
  if (options.location_floor) rule->set_location_floor(*options.location_floor);
  if (options.buffer) rule->set_buffer_units(*options.buffer);
  if (options.chain_buffer) rule->set_chain_buffer_units(*options.chain_buffer);
  if (options.max_shown) rule->set_max_quantity(*options.max_shown);
  if (options.low_stock) rule->set_low_stock_at(*options.low_stock);
  if (options.backorder_limit) rule->set_backorder_limit(*options.backorder_limit);
  if (options.lead_days) rule->set_backorder_lead_days(*options.lead_days);
  if (options.include) rule->set_included(true);
  if (options.exclude) rule->set_included(false);
}

absl::Status SetZeroPolicy(const RuleOptions& options, v1::Rule* rule) {
  if (options.zero.empty()) return absl::OkStatus();
  const auto policy = ValueOf<v1::ZeroPolicy>("--zero", options.zero);
  if (!policy.ok()) return policy.status();
  rule->set_zero_policy(*policy);
  return absl::OkStatus();
}

std::string FloorText(const v1::Floor& floor) {
  std::string text = absl::StrCat("hidden below ", floor.units(), " in the chain");
  if (floor.reshow_units() > 0) absl::StrAppend(&text, " until ", floor.reshow_units());
  if (floor.dwell_s() > 0) {
    absl::StrAppend(&text, ", for at least ", FormatSeconds(floor.dwell_s()));
  }
  return text;
}

std::string PeriodText(const v1::Rule& rule, absl::TimeZone zone) {
  const auto day = [&](const google::protobuf::Timestamp& moment) {
    return absl::FormatTime("%Y-%m-%d %H:%M", FromProto(moment), zone);
  };
  std::vector<std::string> parts;
  if (rule.has_effective_from()) parts.push_back("from " + day(rule.effective_from()));
  if (rule.has_effective_until()) parts.push_back("until " + day(rule.effective_until()));
  return parts.empty() ? "always" : absl::StrJoin(parts, " ");
}

void PrintRule(Session& session, const v1::Rule& rule, absl::Time now) {
  session.out << "rule:     " << rule.rule_id() << "\n"
              << "where:    " << DescribeScope(rule.scope()) << "\n"
              << "says:     " << DescribeEffect(rule) << "\n"
              << "when:     " << PeriodText(rule, session.zone) << "\n";
  if (rule.version() == 0) return;
  session.out << "version:  " << rule.version() << "\n"
              << "etag:     " << rule.etag() << "\n"
              << "changed:  "
              << (rule.has_changed_at()
                      ? FormatMoment(FromProto(rule.changed_at()), now, session.zone)
                      : "-")
              << (rule.author().empty() ? "" : " by " + rule.author())
              << (rule.reason().empty() ? "" : ", because: " + rule.reason()) << "\n";
}

}  // namespace

absl::StatusOr<v1::Rule> MakeRule(const RuleOptions& options, absl::Time now, absl::TimeZone zone) {
  v1::Rule rule;
  rule.set_rule_id(options.rule_id);
  SetNumbers(options, &rule);
  for (const absl::Status& status :
       {SetScope(options, rule.mutable_scope()), SetFloor(options, &rule),
        SetZeroPolicy(options, &rule),
        SetSeconds("--freshness", options.freshness,
                   [&](int32_t s) { rule.set_freshness_target_s(s); }),
        SetSeconds("--cache", options.cache, [&](int32_t s) { rule.set_cache_s(s); }),
        SetMoment("--from", options.from, now, zone, [&] { return rule.mutable_effective_from(); }),
        SetMoment("--until", options.until, now, zone,
                  [&] { return rule.mutable_effective_until(); })}) {
    if (!status.ok()) return status;
  }
  if (DescribeEffect(rule).empty()) {
    return UsageError("rule", options.rule_id,
                      "it would say nothing; give at least one of --chain-floor, --location-floor, "
                      "--buffer, --chain-buffer, --zero, --max-shown, --low-stock, "
                      "--backorder-limit, --lead-days, --include, --exclude, --freshness, --cache");
  }
  return rule;
}

std::string DescribeScope(const v1::RuleScope& scope) {
  std::vector<std::string> parts;
  const auto add = [&](const char* what, const std::string& id) {
    if (!id.empty()) parts.push_back(absl::StrCat(what, " ", id));
  };
  add("location", scope.location_id());
  add("group", scope.group_id());
  add("item", scope.sku());
  add("category", scope.category());
  add("channel", scope.channel_id());
  add("channels of kind", NameOf(scope.channel_kind()));
  return parts.empty() ? "everywhere" : absl::StrJoin(parts, ", ");
}

std::string DescribeEffect(const v1::Rule& rule) {
  std::vector<std::string> parts;
  const auto add = [&](bool is_set, const auto&... text) {
    if (is_set) parts.push_back(absl::StrCat(text...));
  };
  if (rule.has_chain_floor()) parts.push_back(FloorText(rule.chain_floor()));
  add(rule.has_location_floor(), "a location below ", rule.location_floor(), " adds nothing");
  add(rule.has_buffer_units(), "buffer ", rule.buffer_units(), " at each location");
  add(rule.has_chain_buffer_units(), "buffer ", rule.chain_buffer_units(), " in the chain");
  add(rule.zero_policy() != v1::ZERO_POLICY_UNSPECIFIED, NameOf(rule.zero_policy()), " at zero");
  add(rule.has_included(), rule.included() ? "included" : "excluded");
  add(rule.has_max_quantity(), "shows at most ", rule.max_quantity());
  add(rule.has_low_stock_at(), "low stock at ", rule.low_stock_at());
  add(rule.has_backorder_limit(), "up to ", rule.backorder_limit(), " back-ordered");
  add(rule.has_backorder_lead_days(), "back-orders come in ", rule.backorder_lead_days(), " days");
  add(rule.has_freshness_target_s(), "stale after ", FormatSeconds(rule.freshness_target_s()));
  add(rule.has_cache_s(), "answers kept ", FormatSeconds(rule.cache_s()));
  return absl::StrJoin(parts, "; ");
}

absl::Status SetRule(Session& session, const RuleOptions& options) {
  const bool has_period = !options.from.empty() || !options.until.empty();
  const absl::Time now = has_period ? HubNow(session) : absl::Now();
  absl::StatusOr<v1::Rule> rule = MakeRule(options, now, session.zone);
  if (!rule.ok()) return rule.status();
  v1::SetRuleRequest request;
  *request.mutable_rule() = *std::move(rule);
  request.set_etag(options.etag);
  request.set_author(options.author);
  request.set_reason(options.reason);
  request.set_dry_run(options.dry_run);
  const auto response = session.hub.Write(&v1::RuleService::Stub::SetRule, std::move(request));
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  if (options.dry_run) session.out << "Dry run, nothing changed. It would stand as\n";
  PrintRule(session, response->rule(), HubNow(session));
  return absl::OkStatus();
}

absl::Status ListRules(Session& session) {
  const auto response = ListAll(session, &v1::RuleService::Stub::ListRules, v1::ListRulesRequest());
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({"RULE", "WHERE", "SAYS", "WHEN", ">VERSION", "BY"});
  for (const v1::Rule& rule : response->rules()) {
    table.Add({rule.rule_id(), DescribeScope(rule.scope()), DescribeEffect(rule),
               PeriodText(rule, session.zone), absl::StrCat(rule.version()), rule.author()});
  }
  table.Print(session.out, "No rules: everything salable is shown, nothing is withheld.");
  return absl::OkStatus();
}

absl::Status ShowRule(Session& session, const std::string& rule_id) {
  v1::GetRuleRequest request;
  request.set_rule_id(rule_id);
  const auto response = session.hub.Call(&v1::RuleService::Stub::GetRule, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    PrintRule(session, response->rule(), HubNow(session));
  }
  return absl::OkStatus();
}

absl::Status DeleteRule(Session& session, const DeleteRuleOptions& options) {
  v1::DeleteRuleRequest request;
  request.set_rule_id(options.rule_id);
  request.set_etag(options.etag);
  request.set_author(options.author);
  request.set_reason(options.reason);
  const auto response = session.hub.Write(&v1::RuleService::Stub::DeleteRule, std::move(request));
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    session.out << "Rule " << options.rule_id << " is ended.\n";
  }
  return absl::OkStatus();
}

}  // namespace onhand::cli
