#include "clients/cli/checks.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "clients/cli/counted.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/table.h"
#include "onhand/v1/insights.grpc.pb.h"

namespace onhand::cli {
namespace {

std::string DayOf(bool is_known, const google::protobuf::Timestamp& moment, absl::TimeZone zone) {
  return is_known ? absl::FormatTime("%Y-%m-%d", FromProto(moment), zone) : "none known";
}

void PrintMore(std::ostream& out, uint64_t count, int listed) {
  const uint64_t shown = static_cast<uint64_t>(listed);
  if (count > shown) out << "and " << count - shown << " more; list them with --listed N\n";
}

}  // namespace

std::string IntervalText(int64_t seconds) {
  if (seconds == 0) return "no reports needed";
  if (seconds == 3600) return "every hour";
  if (seconds == 86400) return "every day";
  if (seconds == 604800) return "every week";
  if (seconds % 86400 == 0) return absl::StrCat("every ", seconds / 86400, " days");
  if (seconds % 3600 == 0) return absl::StrCat("every ", seconds / 3600, " hours");
  if (seconds % 60 == 0) return absl::StrCat("every ", seconds / 60, " min");
  if (seconds < 60) return absl::StrCat("every ", seconds, " s");
  return absl::StrCat("every ", FormatSeconds(seconds));
}

void PrintDoubts(std::ostream& out, const v1::ListDoubtsResponse& doubts) {
  Table table({"SKU", "LOCATION", ">ON HAND", ">CHANCE EMPTY", ">A DAY", ">MISSED SALES", ">VALUE",
               "SHOWN", "WHY"});
  for (const v1::DoubtedPosition& position : doubts.positions()) {
    table.Add({position.sku(), position.location_id(), absl::StrCat(position.on_hand()),
               absl::StrFormat("%.0f %%", 100 * position.chance_empty()),
               absl::StrFormat("%.2f", position.units_per_day()),
               absl::StrFormat("%.1f", position.expected_since_sale()),
               absl::StrFormat("%.2f", position.value()), position.shown() ? "yes" : "no",
               position.why()});
  }
  table.Print(out, "No record is doubted.");
  PrintMore(out, doubts.doubted_count(), doubts.positions_size());
  if (doubts.undetectable_count() > 0) {
    const bool is_one = doubts.undetectable_count() == 1;
    out << Counted(doubts.undetectable_count(), "position") << (is_one ? " sells" : " sell")
        << " too slowly for silence to tell: only counting finds "
        << (is_one ? "that.\n" : "those.\n");
  }
}

void PrintDead(std::ostream& out, const v1::ListDeadItemsResponse& dead, absl::TimeZone zone) {
  Table table({"SKU", "NAME", "WHY", ">ON HAND", "LAST SALE", "LAST RECEIPT", "SHOWN ON"});
  for (const v1::DeadItem& item : dead.items()) {
    table.Add({item.sku(), item.name(), NameOf(item.reason()), absl::StrCat(item.on_hand()),
               DayOf(item.has_last_sale_at(), item.last_sale_at(), zone),
               DayOf(item.has_last_receipt_at(), item.last_receipt_at(), zone),
               absl::StrJoin(item.channel_ids(), ", ")});
  }
  table.Print(out, "No item is shown and dead.");
  PrintMore(out, dead.dead_count(), dead.items_size());
}

void PrintSchedule(std::ostream& out, const v1::AdviseScheduleResponse& schedule) {
  Table table({"LOCATION", "NAME", "REPORT", "SEEN", ">POSITIONS", "WHY"});
  for (const v1::LocationSchedule& location : schedule.locations()) {
    table.Add({location.location_id(), location.name(), IntervalText(location.interval_s()),
               location.seen_interval_s() == 0 ? "not seen yet"
                                               : IntervalText(location.seen_interval_s()),
               absl::StrCat(location.position_count()), location.why()});
  }
  table.Print(out, "No locations; import them with `onhand import locations FILE.csv`.");
}

absl::Status CheckDoubts(Session& session, const DoubtsOptions& options) {
  v1::ListDoubtsRequest request;
  request.set_location_id(options.location_id);
  if (options.chance_min) request.set_chance_min(*options.chance_min);
  request.set_listed_max(options.listed_max);
  request.set_list(options.discrepancy ? v1::DOUBT_LIST_DISCREPANCY : v1::DOUBT_LIST_OUT_OF_STOCK);
  const auto response = session.hub.Call(&v1::InsightService::Stub::ListDoubts, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    PrintDoubts(session.out, *response);
  }
  return absl::OkStatus();
}

absl::Status CheckDead(Session& session, const DeadOptions& options) {
  v1::ListDeadItemsRequest request;
  request.set_receipt_days(options.receipt_days);
  request.set_sale_days(options.sale_days);
  request.set_listed_max(options.listed_max);
  const auto response = session.hub.Call(&v1::InsightService::Stub::ListDeadItems, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    PrintDead(session.out, *response, session.zone);
  }
  return absl::OkStatus();
}

absl::Status AdviseSchedule(Session& session, const ScheduleOptions& options) {
  v1::AdviseScheduleRequest request;
  request.set_location_id(options.location_id);
  request.set_risk_one_in(options.risk_one_in);
  const auto response = session.hub.Call(&v1::InsightService::Stub::AdviseSchedule, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    PrintSchedule(session.out, *response);
  }
  return absl::OkStatus();
}

}  // namespace onhand::cli
