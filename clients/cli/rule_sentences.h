// What rules say, in a manager's words. Pure functions.
#ifndef ONHAND_CLIENTS_CLI_RULE_SENTENCES_H_
#define ONHAND_CLIENTS_CLI_RULE_SENTENCES_H_

#include <string>

#include "absl/time/time.h"
#include "onhand/v1/rules.pb.h"

namespace onhand::cli {

// 'item SKU-1, channel web-ship', or 'everywhere'.
std::string DescribeScope(const v1::RuleScope& scope);

// 'hidden below 5 in the chain until 8 for 5m; sold-out at zero'.
std::string DescribeEffect(const v1::Rule& rule);

// 'from 2026-11-27 00:00 until ...' in `zone`, or 'always'.
std::string DescribePeriod(const v1::Rule& rule, absl::TimeZone zone);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_RULE_SENTENCES_H_
