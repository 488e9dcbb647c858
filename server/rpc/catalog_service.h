// What the chain sells, where, and through which channels. Owned by the server; gRPC's callback
// threads call it.
#ifndef ONHAND_SERVER_RPC_CATALOG_SERVICE_H_
#define ONHAND_SERVER_RPC_CATALOG_SERVICE_H_

#include "onhand/v1/catalog.grpc.pb.h"
#include "server/hub/hub.h"

namespace onhand::rpc {

class CatalogService final : public v1::CatalogService::CallbackService {
 public:
  // The hub outlives the service.
  explicit CatalogService(hub::Hub* hub) : hub_(hub) {}

  grpc::ServerUnaryReactor* BatchUpsertItems(grpc::CallbackServerContext* context,
                                             const v1::BatchUpsertItemsRequest* request,
                                             v1::BatchUpsertItemsResponse* response) override;
  grpc::ServerUnaryReactor* GetItem(grpc::CallbackServerContext* context,
                                    const v1::GetItemRequest* request,
                                    v1::GetItemResponse* response) override;
  grpc::ServerUnaryReactor* ListItems(grpc::CallbackServerContext* context,
                                      const v1::ListItemsRequest* request,
                                      v1::ListItemsResponse* response) override;
  grpc::ServerUnaryReactor* RenameItem(grpc::CallbackServerContext* context,
                                       const v1::RenameItemRequest* request,
                                       v1::RenameItemResponse* response) override;
  grpc::ServerUnaryReactor* MergeItems(grpc::CallbackServerContext* context,
                                       const v1::MergeItemsRequest* request,
                                       v1::MergeItemsResponse* response) override;
  grpc::ServerUnaryReactor* StopItem(grpc::CallbackServerContext* context,
                                     const v1::StopItemRequest* request,
                                     v1::StopItemResponse* response) override;
  grpc::ServerUnaryReactor* BatchUpsertLocations(
      grpc::CallbackServerContext* context, const v1::BatchUpsertLocationsRequest* request,
      v1::BatchUpsertLocationsResponse* response) override;
  grpc::ServerUnaryReactor* ListLocations(grpc::CallbackServerContext* context,
                                          const v1::ListLocationsRequest* request,
                                          v1::ListLocationsResponse* response) override;
  grpc::ServerUnaryReactor* SetLocationState(grpc::CallbackServerContext* context,
                                             const v1::SetLocationStateRequest* request,
                                             v1::SetLocationStateResponse* response) override;
  grpc::ServerUnaryReactor* BatchUpsertGroups(grpc::CallbackServerContext* context,
                                              const v1::BatchUpsertGroupsRequest* request,
                                              v1::BatchUpsertGroupsResponse* response) override;
  grpc::ServerUnaryReactor* ListGroups(grpc::CallbackServerContext* context,
                                       const v1::ListGroupsRequest* request,
                                       v1::ListGroupsResponse* response) override;
  grpc::ServerUnaryReactor* BatchUpsertChannels(grpc::CallbackServerContext* context,
                                                const v1::BatchUpsertChannelsRequest* request,
                                                v1::BatchUpsertChannelsResponse* response) override;
  grpc::ServerUnaryReactor* ListChannels(grpc::CallbackServerContext* context,
                                         const v1::ListChannelsRequest* request,
                                         v1::ListChannelsResponse* response) override;

 private:
  hub::Hub* const hub_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_CATALOG_SERVICE_H_
