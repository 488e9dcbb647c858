// What the chain sells, where, and through which channels. Owned by the server; its methods run on
// the call queue's threads.
#ifndef ONHAND_SERVER_RPC_CATALOG_SERVICE_H_
#define ONHAND_SERVER_RPC_CATALOG_SERVICE_H_

#include "absl/status/status.h"
#include "onhand/v1/catalog.grpc.pb.h"
#include "server/hub/hub.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/unary_call.h"

namespace onhand::rpc {

class CatalogService {
 public:
  // The hub outlives the service.
  explicit CatalogService(hub::Hub* hub) : hub_(hub) {}

  grpc::Service* service() { return &service_; }
  // Before the queue's start.
  void Serve(CallQueue* queue);

 private:
  using Service = v1::CatalogService::AsyncService;

  absl::Status GetItem(const v1::GetItemRequest& request, v1::GetItemResponse* response);
  absl::Status ListItems(const v1::ListItemsRequest& request, v1::ListItemsResponse* response);
  void BatchUpsertLocations(const v1::BatchUpsertLocationsRequest& request,
                            v1::BatchUpsertLocationsResponse* response, Reply reply);
  absl::Status ListLocations(const v1::ListLocationsRequest& request,
                             v1::ListLocationsResponse* response);
  absl::Status ListGroups(const v1::ListGroupsRequest& request, v1::ListGroupsResponse* response);
  absl::Status ListChannels(const v1::ListChannelsRequest& request,
                            v1::ListChannelsResponse* response);
  void SetChain(const v1::SetChainRequest& request, v1::SetChainResponse* response, Reply reply);
  absl::Status GetChain(const v1::GetChainRequest& request, v1::GetChainResponse* response);

  hub::Hub* const hub_;
  Service service_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_CATALOG_SERVICE_H_
