#include "clients/cli/rule_sentences.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/counted.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/rule_fields.h"
#include "clients/cli/session.h"

namespace onhand::cli {
namespace {

std::string FloorText(const v1::Floor& floor) {
  if (floor.units() == 0) return "no floor in the chain";
  std::string text = absl::StrCat("hidden below ", floor.units(), " in the chain");
  if (floor.reshow_units() > 0) absl::StrAppend(&text, " until ", floor.reshow_units());
  if (floor.dwell_s() > 0) {
    absl::StrAppend(&text, ", for at least ", FormatSeconds(floor.dwell_s()));
  }
  return text;
}

std::string BufferText(const v1::Buffer& buffer, const char* where) {
  std::string text;
  switch (buffer.mode_case()) {
    case v1::Buffer::kUnits:
      text = absl::StrCat("buffer ", buffer.units(), where);
      break;
    case v1::Buffer::kPercent:
      text = absl::StrCat("buffer ", buffer.percent(), " %", where);
      break;
    case v1::Buffer::kDaysOfCover:
      text = absl::StrCat("buffer what sells in ", Counted(buffer.days_of_cover(), "day"), where);
      break;
    case v1::Buffer::kRiskOneIn:
      text = absl::StrCat("accepts 1 cancelled order in ", buffer.risk_one_in(), where);
      break;
    case v1::Buffer::MODE_NOT_SET:
      text = absl::StrCat("buffer without a number", where);
      break;
  }
  if (buffer.has_min_units()) absl::StrAppend(&text, ", at least ", buffer.min_units());
  if (buffer.has_max_units()) absl::StrAppend(&text, ", at most ", buffer.max_units());
  if (buffer.tries() > 0) {
    absl::StrAppend(&text, ", ", buffer.tries(), buffer.tries() == 1 ? " try" : " tries");
  }
  return text;
}

std::string FreshnessText(const v1::Rule& rule) {
  std::string text = absl::StrCat("stale after ", FormatSeconds(rule.freshness_target_s()));
  if (rule.freshness_action() != v1::FRESHNESS_ACTION_UNSPECIFIED) {
    absl::StrAppend(&text, ", then ", NameOf(rule.freshness_action()));
  }
  return text;
}

}  // namespace

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
  add("supply", NameOf(scope.supply()));
  return parts.empty() ? "everywhere" : absl::StrJoin(parts, ", ");
}

std::string DescribeEffect(const v1::Rule& rule) {
  std::vector<std::string> parts;
  const auto add = [&](bool is_set, const auto&... text) {
    if (is_set) parts.push_back(absl::StrCat(text...));
  };
  if (rule.has_chain_floor()) parts.push_back(FloorText(rule.chain_floor()));
  add(rule.has_location_floor(), "a location below ", rule.location_floor(), " adds nothing");
  if (rule.has_buffer()) parts.push_back(BufferText(rule.buffer(), " at each location"));
  if (rule.has_chain_buffer()) parts.push_back(BufferText(rule.chain_buffer(), " in the chain"));
  add(rule.chain_mode() != v1::CHAIN_MODE_UNSPECIFIED, NameOf(rule.chain_mode()));
  add(rule.zero_policy() != v1::ZERO_POLICY_UNSPECIFIED, NameOf(rule.zero_policy()), " at zero");
  add(rule.missing_stock() == v1::MISSING_STOCK_AS_ZERO, "zero while nothing is reported");
  add(rule.missing_stock() == v1::MISSING_STOCK_HIDE, "hide while nothing is reported");
  add(rule.has_included(), rule.included() ? "included" : "excluded");
  add(rule.has_max_quantity(), "shows at most ", rule.max_quantity());
  add(rule.has_low_stock_at(), "low stock at ", rule.low_stock_at());
  add(rule.has_backorder_limit(), "up to ", rule.backorder_limit(), " back-ordered");
  add(rule.has_backorder_lead_days(), "back-orders come in ",
      Counted(rule.backorder_lead_days(), "day"));
  if (rule.has_freshness_target_s()) parts.push_back(FreshnessText(rule));
  add(rule.has_priority(), "priority ", rule.priority());
  add(rule.has_pick_latency_s(), "picked within ", FormatSeconds(rule.pick_latency_s()));
  add(rule.has_demand_factor(), "demand x ", rule.demand_factor());
  add(rule.has_cache_s(), "answers kept ", FormatSeconds(rule.cache_s()));
  return absl::StrJoin(parts, "; ");
}

std::string DescribePeriod(const v1::Rule& rule, absl::TimeZone zone) {
  const auto day = [&](const google::protobuf::Timestamp& moment) {
    return absl::FormatTime("%Y-%m-%d %H:%M", FromProto(moment), zone);
  };
  std::vector<std::string> parts;
  if (HasBeginning(rule)) parts.push_back("from " + day(rule.effective_from()));
  if (rule.has_effective_until()) parts.push_back("until " + day(rule.effective_until()));
  return parts.empty() ? "always" : absl::StrJoin(parts, " ");
}

}  // namespace onhand::cli
