#include "tests/evaluation/stock_world.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "tests/evaluation/chain_replay.h"
#include "tests/evaluation/random.h"
#include "tests/evaluation/speeds.h"

namespace onhand::evaluation {
namespace {

constexpr int kFirstWorldDay = ChainReplay::kImportDays;
constexpr double kDay_s = 86400;
constexpr int kDeliveryHour = 5;

// One position as it is, as its record says, and as the hub was last told.
struct Shelf {
  int there = 0;
  int recorded = 0;
  ledger::Doubt doubt;
  int reported = 0;
  float reported_doubt = 0;
  int known_through = 0;  // hour
  int committed = 0;      // web orders since the report
};

// A SKU is delivered to all stores every `cycle` days, up to so many days' sales; often too few.
struct Supply {
  int cycle_days = 14;
  int offset_days = 0;
};

struct Order {
  int sku = 0;
  std::array<int, kTries> tries{};  // positions, best first
  int count = 0;
};

class World {
 public:
  World(const Dataset& data, const DemandKnown& known, const DisplayRule& rule, uint64_t seed)
      : data_(data),
        known_(known),
        rule_(rule),
        shelves_(data.positions.size()),
        orders_random_(seed, 1) {
    for (size_t i = 0; i < shelves_.size(); ++i) shelf_random_.emplace_back(seed, 1000 + i);
    Random random(seed, 2);
    for (size_t sku = 0; sku < data.skus.size(); ++sku) {
      Supply supply{.cycle_days = static_cast<int>(7 + random.Below(15))};
      supply.offset_days = static_cast<int>(random.Below(supply.cycle_days));
      supplies_.push_back(supply);
      delivery_random_.emplace_back(seed, 100000 + sku);
    }
  }

  std::vector<OrderFate> Live() {
    for (int day = kFirstWorldDay; day < data_.days(); ++day) {
      for (int hour = day * 24; hour < day * 24 + 24; ++hour) LiveHour(hour);
    }
    return std::move(fates_);
  }

 private:
  void LiveHour(int hour) {
    if (hour % 24 == kDeliveryHour) Deliver(hour / 24);
    const std::vector<Order> orders = TakeOrders(hour);
    for (size_t i = 0; i < shelves_.size(); ++i) SellAtTill(static_cast<int>(i), hour);
    for (const Order& order : orders) Pick(order, hour);
    for (size_t i = 0; i < shelves_.size(); ++i) {
      if (hour % 24 == 23) PassNight(static_cast<int>(i));
      if (hour % kReportEvery_h == data_.positions[i].store % kReportEvery_h)
        Report(shelves_[i], hour + 1);
    }
  }

  void Deliver(int day) {
    for (size_t sku = 0; sku < supplies_.size(); ++sku) {
      const Supply& supply = supplies_[sku];
      const bool first = day == kFirstWorldDay;
      if (!first && (day + supply.offset_days) % supply.cycle_days != 0) continue;
      const double plenty = 0.6 + 0.7 * delivery_random_[sku].Uniform();
      for (const int position : known_.of_sku[sku]) {
        Shelf& shelf = shelves_[position];
        const double a_day = Posterior(day, position).rate() * 24;
        const int target = static_cast<int>(std::ceil(a_day * supply.cycle_days * plenty));
        const int units = std::max(0, target - shelf.recorded);
        // Drawn in any case, so that later draws do not depend on the rule.
        const bool is_short = shelf_random_[position].Chance(kShortDelivery);
        if (units == 0) continue;
        shelf.recorded += units;
        shelf.there += units - (is_short ? 1 : 0);
        ledger::TakeReceipt(shelf.doubt, units);
      }
    }
  }

  std::vector<Order> TakeOrders(int hour) {
    std::vector<Order> orders;
    for (size_t sku = 0; sku < known_.of_sku.size(); ++sku) {
      double mean = 0;
      for (const int position : known_.of_sku[sku]) {
        mean += kWebShare * Posterior(hour / 24, position).rate() * Exposure(hour, position);
      }
      for (int64_t n = orders_random_.Poisson(mean); n > 0; --n)
        TakeOrder(static_cast<int>(sku), hour, orders);
    }
    return orders;
  }

  void TakeOrder(int sku, int hour, std::vector<Order>& orders) {
    std::vector<std::pair<double, int>> chances;  // of failing, position
    ledger::Fillability fillability(kTries);
    int units = 0;
    for (const int position : known_.of_sku[sku]) {
      const Shelf& shelf = shelves_[position];
      const int available = shelf.reported - shelf.committed;
      if (available <= 0) continue;
      units += available;
      // Until the pick at the end of this hour.
      const int window = hour + 1 - shelf.known_through;
      double exposure = 0;
      for (int h = shelf.known_through; h <= hour; ++h) exposure += Exposure(h, position);
      const ledger::Demand demand = ledger::Predict(Posterior(hour / 24, position), exposure,
                                                    ledger::DefaultOverdispersion(window));
      const double chance =
          rule_.with_doubt ? ledger::FailureChance(shelf.reported_doubt, demand, Error(), available)
                           : ledger::FailureChance(0, demand, {}, available);
      fillability.Add(chance);
      chances.emplace_back(chance, position);
    }
    const bool shown = rule_.kind == DisplayRule::Kind::kFixed
                           ? units >= static_cast<int>(rule_.limit)
                           : !chances.empty() && fillability.Shown(rule_.limit);
    if (!shown) {
      bool there = false;
      for (const int position : known_.of_sku[sku]) there = there || shelves_[position].there > 0;
      Tell({.sku = sku, .hidden_but_there = there}, hour);
      return;
    }
    std::sort(chances.begin(), chances.end());
    Order order{.sku = sku, .count = std::min<int>(kTries, static_cast<int>(chances.size()))};
    for (int i = 0; i < order.count; ++i) order.tries[i] = chances[i].second;
    if (order.count > 0) ++shelves_[order.tries[0]].committed;
    orders.push_back(order);
  }

