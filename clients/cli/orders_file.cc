#include "clients/cli/orders_file.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/csv.h"
#include "clients/cli/moment.h"
#include "clients/cli/session.h"

namespace onhand::cli {

const char kOrderColumns[] =
    R"(One row a line of an order; rows that name the same order are its lines. Columns:
  order_reference  the order as the shop names it, 1 to 64 bytes; required
  sku              the item, by SKU or alias; required
  units            1 to 10,000; required
  channel          the channel; needed once the chain has more than one
  location         where its units are; empty: it waits for supply
  placed_at        when it was placed: 2025-11-23 14:00 of this machine's zone, or with its own
                   offset 2025-11-23T14:00:00+01:00; empty: now
  picked           yes if it lies picked; no or empty otherwise
Each order becomes a committed reservation, whether there is enough or not; `onhand check shortages`
shows where there is not. An order that the hub knows is left as it is, so a file may be imported
again. Orders that cannot be taken are listed with their lines and hold up no others.)";

namespace {

constexpr int kLinesMax = 100;

enum Column { kOrder, kSku, kUnits, kChannel, kLocation, kPlacedAt, kPicked, kColumns };
constexpr std::array<const char*, kColumns> kTitles = {
    "order_reference", "sku", "units", "channel", "location", "placed_at", "picked"};
constexpr size_t kRequired = 3;  // the first ones

// By column: its index in a row; none: -1.
using Places = std::array<int, kColumns>;

absl::StatusOr<Places> FindColumns(const std::vector<std::string>& titles) {
  Places places;
  places.fill(-1);
  const auto wrong = [](absl::string_view title, absl::string_view problem) {
    return absl::InvalidArgumentError(absl::StrCat("line 1: column '", title, "' ", problem,
                                                   "; use ", absl::StrJoin(kTitles, ", ")));
  };
  for (size_t i = 0; i < titles.size(); ++i) {
    const auto known = std::find(kTitles.begin(), kTitles.end(), titles[i]);
    if (known == kTitles.end()) return wrong(titles[i], "is unknown");
    int& place = places[static_cast<size_t>(known - kTitles.begin())];
    if (place != -1) return wrong(titles[i], "stands twice");
    place = static_cast<int>(i);
  }
  for (size_t i = 0; i < kRequired; ++i) {
    if (places[i] == -1) return wrong(kTitles[i], "is missing");
  }
  return places;
}

// What rows of one order must agree in, as they were written.
struct Shared {
  std::string channel;
  std::string placed_at;
  std::string picked;
  friend bool operator==(const Shared&, const Shared&) = default;
};

class OrderReader {
 public:
  OrderReader(const Places& places, absl::Time now, absl::TimeZone zone)
      : places_(places), now_(now), zone_(zone) {}

  // Adds a row to its order; what is wrong with it stands there.
  void Add(const CsvRow& row) {
    const std::string& reference = FieldOf(row, kOrder);
    const auto [it, is_new] = index_of_.emplace(reference, orders_.size());
    const Shared shared{FieldOf(row, kChannel), FieldOf(row, kPlacedAt), FieldOf(row, kPicked)};
    if (is_new) {
      orders_.emplace_back().order.set_order_reference(reference);
      shared_.push_back(shared);
    }
    FileOrder& order = orders_[it->second];
    absl::Status status = is_new ? SetShared(shared, order.order) : absl::OkStatus();
    if (status.ok() && shared != shared_[it->second]) {
      status =
          absl::InvalidArgumentError(absl::StrCat("channel, placed_at or picked differ from line ",
                                                  order.lines.front(), " of the same order"));
    }
    if (status.ok()) status = AddLine(row, order.order);
    order.lines.push_back(row.line);
    if (!status.ok() && order.error.empty()) {
      order.error = absl::StrCat("line ", row.line, ": ", std::string(status.message()));
    }
  }

  std::vector<FileOrder> Take() && { return std::move(orders_); }

 private:
  const std::string& FieldOf(const CsvRow& row, Column column) const {
    static const std::string kNone;
    return places_[column] == -1 ? kNone : row.fields[static_cast<size_t>(places_[column])];
  }
  static absl::Status Wrong(Column column, absl::string_view value, absl::string_view remedy) {
    return absl::InvalidArgumentError(absl::StrCat(kTitles[column], " '", value, "': ", remedy));
  }

  absl::Status SetShared(const Shared& shared, v1::ImportedOrder& order) const {
    if (order.order_reference().empty() || order.order_reference().size() > 64) {
      return Wrong(kOrder, order.order_reference(), "give 1 to 64 bytes");
    }
    order.set_channel_id(shared.channel);
    const absl::string_view placed_at = absl::StripAsciiWhitespace(shared.placed_at);
    if (!placed_at.empty()) {
      const absl::StatusOr<absl::Time> moment = ParseMoment("", placed_at, now_, zone_);
      // A duration counts from now on: no order was placed then.
      if (!moment.ok() || *moment > now_) {
        return Wrong(kPlacedAt, shared.placed_at,
                     "write a past moment such as 2025-11-23 14:00 or 2025-11-23T14:00:00+01:00");
      }
      *order.mutable_placed_at() = ToProto(*moment);
    }
    bool picked = false;
    if (!shared.picked.empty() &&
        !absl::SimpleAtob(absl::StripAsciiWhitespace(shared.picked), &picked)) {
      return Wrong(kPicked, shared.picked, "write yes or no");
    }
    order.set_picked(picked);
    return absl::OkStatus();
  }

  absl::Status AddLine(const CsvRow& row, v1::ImportedOrder& order) const {
    if (order.lines_size() == kLinesMax) {
      return absl::InvalidArgumentError("an order has at most 100 lines");
    }
    int32_t units = 0;
    if (!absl::SimpleAtoi(FieldOf(row, kUnits), &units) || units < 1 || units > 10'000) {
      return Wrong(kUnits, FieldOf(row, kUnits), "write 1 to 10,000");
    }
    if (FieldOf(row, kSku).empty()) return Wrong(kSku, "", "must not be empty");
    v1::BasketLine& line = *order.add_lines();
    line.set_sku(FieldOf(row, kSku));
    line.set_units(units);
    line.set_location_id(FieldOf(row, kLocation));
    return absl::OkStatus();
  }

  const Places places_;
  const absl::Time now_;
  const absl::TimeZone zone_;
  std::vector<FileOrder> orders_;
  std::vector<Shared> shared_;  // by order
  absl::flat_hash_map<std::string, size_t> index_of_;
};

}  // namespace

absl::StatusOr<std::vector<FileOrder>> ReadOrders(absl::string_view csv, absl::Time now,
                                                  absl::TimeZone zone) {
  const absl::StatusOr<CsvFile> file = ParseCsv(csv);
  if (!file.ok()) return file.status();
  const absl::StatusOr<Places> places = FindColumns(file->titles);
  if (!places.ok()) return places.status();
  OrderReader reader(*places, now, zone);
  for (const CsvRow& row : file->rows) reader.Add(row);
  return std::move(reader).Take();
}

}  // namespace onhand::cli
