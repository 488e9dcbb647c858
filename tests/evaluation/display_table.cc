#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/evaluation/score.h"
#include "tests/evaluation/stock_world.h"
#include "tests/evaluation/tables.h"

namespace onhand::evaluation {
namespace {

// How many refused orders a cancelled one is worth when the best fixed threshold is chosen.
constexpr double kCancelledCosts = 10;

struct Point {
  double limit = 0;
  double cancelled = 0;  // share of orders
  double hidden = 0;
  std::vector<OrderFate> fates;
};

class Scenario {
 public:
  Scenario(std::string name, const Dataset& data, int seeds) : name_(std::move(name)) {
    const DemandKnown known = LearnDemand(data);
    const auto live = [&](DisplayRule::Kind kind, double limit, bool with_doubt) {
      Point point{.limit = limit};
      for (int seed = 1; seed <= seeds; ++seed) {
        const DisplayRule rule{.kind = kind, .limit = limit, .with_doubt = with_doubt};
        const std::vector<OrderFate> fates = LiveWorld(data, known, rule, seed);
        point.fates.insert(point.fates.end(), fates.begin(), fates.end());
      }
      for (const OrderFate& fate : point.fates) {
        point.cancelled += fate.cancelled ? 1 : 0;
        point.hidden += fate.hidden_but_there ? 1 : 0;
      }
      point.cancelled /= static_cast<double>(point.fates.size());
      point.hidden /= static_cast<double>(point.fates.size());
      return point;
    };
    for (const double units : {1, 2, 3, 4, 5, 6, 8, 10}) {
      fixed_.push_back(live(DisplayRule::Kind::kFixed, units, true));
    }
    for (const double alpha : {0.95, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03,
                               0.02, 0.01, 0.005, 0.002}) {
      with_doubt_.push_back(live(DisplayRule::Kind::kFillability, alpha, true));
      without_doubt_.push_back(live(DisplayRule::Kind::kFillability, alpha, false));
    }
  }

  void Write(std::ostream& out) const {
    const auto cost = [](const Point& point) {
      return point.hidden + kCancelledCosts * point.cancelled;
    };
    const Point& best =
        *std::min_element(fixed_.begin(), fixed_.end(),
                          [&](const Point& a, const Point& b) { return cost(a) < cost(b); });
    for (const Point& point : fixed_) {
      const std::string units = Number(point.limit, 0);
      const std::optional<double> hidden = HiddenAt(with_doubt_, point.cancelled);
      out << absl::StrFormat(
          "| %s | %s | %.3f %% | %.2f %% | %s | %s | %s | %s |\n", name_,
          point.limit == best.limit ? "**" + units + "**" : units, point.cancelled * 100,
          point.hidden * 100, Told(hidden), Told(HiddenAt(without_doubt_, point.cancelled)),
          hidden.has_value() ? Number(*hidden / point.hidden, 2) : "", Paired(point));
    }
  }

 private:
  // The share hidden where the curve has this share cancelled, between the two nearest points; none
  // if no point cancels so few.
  static std::optional<double> HiddenAt(const std::vector<Point>& curve, double cancelled) {
    for (size_t i = 0; i < curve.size(); ++i) {
      const Point& less = curve[i];
      if (less.cancelled > cancelled) continue;
      if (i == 0) return less.hidden;
      const Point& more = curve[i - 1];
      const double share = (more.cancelled - cancelled) / (more.cancelled - less.cancelled);
      return more.hidden + share * (less.hidden - more.hidden);
    }
    return std::nullopt;
  }
  static std::string Told(const std::optional<double>& share) {
    return share.has_value() ? Percent(*share, 2) : "not reached";
  }

  // The first alpha that cancels no more than the fixed rule, and the interval of hidden / hidden,
  // by SKU-week.
  std::string Paired(const Point& fixed) const {
    for (const Point& point : with_doubt_) {
      if (point.cancelled > fixed.cancelled) continue;
      std::vector<Share> shares;
      for (size_t i = 0; i < point.fates.size(); ++i) {
        shares.push_back({point.fates[i].sku, point.fates[i].week,
                          point.fates[i].hidden_but_there ? 1.0 : 0.0, 0});
        shares.push_back({fixed.fates[i].sku, fixed.fates[i].week, 0,
                          fixed.fates[i].hidden_but_there ? 1.0 : 0.0});
      }
      return absl::StrFormat("%.3g: %.3f %%, %s", point.limit, point.cancelled * 100,
                             Range(BootstrapRatio(shares), 2));
    }
    return "none";
  }

  std::string name_;
  std::vector<Point> fixed_, with_doubt_, without_doubt_;
};

}  // namespace

void WriteDisplayTable(const std::vector<Speed>& speeds, std::ostream& out) {
  out << absl::StrFormat(
      "## B3. Which SKUs to show: fillability against a fixed chain threshold\n\n"
      "Real sales, simulated stock: every SKU is delivered to all stores each 7 to 21 days, up to "
      "0.6\n"
      "to 1.3 times what sells until the next; a shelf empties unseen with chance %.4f a day, a "
      "unit\n"
      "goes missing with %.3f, a delivery is one short with %.2f, a position is counted with "
      "%.3f.\n"
      "Stores report every %d hours; web orders are %.0f %% of till sales; an order tries %d "
      "locations,\n"
      "the surest first under every rule. Rates are learned from the real sales of the past, the "
      "same\n"
      "under every rule; doubt and record errors from the simulated ones. 'At equal "
      "cancellations'\n"
      "reads fillability's curve where the fixed rule stands; the last column is the first alpha "
      "that\n"
      "cancels no more, and the interval, by SKU-week, of its hidden / the fixed rule's. Bold: the "
      "fixed\n"
      "threshold with the least hidden + %.0f x cancelled, found on the same orders, which favours "
      "it.\n\n",
      kVanishPerDay, kLossPerDay, kShortDelivery, kCountPerDay, kReportEvery_h, kWebShare * 100,
      kTries, kCancelledCosts);
  out << "| chain | hide below | cancelled | hidden but there | fillability at equal cancellations "
         "| without p0 | "
         "ratio | alpha: cancelled, interval |\n| --- | --- | --- | --- | --- | --- | --- | --- "
         "|\n";
  const int stores = static_cast<int>(speeds[0].data.stores.size());
  Scenario(absl::StrFormat("%d stores, mid", stores), speeds[1].data, 2).Write(out);
  Scenario("8 stores, slow", FirstStores(speeds[2].data, 8), 6).Write(out);
  out << "\n";
}

}  // namespace onhand::evaluation