  void SellAtTill(int position, int hour) {
    Shelf& shelf = shelves_[position];
    const int sold = std::min(shelf.there, static_cast<int>(data_.Sold(position, hour)));
    shelf.there -= sold;
    shelf.recorded -= sold;
    if (sold > 0) {
      ledger::TakeSale(shelf.doubt);
    } else if (shelf.recorded > 0 && !data_.Out(position, hour)) {
      ledger::TakeSilence(
          shelf.doubt, Posterior(hour / 24, position).rate() * Exposure(hour, position), policy_);
    }
  }

  void Pick(const Order& order, int hour) {
    for (int i = 0; i < order.count; ++i) {
      Shelf& shelf = shelves_[order.tries[i]];
      if (shelf.there > 0) {
        --shelf.there;
        --shelf.recorded;
        ledger::TakeSale(shelf.doubt);
        Tell({.sku = order.sku}, hour);
        return;
      }
      // NOT_FOUND: on hand becomes what was found, and the hub knows at once.
      shelf.recorded = 0;
      ledger::TakeFailedPick(shelf.doubt);
      Report(shelf, hour + 1);
    }
    Tell({.sku = order.sku, .cancelled = true}, hour);
  }

  void PassNight(int position) {
    Shelf& shelf = shelves_[position];
    Random& random = shelf_random_[position];
    const bool vanishes = random.Chance(kVanishPerDay), loses = random.Chance(kLossPerDay),
               counted = random.Chance(kCountPerDay);
    if (vanishes) shelf.there = 0;
    if (loses) shelf.there = std::max(0, shelf.there - 1);
    ledger::Drift(shelf.doubt, kDay_s, policy_);
    if (!counted) return;
    Learn(shelf.recorded, shelf.there);
    shelf.recorded = shelf.there;
    ledger::TakeCount(shelf.doubt, shelf.there);
    if (shelf.there == 0)
      shelf.doubt.empty = 0;  // the record says so too: nothing is left to doubt
  }

  static void Report(Shelf& shelf, int known_through) {
    shelf.reported = shelf.recorded;
    shelf.reported_doubt = shelf.doubt.empty;
    shelf.known_through = known_through;
    shelf.committed = 0;
  }

  // What a count found against the record teaches how records are wrong.
  void Learn(int recorded, int found) {
    if (recorded <= 0 || found == 0) return;
    counted_ += 1;
    if (found >= recorded) return;
    short_ += 1;
    missing_ += recorded - found;
  }
  // Starts from 2 % of records one or two units short, worth fifty counts.
  ledger::RecordError Error() const {
    const double wrong = (short_ + 1) / (counted_ + 50);
    const double mean_missing = (missing_ + 1.5) / (short_ + 1);
    return {.wrong = wrong, .ratio = 1 - 1 / std::max(1.01, mean_missing)};
  }

  void Tell(OrderFate fate, int hour) {
    if (hour / 24 < kFirstTestDay) return;
    fate.week = hour / 24 / 7;
    fates_.push_back(fate);
  }

  const ledger::Posterior& Posterior(int day, int position) const {
    return known_.posteriors[static_cast<size_t>(day) * known_.positions + position];
  }
  double Exposure(int hour, int position) const {
    return known_.exposure[static_cast<size_t>(hour) * known_.positions + position];
  }

  const Dataset& data_;
  const DemandKnown& known_;
  const DisplayRule rule_;
  const ledger::DoubtPolicy policy_;
  std::vector<Shelf> shelves_;
  std::vector<Supply> supplies_;
  Random orders_random_;
  std::vector<Random> shelf_random_, delivery_random_;
  double counted_ = 0, short_ = 0, missing_ = 0;
  std::vector<OrderFate> fates_;
};

}  // namespace

DemandKnown LearnDemand(const Dataset& data) {
  DemandKnown known{.positions = static_cast<int>(data.positions.size())};
  known.of_sku.resize(data.skus.size());
  for (int i = 0; i < known.positions; ++i) known.of_sku[data.positions[i].sku].push_back(i);
  ChainReplay replay(&data, {});
  for (int hour = 0; hour < data.hours; ++hour) {
    for (int i = 0; i < known.positions; ++i) {
      if (hour % 24 == 0) known.posteriors.push_back(replay.PosteriorOf(i));
      known.exposure.push_back(static_cast<float>(replay.Exposure(i, hour)));
    }
    replay.LiveHour(hour);
  }
  return known;
}

std::vector<OrderFate> LiveWorld(const Dataset& data, const DemandKnown& known,
                                 const DisplayRule& rule, uint64_t seed) {
  return World(data, known, rule, seed).Live();
}

}  // namespace onhand::evaluation
