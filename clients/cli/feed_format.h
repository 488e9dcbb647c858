// What a feed looks like: its titles and one line for each answer. Pure functions.
#ifndef ONHAND_CLIENTS_CLI_FEED_FORMAT_H_
#define ONHAND_CLIENTS_CLI_FEED_FORMAT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "onhand/v1/availability.pb.h"

namespace onhand::cli {

enum class FeedFormat { kCsv, kGoogleLocalInventory };

// Google takes no longer id (support.google.com/merchants/answer/14819809).
inline constexpr size_t kGoogleIdCharactersMax = 50;

struct FeedShape {
  FeedFormat format = FeedFormat::kCsv;
  // Google: hidden items are told as out of stock instead of being left out.
  bool tells_hidden = false;
  // Google: what is orderable without stock there is on display, and told so.
  bool display_to_order = false;
  // Google's own values, on every line; empty: no such columns.
  std::string pickup_method;
  std::string pickup_sla;
};

// 'csv' or 'google-local-inventory'.
absl::StatusOr<FeedFormat> FeedFormatOf(absl::string_view name);

// Google's values of the two attributes, from the names that an option takes; an empty name has an
// empty value.
absl::StatusOr<std::string> PickupMethodOf(absl::string_view name);
absl::StatusOr<std::string> PickupSlaOf(absl::string_view name);
// What the two take, for the option's help.
std::vector<std::string> PickupMethodNames();
std::vector<std::string> PickupSlaNames();

// The title line.
std::string FeedTitles(const FeedShape& shape);

// The line of one answer at one location, or of the chain if `location_id` is empty; empty if such
// a feed leaves the answer out.
std::string FeedLine(const FeedShape& shape, absl::string_view location_id,
                     const v1::Availability& answer);

// Whether Google would refuse the item's id for its length.
bool IsTooLongForGoogle(absl::string_view sku);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_FEED_FORMAT_H_
