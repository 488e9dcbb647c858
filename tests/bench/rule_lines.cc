#include <time.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "server/ledger/availability.h"
#include "server/ledger/decide_catalog.h"
#include "server/ledger/decide_rules.h"
#include "server/ledger/group.h"
#include "server/ledger/ledger.h"
#include "server/ledger/nearby.h"
#include "server/ledger/preview.h"
#include "tests/bench/chain.h"
#include "tests/bench/lines.h"
#include "tests/bench/table.h"

namespace onhand::bench {
namespace {

namespace journal = ::onhand::journal::v1;
using ledger::Group;

constexpr int kWideLocations = 1'000;
constexpr int kItemsACall = 1'000;
constexpr int kPositionsAFact = 2'000;
constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3'600 * kSecond;
constexpr int64_t kStart = 1'700'000'000 * kSecond;
constexpr char kNearbyLine[] = "ten nearest of 1,000 locations that have an item";
constexpr char kPlainLine[] = "answer over 1,000 locations: units withheld";

// Of this thread: an answer takes no locks and does no I/O, and what else the machine does is not
// its cost.
double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// A chain in one ledger, without a hub: every position has stock, velocity and
// doubt, one in twenty moved lately, and all told up to some minutes ago.
class WideChain {
 public:
  WideChain(int items, int locations)
      : items_(items), locations_(locations), ledger_(ledger::Settings{}) {
    MakeCatalog();
    Teach();
    MakeStock();
    now_us_ += 48 * kHour;  // what moved so far is history
    MakeSales();
    TellEverything();
  }

  // One rule for all, instead of the one before. `fill` sets its fields.
  template <class Fill>
  void Rule(Fill fill) {
    v1::SetRuleRequest request;
    request.mutable_rule()->set_rule_id("rule");
    request.set_etag("*");
    fill(*request.mutable_rule());
    Run([&](Group& group) { Must(DecideSetRule(group, request).status(), "rule"); });
  }

