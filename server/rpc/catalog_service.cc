#include "server/rpc/catalog_service.h"

#include <functional>
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

void CatalogService::Serve(CallQueue* queue) {
  ServeUnary(queue, &service_, &Service::RequestBatchUpsertItems,
             WriteOf(hub_, ledger::DecideUpsertItems));
  ServeUnary(queue, &service_, &Service::RequestGetItem,
             std::bind_front(&CatalogService::GetItem, this));
  ServeUnary(queue, &service_, &Service::RequestListItems,
             std::bind_front(&CatalogService::ListItems, this));
  ServeUnary(queue, &service_, &Service::RequestRenameItem,
             WriteOf(hub_, ledger::DecideRenameItem));
  ServeUnary(queue, &service_, &Service::RequestMergeItems,
             WriteOf(hub_, ledger::DecideMergeItems));
  ServeUnary(queue, &service_, &Service::RequestStopItem, WriteOf(hub_, ledger::DecideStopItem));
  ServeUnary(queue, &service_, &Service::RequestBatchUpsertLocations,
             std::bind_front(&CatalogService::BatchUpsertLocations, this));
  ServeUnary(queue, &service_, &Service::RequestListLocations,
             std::bind_front(&CatalogService::ListLocations, this));
  ServeUnary(queue, &service_, &Service::RequestSetLocationState,
             WriteOf(hub_, ledger::DecideSetLocationState));
  ServeUnary(queue, &service_, &Service::RequestAnnounceStocktake,
             WriteOf(hub_, ledger::DecideAnnounceStocktake));
  ServeUnary(queue, &service_, &Service::RequestBatchUpsertGroups,
             WriteOf(hub_, ledger::DecideUpsertGroups));
  ServeUnary(queue, &service_, &Service::RequestListGroups,
             std::bind_front(&CatalogService::ListGroups, this));
  ServeUnary(queue, &service_, &Service::RequestBatchUpsertChannels,
             WriteOf(hub_, ledger::DecideUpsertChannels));
  ServeUnary(queue, &service_, &Service::RequestListChannels,
             std::bind_front(&CatalogService::ListChannels, this));
  ServeUnary(queue, &service_, &Service::RequestSetChain,
             std::bind_front(&CatalogService::SetChain, this));
  ServeUnary(queue, &service_, &Service::RequestGetChain,
             std::bind_front(&CatalogService::GetChain, this));
}

absl::Status CatalogService::GetItem(const v1::GetItemRequest& request,
                                     v1::GetItemResponse* response) {
  return hub_->Read([&](const ledger::Ledger& ledger) {
    const absl::StatusOr<uint32_t> item = ledger::FindItem(ledger.state(), "sku", request.sku());
    if (item.ok()) *response->mutable_item() = ledger::ItemOf(*ledger.state().items.Find(*item));
    return item.status();
  });
}

absl::Status CatalogService::ListItems(const v1::ListItemsRequest& request,
                                       v1::ListItemsResponse* response) {
  const std::string list = absl::StrCat("items\n", request.category());
  const absl::StatusOr<Page> page = ReadPage(request.page_size(), request.page_token(), list);
  if (!page.ok()) return page.status();
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
        if (InCategory(item.category(), request.category()))
          *response->add_items() = ledger::ItemOf(item);
      }
      return false;
    });
  }
  return absl::OkStatus();
}

void CatalogService::BatchUpsertLocations(const v1::BatchUpsertLocationsRequest& request,
                                          v1::BatchUpsertLocationsResponse* response, Reply reply) {
  // Time zones are files: they are looked up here, so that the decision reads none.
  const auto known = std::make_shared<absl::flat_hash_set<std::string>>();
  for (const v1::Location& location : request.locations()) {
    if (!known->contains(location.time_zone()) && TimeZoneExists(location.time_zone())) {
      known->insert(location.time_zone());
    }
  }
  SubmitWrite(hub_, request, response, reply,
              [known](ledger::Group& group, const v1::BatchUpsertLocationsRequest& asked) {
                return ledger::DecideUpsertLocations(
                    group, asked,
                    [&known](absl::string_view name) { return known->contains(name); });
              });
}

absl::Status CatalogService::ListLocations(const v1::ListLocationsRequest& request,
                                           v1::ListLocationsResponse* response) {
  const absl::StatusOr<Page> page =
      ReadPage(request.page_size(), request.page_token(), "locations");
  if (!page.ok()) return page.status();
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
  return absl::OkStatus();
}

absl::Status CatalogService::ListGroups(const v1::ListGroupsRequest&,
                                        v1::ListGroupsResponse* response) {
  hub_->Read([&](const ledger::Ledger& ledger) {
    const ledger::State& state = ledger.state();
    for (const std::string& id : state.group_ids.SortedKeys()) {
      *response->add_groups() =
          ledger::GroupOf(state, *state.groups.Find(*state.group_ids.Find(id)));
    }
  });
  return absl::OkStatus();
}

absl::Status CatalogService::ListChannels(const v1::ListChannelsRequest&,
                                          v1::ListChannelsResponse* response) {
  hub_->Read([&](const ledger::Ledger& ledger) {
    const ledger::State& state = ledger.state();
    for (const std::string& id : state.channel_ids.SortedKeys()) {
      *response->add_channels() =
          ledger::ChannelOf(state, *state.channels.Find(*state.channel_ids.Find(id)));
    }
  });
  return absl::OkStatus();
}

void CatalogService::SetChain(const v1::SetChainRequest& request, v1::SetChainResponse* response,
                              Reply reply) {
  const bool known = TimeZoneExists(request.chain().time_zone());
  SubmitWrite(hub_, request, response, reply,
              [known](ledger::Group& group, const v1::SetChainRequest& asked) {
                return ledger::DecideSetChain(group, asked,
                                              [known](absl::string_view) { return known; });
              });
}

absl::Status CatalogService::GetChain(const v1::GetChainRequest&, v1::GetChainResponse* response) {
  hub_->Read([&](const ledger::Ledger& ledger) {
    *response->mutable_chain() = ledger::ChainOf(ledger.state());
  });
  return absl::OkStatus();
}

}  // namespace onhand::rpc
