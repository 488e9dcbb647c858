#include "server/rpc/quarantine_service.h"

#include <functional>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/decide_quarantine.h"
#include "server/ledger/validate.h"
#include "server/rpc/paging.h"
#include "server/rpc/unary.h"

namespace onhand::rpc {
namespace {

v1::QuarantineEntry EntryOf(const ledger::State& state,
                            const ledger::journal::QuarantineEntry& kept) {
  v1::QuarantineEntry entry;
  entry.set_quarantine_id(kept.quarantine_id());
  entry.set_reason(kept.reason());
  entry.set_message(kept.message());
  entry.set_source_id(std::string(state.SourceNameOf(kept.source())));
  if (const auto* location = state.locations.Find(kept.location()))
    entry.set_location_id(location->location_id());
  *entry.mutable_quarantined_at() = ledger::TimestampOf(kept.quarantined_us());
  if (kept.occurred_us() != 0)
    *entry.mutable_occurred_at() = ledger::TimestampOf(kept.occurred_us());
  entry.set_sku(kept.sku());
  entry.set_kind(static_cast<v1::MovementKind>(kept.kind()));
  entry.set_quantity(kept.quantity());
  entry.set_is_snapshot(kept.is_snapshot());
  entry.set_snapshot_rows(kept.snapshot_rows());
  entry.set_snapshot_lost_positions(kept.lost_positions());
  entry.set_snapshot_known_positions(kept.known_positions());
  return entry;
}

// The answer of a decision that only says since when it holds.
template <class Response, class Request>
auto WithRevision(absl::Status (*decide)(ledger::Group&, const Request&)) {
  return [decide](ledger::Group& group, const Request& request) -> absl::StatusOr<Response> {
    if (absl::Status refused = decide(group, request); !refused.ok()) return refused;
    Response response;
    response.set_revision(group.revision());
    return response;
  };
}

}  // namespace

void QuarantineService::Serve(CallQueue* queue) {
  ServeUnary(queue, &service_, &Service::RequestListQuarantine,
             std::bind_front(&QuarantineService::ListQuarantine, this));
  ServeUnary(
      queue, &service_, &Service::RequestAcceptQuarantined,
      WriteOf(hub_, WithRevision<v1::AcceptQuarantinedResponse>(ledger::DecideAcceptQuarantined)));
  ServeUnary(
      queue, &service_, &Service::RequestRetryQuarantined,
      WriteOf(hub_, WithRevision<v1::RetryQuarantinedResponse>(ledger::DecideRetryQuarantined)));
  ServeUnary(
      queue, &service_, &Service::RequestDropQuarantined,
      WriteOf(hub_, WithRevision<v1::DropQuarantinedResponse>(ledger::DecideDropQuarantined)));
}

absl::Status QuarantineService::ListQuarantine(const v1::ListQuarantineRequest& request,
                                               v1::ListQuarantineResponse* response) {
  const std::string list = absl::StrCat("quarantine\n", request.location_id());
  const absl::StatusOr<Page> page = ReadPage(request.page_size(), request.page_token(), list);
  if (!page.ok()) return page.status();
  uint64_t after = 0;  // entries count from 1
  if (!absl::SimpleAtoi(page->after, &after)) after = 0;
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    const ledger::State& state = ledger.state();
    uint32_t only = 0;
    if (!request.location_id().empty()) {
      const absl::StatusOr<uint32_t> location =
          ledger::FindLocation(state, "location_id", request.location_id());
      if (!location.ok()) return location.status();
      only = *location;
    }
    const std::vector<uint64_t> ids =
        KeysAfter(state.quarantine, std::optional<uint64_t>(after), page->size + 1,
                  [only](const ledger::journal::QuarantineEntry& kept) {
                    return only == 0 || kept.location() == only;
                  });
    for (size_t i = 0; i < std::min(ids.size(), page->size); ++i) {
      *response->add_entries() = EntryOf(state, *state.quarantine.Find(ids[i]));
    }
    if (ids.size() > page->size)
      response->set_next_page_token(PageToken(list, absl::StrCat(ids[page->size - 1])));
    return absl::OkStatus();
  });
}

}  // namespace onhand::rpc
