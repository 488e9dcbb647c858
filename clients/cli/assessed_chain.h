// What two exports say, as a chain that a private hub can hold.
#ifndef ONHAND_CLIENTS_CLI_ASSESSED_CHAIN_H_
#define ONHAND_CLIENTS_CLI_ASSESSED_CHAIN_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cli/assess.h"
#include "clients/cli/sales_file.h"
#include "clients/cli/session.h"
#include "clients/files/rows.h"

namespace onhand::cli {

// The channel that answers are asked on.
inline constexpr char kAssessedChannel[] = "web";

// An item in all locations.
struct AssessedItem {
  int64_t on_hand = 0;  // as far as above zero
  absl::Time last_sale = absl::InfinitePast();
};

struct AssessedChain {
  SalesFile sales;
  std::vector<files::ReadRow> levels;        // one a position
  std::vector<files::RejectedRow> rejected;  // rows of the stock that cannot be read
  std::set<std::string> location_ids;
  std::map<std::string, AssessedItem> items;  // by SKU
  absl::TimeZone zone;                        // of the files' local times
  absl::Time first_sale;
  // Up to when the sales go; the stock is taken to be of that moment, because only then silence
  // between the two says something.
  absl::Time as_of;
  // The last sale of each position by SKU and location.
  std::map<std::pair<std::string, std::string>, absl::Time> last_sales;
  size_t sold_position_count = 0;  // positions with a level that the sales hold too

  // As the hub is told: everything is moved by whole hours so that `as_of` is now, or else a hub
  // would ask what may have sold since. Hours of the day stay what they were, in a zone chosen for
  // that; days of the week are renamed, which is the same to whoever learns them.
  absl::Duration moved;
  std::string told_zone;
  absl::Time Told(absl::Time moment) const;
};

absl::StatusOr<AssessedChain> ReadChain(const AssessOptions& options, absl::TimeZone machine_zone,
                                        absl::Time now);

// Makes locations, items and the channel, teaches the sales, and tells the stock.
absl::Status TellChain(Session& session, const AssessedChain& chain);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_ASSESSED_CHAIN_H_