  // Microseconds of one core an answer about a random item, from memory that other items have used
  // meanwhile.
  double Measure(uint32_t channel, double seconds) {
    std::mt19937 random(7);
    std::vector<uint32_t> asked(4'096);
    for (uint32_t& item : asked) item = 1 + random() % static_cast<uint32_t>(items_);
    int64_t answers = 0;
    const double start = CpuSeconds();
    while (CpuSeconds() - start < seconds) {
      for (int i = 0; i < 256; ++i, ++answers) {
        const ledger::Promise promise =
            Evaluate(ledger_.state(), ledger_.rule_book(),
                     {.item = asked[answers % asked.size()], .channel = channel});
        salable_ += promise.salable;
        shown_ += promise.too_risky ? 0 : 1;
      }
    }
    ThrowIfInterrupted();
    return (CpuSeconds() - start) * 1e6 / static_cast<double>(answers);
  }

  // Microseconds of one core to find the ten nearest locations that have a random item.
  double MeasureNearby(uint32_t channel, double seconds) {
    int64_t questions = 0;
    const double start = CpuSeconds();
    while (CpuSeconds() - start < seconds) {
      const ledger::EarthPoint near{.latitude = 36 + 8 * Chance(), .longitude = -9 + 12 * Chance()};
      ledger::NearbySearch search(ledger_, {.channel = channel, .near = near});
      search.TakeItem(ledger_,
                      1 + static_cast<uint32_t>(random_() % static_cast<uint64_t>(items_)));
      salable_ += static_cast<int64_t>(std::move(search).Found().size());
      ++questions;
    }
    ThrowIfInterrupted();
    return (CpuSeconds() - start) * 1e6 / static_cast<double>(questions);
  }

  // What a change of the rule costs to preview, and how long the ledger is held at most for it.
  struct Previewed {
    double seconds = 0;
    double held_ms_max = 0;
    v1::PreviewRulesResponse result;
  };
  template <class Fill>
  Previewed Preview(Fill fill) {
    v1::SetRuleRequest request;
    request.mutable_rule()->set_rule_id("rule");
    request.set_etag("*");
    fill(*request.mutable_rule());
    ledger::Preview preview(Must(NewVersionsOf(ledger_.state(), now_us_, request), "versions"),
                            ledger::Preview::Extent::kFull, 100);
    Previewed previewed;
    const auto start = SteadyClock::now();
    for (bool more = true; more;) {
      const auto slice = SteadyClock::now();
      more = preview.CompareSlice(ledger_);
      previewed.held_ms_max = std::max(previewed.held_ms_max, SecondsSince(slice) * 1e3);
    }
    previewed.seconds = SecondsSince(start);
    previewed.result = preview.Result();
    return previewed;
  }

  // Kept, so that no answer is left out as unused.
  int64_t salable() const { return salable_ + shown_; }

 private:
  template <class Decide>
  void Run(Decide decide) {
    Group group(&ledger_.state(), {revision_ + 1, 1, now_us_});
    decide(group);
    const journal::Record record = group.record();
    Must(ledger_.ApplyFacts({++revision_, 1, now_us_}, record, 0, record.facts_size()), "apply");
    ledger_.EndSlice();
  }

  void MakeCatalog() {
    v1::BatchUpsertLocationsRequest locations;
    for (int i = 1; i <= locations_; ++i) {
      v1::Location& location = *locations.add_locations();
      location.set_location_id("store-" + std::to_string(i));
      location.set_time_zone("UTC");
      location.set_has_coordinates(true);
      location.set_latitude(36 + 8 * Chance());  // some country's width
      location.set_longitude(-9 + 12 * Chance());
    }
    v1::BatchUpsertChannelsRequest channels;
    const auto add = [&](const char* id, v1::ChannelKind kind) {
      channels.add_channels()->set_channel_id(id);
      channels.mutable_channels(channels.channels_size() - 1)->set_kind(kind);
    };
    add("ship", v1::CHANNEL_KIND_SHIP);
    add("pickup", v1::CHANNEL_KIND_PICKUP);
    add("in-store", v1::CHANNEL_KIND_IN_STORE);
    Run([&](Group& group) {
      Must(DecideUpsertLocations(group, locations, [](absl::string_view) { return true; }).status(),
           "locations");
      Must(DecideUpsertChannels(group, channels).status(), "channels");
    });
    for (int first = 1; first <= items_; first += kItemsACall) {
      v1::BatchUpsertItemsRequest items;
      for (int i = first; i < std::min(first + kItemsACall, items_ + 1); ++i) {
        v1::Item& item = *items.add_items();
        item.set_sku(SkuOf(i));
        item.set_published(true);
      }
      Run([&](Group& group) { Must(DecideUpsertItems(group, items).status(), "items"); });
    }
  }

  // Stores open twelve hours a day; an item sells a unit in some days to some in a day.
  void Teach() {
    Run([&](Group& group) {
      journal::Fact locations;
      for (uint32_t id = 1; id <= static_cast<uint32_t>(locations_); ++id) {
        journal::LearnedLocation& row = *locations.mutable_learned_locations()->add_locations();
        row.set_location(id);
        row.set_factor(0.5 + Chance());
        for (int hour = 0; hour < 168; ++hour) {
          row.add_weight(hour % 24 >= 9 && hour % 24 < 21 ? 2 : 0.001F);
        }
      }
      group.Add(std::move(locations));
      journal::Fact items;
      for (int id = 1; id <= items_; ++id) {
        items.mutable_learned_items()->add_item(static_cast<uint32_t>(id));
        items.mutable_learned_items()->add_rate(static_cast<float>(0.01 + 0.2 * Chance()));
        items.mutable_learned_items()->add_units(0);
        items.mutable_learned_items()->add_expected(0);
        for (int day = 0; day < 7; ++day) {
          items.mutable_learned_items()->add_weekday(1);
          items.mutable_learned_items()->add_weekday_units(0);
          items.mutable_learned_items()->add_weekday_expected(0);
        }
      }
      group.Add(std::move(items));
    });
  }

  void MakeStock() {
    for (int id = 1; id <= items_; ++id) {
      Run([&](Group& group) {
        journal::Fact stock;
        journal::MovementColumns& rows = *stock.mutable_row_retried()->mutable_rows();
        stock.mutable_row_retried()->set_sequence(static_cast<uint64_t>(id));
        rows.set_base_us(now_us_);
        journal::Fact taught;
        journal::PositionsTaught& positions = *taught.mutable_positions_taught();
        std::string kinds;
        for (uint32_t location = 1; location <= static_cast<uint32_t>(locations_); ++location) {
          rows.add_item(static_cast<uint32_t>(id));
          rows.add_location(location);
          kinds.push_back(static_cast<char>(ledger::EventKind::kReceipt));
          rows.add_quantity(1 + static_cast<int64_t>(random_() % 20));
          rows.add_occurred(0);
          positions.add_item(static_cast<uint32_t>(id));
          positions.add_location(location);
          positions.add_sold(static_cast<float>(10 * Chance()));
          positions.add_exposure(static_cast<float>(10 * Chance()));
          positions.add_at_s(static_cast<uint32_t>((now_us_ + kHour) / kSecond));
          positions.add_empty(static_cast<float>(0.004 * Chance()));
          positions.add_run(0);
          positions.add_last_sale_s(0);
        }
        rows.set_kind(kinds);
        group.Add(std::move(stock));
        group.Add(std::move(taught));
      });
    }
  }

  void MakeSales() {
    for (int n = 0; n < items_ * locations_ / 20; n += kPositionsAFact) {
      Run([&](Group& group) {
        journal::Fact sales;
        journal::MovementColumns& rows = *sales.mutable_row_retried()->mutable_rows();
        sales.mutable_row_retried()->set_sequence(static_cast<uint64_t>(n));
        rows.set_base_us(now_us_);
        for (int i = 0; i < kPositionsAFact; ++i) {
          rows.add_item(1 + static_cast<uint32_t>(random_()) % static_cast<uint32_t>(items_));
          rows.add_location(1 +
                            static_cast<uint32_t>(random_()) % static_cast<uint32_t>(locations_));
          rows.add_quantity(1);
          rows.add_occurred(0);
        }
        rows.set_kind(std::string(kPositionsAFact, static_cast<char>(ledger::EventKind::kSale)));
        group.Add(std::move(sales));
      });
    }
  }

  void TellEverything() {
    Run([&](Group& group) {
      journal::Fact opened;
      opened.mutable_source_opened()->set_source(1);
      opened.mutable_source_opened()->set_source_id("tills");
      opened.mutable_source_opened()->set_spool(1);
      journal::Fact told;
      told.mutable_known_through()->set_source(1);
      for (uint32_t id = 1; id <= static_cast<uint32_t>(locations_); ++id) {
        opened.mutable_source_opened()->add_locations(id);
        journal::LocationMoment& moment = *told.mutable_known_through()->add_known_through();
        moment.set_location(id);
        moment.set_at_us(now_us_ - static_cast<int64_t>(random_() % 3'600) * kSecond);
      }
      group.Add(std::move(opened));
      group.Add(std::move(told));
    });
  }

  double Chance() { return std::uniform_real_distribution<double>()(random_); }

  const int items_;
  const int locations_;
  ledger::Ledger ledger_;
  std::mt19937_64 random_{1};
  int64_t now_us_ = kStart;
  uint64_t revision_ = 0;
  int64_t salable_ = 0;
  int64_t shown_ = 0;
};

constexpr uint32_t kShip = 0;
constexpr uint32_t kPickup = 1;

struct Mode {
  const char* line;
  uint32_t channel;
  const char* goal;
  void (*fill)(v1::Rule& rule);
};

constexpr Mode kModes[] = {
    {kPlainLine, kShip, "-", [](v1::Rule& rule) { rule.mutable_buffer()->set_units(1); }},
    {"answer over 1,000 locations: POOLED, risk", kShip, "20 us; 5 us",
     [](v1::Rule& rule) {
       rule.set_chain_mode(v1::CHAIN_MODE_POOLED);
       rule.mutable_chain_buffer()->set_risk_one_in(100);
     }},
    {"answer over 1,000 locations: risk at each, PICKUP", kPickup, "stated; 50 us",
     [](v1::Rule& rule) { rule.mutable_buffer()->set_risk_one_in(100); }},
    {"answer over 1,000 locations: fillable, SHIP", kShip, "stated; 50 us",
     [](v1::Rule& rule) { rule.mutable_buffer()->set_risk_one_in(100); }},
    {"answer over 1,000 locations: not fillable, SHIP", kShip, "stated; 50 us",
     [](v1::Rule& rule) {
       rule.mutable_buffer()->set_risk_one_in(1'000'000);
       rule.mutable_buffer()->set_tries(1);
     }},
};

// From a plain rule to another one of each kind; all answers are compared, and nearly all change.
struct Change {
  const char* line;
  void (*fill)(v1::Rule& rule);
};
constexpr Change kChanges[] = {
    {"preview, 100,000 items x 20 x 3: chain floor",
     [](v1::Rule& rule) {
       rule.mutable_buffer()->set_units(1);
       rule.mutable_chain_floor()->set_units(300);
     }},
    {"preview, 100,000 items x 20 x 3: units withheld",
     [](v1::Rule& rule) { rule.mutable_buffer()->set_units(5); }},
    {"preview, 100,000 items x 20 x 3: risk",
     [](v1::Rule& rule) { rule.mutable_buffer()->set_risk_one_in(100); }},
};

}  // namespace

void MeasurePreviews(const Settings& settings) {
  const auto wants = [&](const Change& change) { return settings.Wants(change.line); };
  if (std::none_of(std::begin(kChanges), std::end(kChanges), wants)) return;
  WideChain chain(settings.quick ? 100 : 100'000, 20);
  chain.Rule([](v1::Rule& rule) { rule.mutable_buffer()->set_units(1); });
  for (const Change& change : kChanges) {
    if (!wants(change)) continue;
    std::vector<double> seconds;
    std::vector<double> held;
    for (int round = 0; round < settings.repeat; ++round) {
      ThrowIfInterrupted();
      const auto previewed = chain.Preview(change.fill);
      Must(previewed.result.changed_count() > 0 ? absl::OkStatus()
                                                : absl::InternalError("nothing changes"),
           "preview");
      seconds.push_back(previewed.seconds);
      held.push_back(previewed.held_ms_max);
    }
    Table::Print({change.line, "-", Fixed(Median(std::move(seconds)), 2) + " s", "-", "2 s"});
    Table::Print(
        {"  longest hold of the ledger", "-", Fixed(Median(std::move(held)), 1) + " ms", "-", "-"});
  }
}

void MeasureRules(const Settings& settings) {
  const auto wants = [&](const Mode& mode) { return settings.Wants(mode.line); };
  if (std::none_of(std::begin(kModes), std::end(kModes), wants) && !settings.Wants(kNearbyLine)) {
    return;
  }
  WideChain chain(settings.quick ? 4 : 200, kWideLocations);
  for (const Mode& mode : kModes) {
    if (!wants(mode)) continue;
    chain.Rule(mode.fill);
    std::vector<double> samples;
    samples.reserve(static_cast<size_t>(settings.repeat));
    for (int round = 0; round < settings.repeat; ++round) {
      samples.push_back(chain.Measure(mode.channel, settings.seconds / 4));
    }
    Table::Print({mode.line, "-", Fixed(Median(std::move(samples)), 1) + " us", "-", mode.goal});
  }
  if (settings.Wants(kNearbyLine)) {
    chain.Rule([](v1::Rule& rule) { rule.mutable_buffer()->set_units(1); });
    std::vector<double> samples;
    for (int round = 0; round < settings.repeat; ++round) {
      samples.push_back(chain.MeasureNearby(kShip, settings.seconds / 4));
    }
    Table::Print({kNearbyLine, "-", Fixed(Median(std::move(samples)), 1) + " us", "-", "1 ms"});
  }
  Must(chain.salable() > 0 ? absl::OkStatus() : absl::InternalError("nothing was salable"),
       "answers");
}

}  // namespace onhand::bench
