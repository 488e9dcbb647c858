// `onhand check doubts|dead` and `onhand advise schedule`: whether the numbers are true, and how
// often they must come.
#ifndef ONHAND_CLIENTS_CLI_CHECKS_H_
#define ONHAND_CLIENTS_CLI_CHECKS_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "clients/cli/session.h"
#include "onhand/v1/insights.pb.h"

namespace onhand::cli {

struct DoubtsOptions {
  std::string location_id;
  std::optional<double> chance_min;
  bool discrepancy = false;  // records probably wrong in number, instead of shelves probably empty
  uint32_t listed_max = 0;
};
absl::Status CheckDoubts(Session& session, const DoubtsOptions& options);

struct DeadOptions {
  int32_t receipt_days = 0;
  int32_t sale_days = 0;
  uint32_t listed_max = 0;
};
absl::Status CheckDead(Session& session, const DeadOptions& options);

struct ScheduleOptions {
  std::string location_id;
  int32_t risk_one_in = 0;
};
absl::Status AdviseSchedule(Session& session, const ScheduleOptions& options);

// The tables of the three, for pages that hold them together.
void PrintDoubts(std::ostream& out, const v1::ListDoubtsResponse& doubts);
void PrintDead(std::ostream& out, const v1::ListDeadItemsResponse& dead, absl::TimeZone zone);
void PrintSchedule(std::ostream& out, const v1::AdviseScheduleResponse& schedule);

// 'every 15 min', 'every day', 'no reports needed'.
std::string IntervalText(int64_t seconds);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_CHECKS_H_
