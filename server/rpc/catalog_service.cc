#include "server/rpc/catalog_service.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/decide_catalog.h"
#include "server/ledger/validate.h"
#include "server/rpc/paging.h"
#include "server/rpc/time_zones.h"
#include "server/rpc/unary.h"

namespace onhand::rpc {
namespace {

// Items looked at under one lock; a category may hold few of many.
constexpr size_t kItemsALockMax = 2'048;

bool InCategory(absl::string_view path, absl::string_view category) {
  return category.empty() || path == category ||
         (absl::StartsWith(path, category) && path.size() > category.size() &&
          path[category.size()] == '/');
}

}  // namespace

grpc::ServerUnaryReactor* CatalogService::BatchUpsertItems(
    grpc::CallbackServerContext* context, const v1::BatchUpsertItemsRequest* request,
    v1::BatchUpsertItemsResponse* response) {
  return SubmitWrite(hub_, context, request, response, ledger::DecideUpsertItems);
}

grpc::ServerUnaryReactor* CatalogService::GetItem(grpc::CallbackServerContext* context,
                                                  const v1::GetItemRequest* request,
                                                  v1::GetItemResponse* response) {
  return Finish(context, hub_->Read([&](const ledger::Ledger& ledger) {
    const absl::StatusOr<uint32_t> item = ledger::FindItem(ledger.state(), "sku", request->sku());
    if (item.ok()) *response->mutable_item() = ledger::ItemOf(*ledger.state().items.Find(*item));
    return item.status();
  }));
}

grpc::ServerUnaryReactor* CatalogService::ListItems(grpc::CallbackServerContext* context,
                                                    const v1::ListItemsRequest* request,
                                                    v1::ListItemsResponse* response) {
  const std::string list = absl::StrCat("items\n", request->category());
  const absl::StatusOr<Page> page = ReadPage(request->page_size(), request->page_token(), list);
  if (!page.ok()) return Finish(context, page.status());
  std::string after = page->after;
  for (bool more = true; more;) {
    more = hub_->Read([&](const ledger::Ledger& ledger) {
      const auto& order = ledger.sku_order();
      size_t looked_at = 0;
      for (auto at = order.upper_bound(after); at != order.end(); ++at) {
        if (static_cast<size_t>(response->items_size()) == page->size) {
          response->set_next_page_token(PageToken(list, after));
          return false;
        }
        if (++looked_at > kItemsALockMax) return true;
        after = at->first;
        const ledger::journal::Item& item = *ledger.state().items.Find(at->second);
        if (InCategory(item.category(), request->category()))
          *response->add_items() = ledger::ItemOf(item);
      }
      return false;
    });
  }
  return Finish(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* CatalogService::RenameItem(grpc::CallbackServerContext* context,
                                                     const v1::RenameItemRequest* request,
                                                     v1::RenameItemResponse* response) {
  return SubmitWrite(hub_, context, request, response, ledger::DecideRenameItem);
}

grpc::ServerUnaryReactor* CatalogService::MergeItems(grpc::CallbackServerContext* context,
                                                     const v1::MergeItemsRequest* request,
                                                     v1::MergeItemsResponse* response) {
  return SubmitWrite(hub_, context, request, response, ledger::DecideMergeItems);
}

grpc::ServerUnaryReactor* CatalogService::StopItem(grpc::CallbackServerContext* context,
                                                   const v1::StopItemRequest* request,
                                                   v1::StopItemResponse* response) {
  return SubmitWrite(hub_, context, request, response, ledger::DecideStopItem);
}

grpc::ServerUnaryReactor* CatalogService::BatchUpsertLocations(
    grpc::CallbackServerContext* context, const v1::BatchUpsertLocationsRequest* request,
    v1::BatchUpsertLocationsResponse* response) {
  // Time zones are files: they are looked up here, so that the decision reads none.
  const auto known = std::make_shared<absl::flat_hash_set<std::string>>();
  for (const v1::Location& location : request->locations()) {
    if (!known->contains(location.time_zone()) && TimeZoneExists(location.time_zone())) {
      known->insert(location.time_zone());
    }
  }
  return SubmitWrite(hub_, context, request, response,
                     [known](ledger::Group& group, const v1::BatchUpsertLocationsRequest& asked) {
                       return ledger::DecideUpsertLocations(
                           group, asked,
                           [&known](absl::string_view name) { return known->contains(name); });
                     });
}

grpc::ServerUnaryReactor* CatalogService::ListLocations(grpc::CallbackServerContext* context,
                                                        const v1::ListLocationsRequest* request,
                                                        v1::ListLocationsResponse* response) {
  const absl::StatusOr<Page> page =
      ReadPage(request->page_size(), request->page_token(), "locations");
  if (!page.ok()) return Finish(context, page.status());
  hub_->Read([&](const ledger::Ledger& ledger) {
    const ledger::State& state = ledger.state();
    const std::vector<std::string> ids =
        KeysAfter(state.location_ids, std::optional<std::string>(page->after), page->size + 1,
                  [](uint32_t) { return true; });
    for (size_t i = 0; i < std::min(ids.size(), page->size); ++i) {
      *response->add_locations() =
          ledger::LocationOf(state, *state.locations.Find(*state.location_ids.Find(ids[i])));
    }
    if (ids.size() > page->size)
      response->set_next_page_token(PageToken("locations", ids[page->size - 1]));
  });
  return Finish(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* CatalogService::SetLocationState(
    grpc::CallbackServerContext* context, const v1::SetLocationStateRequest* request,
    v1::SetLocationStateResponse* response) {
  return SubmitWrite(hub_, context, request, response, ledger::DecideSetLocationState);
}

grpc::ServerUnaryReactor* CatalogService::BatchUpsertGroups(
    grpc::CallbackServerContext* context, const v1::BatchUpsertGroupsRequest* request,
    v1::BatchUpsertGroupsResponse* response) {
  return SubmitWrite(hub_, context, request, response, ledger::DecideUpsertGroups);
}

grpc::ServerUnaryReactor* CatalogService::ListGroups(grpc::CallbackServerContext* context,
                                                     const v1::ListGroupsRequest*,
                                                     v1::ListGroupsResponse* response) {
  hub_->Read([&](const ledger::Ledger& ledger) {
    const ledger::State& state = ledger.state();
    for (const std::string& id : state.group_ids.SortedKeys()) {
      *response->add_groups() =
          ledger::GroupOf(state, *state.groups.Find(*state.group_ids.Find(id)));
    }
  });
  return Finish(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* CatalogService::BatchUpsertChannels(
    grpc::CallbackServerContext* context, const v1::BatchUpsertChannelsRequest* request,
    v1::BatchUpsertChannelsResponse* response) {
  return SubmitWrite(hub_, context, request, response, ledger::DecideUpsertChannels);
}

grpc::ServerUnaryReactor* CatalogService::ListChannels(grpc::CallbackServerContext* context,
                                                       const v1::ListChannelsRequest*,
                                                       v1::ListChannelsResponse* response) {
  hub_->Read([&](const ledger::Ledger& ledger) {
    const ledger::State& state = ledger.state();
    for (const std::string& id : state.channel_ids.SortedKeys()) {
      *response->add_channels() =
          ledger::ChannelOf(state, *state.channels.Find(*state.channel_ids.Find(id)));
    }
  });
  return Finish(context, absl::OkStatus());
}

}  // namespace onhand::rpc
