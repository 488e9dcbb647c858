#include "server/rpc/hub_service.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/decide_stock.h"
#include "server/ledger/validate.h"
#include "server/rpc/paging.h"
#include "server/rpc/unary.h"

namespace onhand::rpc {
namespace {

using StatusByLocation = absl::flat_hash_map<uint32_t, v1::LocationStatus*>;

v1::LocationStatus LocationStatusOf(const ledger::State& state,
                                    const ledger::journal::Location& location) {
  v1::LocationStatus status;
  status.set_location_id(location.location_id());
  status.set_name(location.name());
  status.set_state(static_cast<v1::LocationState>(location.state()));
  if (const ledger::LocationClock* clock = state.clocks.Find(location.id())) {
    if (const int64_t us = clock->KnownThrough(); us != 0)
      *status.mutable_known_through() = ledger::TimestampOf(us);
    status.set_position_count(clock->position_count);
  }
  return status;
}

int64_t KnownThroughOf(const ledger::LocationClock* clock, uint32_t source) {
  if (clock == nullptr) return 0;
  for (const auto& moment : clock->sources) {
    if (moment.source == source) return moment.known_through_us;
  }
  return 0;
}

void AddSources(const ledger::State& state, const absl::flat_hash_set<uint32_t>& connected,
                const StatusByLocation& page) {
  state.sources.ForEach([&](uint32_t id, const ledger::SourceState& source) {
    for (const uint32_t location : source.opened.locations()) {
      const auto found = page.find(location);
      if (found == page.end()) continue;
      v1::SourceStatus& status = *found->second->add_sources();
      status.set_source_id(source.opened.source_id());
      status.set_spool_id(source.opened.spool_id());
      status.set_durable_sequence(source.durable_sequence);
      status.set_connected(connected.contains(id));
      status.set_retired(source.retired);
      if (const int64_t us = KnownThroughOf(state.clocks.Find(location), id); us != 0) {
        *status.mutable_known_through() = ledger::TimestampOf(us);
      }
      if (source.last_report_us != 0)
        *status.mutable_last_report_at() = ledger::TimestampOf(source.last_report_us);
    }
  });
}

}  // namespace

HubService::HubService(hub::Hub* hub, const OpenStreams* streams, Surroundings surroundings)
    : hub_(hub), streams_(streams), surroundings_(std::move(surroundings)) {}

void HubService::Serve(CallQueue* queue) {
  ServeUnary(queue, &service_, &Service::RequestGetHubStatus,
             std::bind_front(&HubService::GetHubStatus, this));
  ServeUnary(queue, &service_, &Service::RequestListLocationStatus,
             std::bind_front(&HubService::ListLocationStatus, this));
  ServeUnary(queue, &service_, &Service::RequestRetireSource,
             WriteOf(hub_, ledger::DecideRetireSource));
  ServeUnary(queue, &service_, &Service::RequestListDisplayChanges,
             std::bind_front(&HubService::ListDisplayChanges, this));
}

absl::Status HubService::GetHubStatus(const v1::GetHubStatusRequest&,
                                      v1::GetHubStatusResponse* response) {
  response->set_version(surroundings_.version);
  response->set_store(surroundings_.store);
  response->set_journal_id(hub_->journal_id());
  response->set_projected_revision(surroundings_.projected_revision());
  response->set_image_revision(hub_->image_revision());
  response->set_stream_count(streams_->size());
  response->set_report_count(hub_->counts().reports.load());
  response->set_movement_count(hub_->counts().movements.load());
  const ShownCounts counts = CountShown();
  response->set_shown_count(counts.shown);
  response->set_hidden_count(counts.hidden);
  response->set_backordered_count(counts.backordered);
  hub_->Read([&](const ledger::Ledger& ledger) {
    const ledger::State& state = ledger.state();
    response->set_revision(state.counters.revision);
    *response->mutable_ledger_time() = ledger::TimestampOf(state.counters.time_us);
    response->set_item_count(ledger.sku_order().size());
    response->set_position_count(state.positions.size());
    response->set_quarantine_count(state.quarantine.size());
  });
  return absl::OkStatus();
}

HubService::ShownCounts HubService::CountShown() {
  absl::MutexLock lock(&mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (counted_at_ != std::chrono::steady_clock::time_point() &&
      now - counted_at_ < std::chrono::seconds(1)) {
    return counted_;
  }
  ShownCounts counts;
  hub_->Read([&](const ledger::Ledger& ledger) {
    ledger.state().display.ForEach([&](const ledger::DisplayKey&, const ledger::Display& display) {
      switch (display.status) {
        case v1::AVAILABILITY_STATUS_HIDDEN:
          ++counts.hidden;
          break;
        case v1::AVAILABILITY_STATUS_BACKORDER:
          ++counts.backordered;
          break;
        default:
          ++counts.shown;
      }
    });
  });
  counted_ = counts;
  counted_at_ = now;
  return counted_;
}

absl::Status HubService::ListLocationStatus(const v1::ListLocationStatusRequest& request,
                                            v1::ListLocationStatusResponse* response) {
  const absl::StatusOr<Page> page =
      ReadPage(request.page_size(), request.page_token(), "location status");
  if (!page.ok()) return page.status();
  const absl::flat_hash_set<uint32_t> connected = streams_->Sources();
  hub_->Read([&](const ledger::Ledger& ledger) {
    const ledger::State& state = ledger.state();
    *response->mutable_ledger_time() = ledger::TimestampOf(state.counters.time_us);
    const std::vector<std::string> ids =
        KeysAfter(state.location_ids, std::optional<std::string>(page->after), page->size + 1,
                  [](uint32_t) { return true; });
    const size_t shown = std::min(ids.size(), page->size);
    StatusByLocation by_location;
    for (size_t i = 0; i < shown; ++i) {
      const uint32_t location = *state.location_ids.Find(ids[i]);
      v1::LocationStatus* status = response->add_locations();
      *status = LocationStatusOf(state, *state.locations.Find(location));
      by_location[location] = status;
    }
    AddSources(state, connected, by_location);
    state.quarantine.ForEach([&](uint64_t, const ledger::journal::QuarantineEntry& entry) {
      const auto found = by_location.find(entry.location());
      if (found != by_location.end())
        found->second->set_quarantine_count(found->second->quarantine_count() + 1);
    });
    if (ids.size() > shown)
      response->set_next_page_token(PageToken("location status", ids[shown - 1]));
  });
  for (v1::LocationStatus& status : *response->mutable_locations()) {
    std::sort(status.mutable_sources()->begin(), status.mutable_sources()->end(),
              [](const v1::SourceStatus& a, const v1::SourceStatus& b) {
                return a.source_id() < b.source_id();
              });
  }
  return absl::OkStatus();
}

absl::Status HubService::ListDisplayChanges(const v1::ListDisplayChangesRequest& request,
                                            v1::ListDisplayChangesResponse* response) {
  absl::Status status = hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    const ledger::State& state = ledger.state();
    const absl::StatusOr<uint32_t> item = ledger::FindItem(state, "sku", request.sku());
    if (!item.ok()) return item.status();
    for (const std::string& channel_id : state.channel_ids.SortedKeys()) {
      const ledger::Display* display =
          state.display.Find(ledger::DisplayKey{*item, *state.channel_ids.Find(channel_id)});
      if (display == nullptr) continue;
      v1::DisplayChange& change = *response->add_changes();
      change.set_sku(state.items.Find(*item)->sku());
      change.set_channel_id(channel_id);
      change.set_status(static_cast<v1::AvailabilityStatus>(display->status));
      *change.mutable_changed_at() = ledger::TimestampOf(display->changed_us);
      change.set_salable(display->salable);
      change.set_rule_id(display->rule_id);
      change.set_rule_version(display->rule_version);
    }
    return absl::OkStatus();
  });
  std::stable_sort(response->mutable_changes()->begin(), response->mutable_changes()->end(),
                   [](const v1::DisplayChange& a, const v1::DisplayChange& b) {
                     return ledger::MicrosOf(a.changed_at()) > ledger::MicrosOf(b.changed_at());
                   });
  return status;
}

}  // namespace onhand::rpc
