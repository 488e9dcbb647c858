#include "tests/bench/chain.h"

#include <algorithm>
#include <cstdio>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "onhand/v1/catalog.pb.h"
#include "onhand/v1/rules.pb.h"
#include "server/ledger/decide_catalog.h"
#include "server/ledger/decide_rules.h"
#include "storage/open.h"
#include "tests/bench/measure.h"

namespace onhand::bench {
namespace {

constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
constexpr int kItemsACall = 1'000;
constexpr int kRowsABatch = 10'000;

// One write of a person, waited for.
template <class Decide>
void Write(hub::Hub& hub, const std::string& what, const Decide& decide) {
  std::promise<absl::Status> done;
  hub::Write write;
  write.decide = [&decide](ledger::Group& group) -> absl::StatusOr<std::string> {
    if (auto decided = decide(group); !decided.ok()) return decided.status();
    return std::string();
  };
  write.done = [&done](absl::StatusOr<std::string> answer) { done.set_value(answer.status()); };
  hub.Submit(std::move(write));
  Must(done.get_future().get(), what);
}

void WriteItems(hub::Hub& hub, int items) {
  for (int first = 0; first < items; first += kItemsACall) {
    ThrowIfInterrupted();
    v1::BatchUpsertItemsRequest request;
    for (int n = first; n < std::min(items, first + kItemsACall); ++n) {
      v1::Item& item = *request.add_items();
      item.set_sku(SkuOf(n));
      item.set_name("Item " + std::to_string(n));
      item.set_category(n % 2 == 0 ? "footwear/running" : "apparel/shirts");
      item.set_published(true);
    }
    Write(hub, "items",
          [&](ledger::Group& group) { return ledger::DecideUpsertItems(group, request); });
  }
}

void WritePlaces(hub::Hub& hub, int locations) {
  v1::BatchUpsertLocationsRequest request;
  for (int n = 0; n < locations; ++n) {
    v1::Location& location = *request.add_locations();
    location.set_location_id(LocationOf(n));
    location.set_name("Store " + std::to_string(n));
    location.set_time_zone("Europe/Madrid");
  }
  Write(hub, "locations", [&](ledger::Group& group) {
    return ledger::DecideUpsertLocations(group, request, [](absl::string_view) { return true; });
  });
  v1::BatchUpsertChannelsRequest channels;
  v1::Channel& channel = *channels.add_channels();
  channel.set_channel_id(kChannelId);
  channel.set_name("Web");
  channel.set_kind(v1::CHANNEL_KIND_SHIP);
  Write(hub, "channel",
        [&](ledger::Group& group) { return ledger::DecideUpsertChannels(group, channels); });
}

// One at chain scope, one for a category, one for a store: a read has something to choose from.
void WriteRules(hub::Hub& hub) {
  std::vector<v1::SetRuleRequest> requests(3);
  v1::Rule& chain = *requests[0].mutable_rule();
  chain.set_rule_id("chain");
  chain.set_zero_policy(v1::ZERO_POLICY_SOLD_OUT);
  chain.mutable_buffer()->set_units(1);
  chain.mutable_chain_floor()->set_units(2);
  v1::Rule& category = *requests[1].mutable_rule();
  category.set_rule_id("running");
  category.mutable_scope()->set_category("footwear/running");
  category.set_low_stock_at(5);
  v1::Rule& store = *requests[2].mutable_rule();
  store.set_rule_id("small-store");
  store.mutable_scope()->set_location_id(LocationOf(0));
  store.set_location_floor(2);
  for (v1::SetRuleRequest& request : requests) {
    request.set_author("bench");
    request.set_reason("a chain has rules");
    Write(hub, "rule", [&](ledger::Group& group) { return ledger::DecideSetRule(group, request); });
  }
}

// A LEVEL for every item at every location.
void WriteLevels(hub::Hub& hub, const ChainShape& shape, int64_t now_us) {
  std::vector<std::unique_ptr<LocalSource>> sources;
  sources.reserve(static_cast<size_t>(shape.locations));
  for (int location = 0; location < shape.locations; ++location) {
    sources.push_back(std::make_unique<LocalSource>(&hub, location, "first"));
  }
  for (int first = 0; first < shape.items; first += kRowsABatch) {
    ThrowIfInterrupted();
    std::vector<v1::Batch> batches(sources.size());
    for (size_t location = 0; location < sources.size(); ++location) {
      v1::Batch& batch = batches[location];
      batch.add_known_through()->set_at_us(now_us);
      for (int n = first; n < std::min(shape.items, first + kRowsABatch); ++n) {
        v1::Movement& row = *batch.add_movements();
        row.set_sku(SkuOf(n));
        row.set_kind(v1::MOVEMENT_KIND_LEVEL);
        row.set_quantity(5 + (n + static_cast<int>(location)) % 40);
        row.set_occurred_at_us(now_us);
      }
      sources[location]->Submit(&batch);
    }
    for (const auto& source : sources) source->Wait();
  }
}

}  // namespace

std::string SkuOf(int item) {
  char text[24];
  std::snprintf(text, sizeof(text), "SKU%07d", item);
  return text;
}

std::string LocationOf(int location) {
  char text[24];
  std::snprintf(text, sizeof(text), "store-%03d", location);
  return text;
}

v1::Hello HelloOf(int location, const std::string& spool_id) {
  v1::Hello hello;
  hello.set_source_id("till-" + LocationOf(location));
  hello.set_spool_id(spool_id);
  hello.add_location_ids(LocationOf(location));
  hello.set_agent("onhand-bench");
  return hello;
}

int64_t WallUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

LocalSource::LocalSource(hub::Hub* hub, int location, const std::string& spool_id) : hub_(hub) {
  std::promise<absl::StatusOr<ledger::OpenedSource>> opened;
  hub_->OpenSource(HelloOf(location, spool_id), [&opened](absl::StatusOr<ledger::OpenedSource> o) {
    opened.set_value(std::move(o));
  });
  opened_ = Must(opened.get_future().get(), "opening a source");
  sequence_ = opened_.durable_sequence;
}

void LocalSource::Submit(v1::Batch* batch) {
  batch->set_sequence(++sequence_);
  ++open_;
  hub::ReportWrite report;
  report.source = opened_.source;
  report.spool = opened_.spool;
  report.batch = batch;
  report.done = [this](absl::StatusOr<hub::ReportResult> result) {
    if (!result.ok() || !result->decision.problems.empty()) ++refused_;
    --open_;
    open_.notify_all();
  };
  hub_->SubmitReport(std::move(report));
}

void LocalSource::Wait() {
  for (int open = open_; open != 0; open = open_) open_.wait(open);
  if (refused_ != 0) throw std::runtime_error("a batch of the bench was refused");
}

void MakeChain(const std::string& url, const ChainShape& shape) {
  const std::unique_ptr<storage::Store> store = Must(storage::OpenStore(url, ""), "store");
  Must(store->Migrate().status(), "migrations");
  // Past the window in which events may still come between those told before.
  TurnedClock clock(WallUs() - 48 * kHourUs);
  uint64_t revision = 0;
  {
    const std::unique_ptr<hub::Hub> hub =
        Must(hub::Hub::Start(store.get(), &clock, {.version = "bench"}), "hub");
    WritePlaces(*hub, shape.locations);
    WriteItems(*hub, shape.items);
    WriteRules(*hub);
    if (shape.positions) WriteLevels(*hub, shape, clock.NowUs());
    clock.Turn(47 * kHourUs);
    // The next row at the new time ends all windows; one tick is appended without being asked.
    for (const uint64_t before = hub->revision(); hub->revision() == before;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    hub->Stop(/*take_image=*/true);
    revision = hub->revision();
  }
  storage::ProjectionBatch nothing;
  nothing.through_revision = revision;
  Must(store->projection().Write(1, std::move(nothing)), "watermark");
  Must(store->projection().WriteMovements(1, revision, {}), "watermark of movements");
}

}  // namespace onhand::bench
