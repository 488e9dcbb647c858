// For tests: a hub on a memory store, served on a free port of this machine, with a channel to it.
// Each test makes its own.
#ifndef ONHAND_SERVER_RPC_SERVED_HUB_H_
#define ONHAND_SERVER_RPC_SERVED_HUB_H_

#include <memory>
#include <random>
#include <string>

#include "absl/random/random.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "absl/time/clock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/catalog.grpc.pb.h"
#include "onhand/v1/find.grpc.pb.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "onhand/v1/insights.grpc.pb.h"
#include "onhand/v1/quarantine.grpc.pb.h"
#include "onhand/v1/report.grpc.pb.h"
#include "onhand/v1/reservations.grpc.pb.h"
#include "onhand/v1/rules.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"
#include "onhand/v1/tokens.grpc.pb.h"
#include "onhand/v1/watch.grpc.pb.h"
#include "onhand/v1/webhooks.grpc.pb.h"
#include "server/hub/clock.h"
#include "server/hub/hub.h"
#include "server/hub/watch.h"
#include "server/rpc/server.h"
#include "storage/open.h"

namespace onhand::rpc {

// What came back as a refusal, unpacked as a client would.
inline google::rpc::ErrorInfo ErrorInfoOf(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (details.ParseFromString(status.error_details()) && details.details_size() == 1) {
    details.details(0).UnpackTo(&info);
  }
  return info;
}

inline std::string ReasonOf(const grpc::Status& status) { return ErrorInfoOf(status).reason(); }

// A fresh UUIDv7, as callers make them.
inline std::string MakeRequestId(absl::Time time = absl::Now()) {
  static absl::BitGen random;
  const uint64_t high = static_cast<uint64_t>(absl::ToUnixMillis(time)) << 16 | 0x7000 |
                        absl::Uniform(random, 0, 0x1000);
  const uint64_t low = 0x8000000000000000u | (absl::Uniform<uint64_t>(random) >> 2);
  const std::string hex =
      absl::StrCat(absl::Hex(high, absl::kZeroPad16), absl::Hex(low, absl::kZeroPad16));
  return absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                      hex.substr(16, 4), "-", hex.substr(20));
}

class ServedHub {
 public:
  explicit ServedHub(ServerOptions options = {}, int64_t clock_scale = 1,
                     hub::WatchOptions watch_options = {}, bool asks_tokens = false)
      : clock_(clock_scale) {
    store_ = *storage::OpenStore("memory:", "");
    EXPECT_TRUE(store_->Migrate().ok());
    hub_ = *hub::Hub::Start(store_.get(), &clock_, {.version = "test"});
    options.address = "127.0.0.1:0";
    options.insecure = !asks_tokens;
    watch_ = std::make_unique<hub::Watch>(hub_.get(), watch_options);
    server_ = *Server::Start(hub_.get(), watch_.get(), &clock_,
                             {.version = "test", .store = "memory"}, options);
    // Each test has its own connection, so that a rude one disturbs nobody else.
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    channel_ = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                         grpc::InsecureChannelCredentials(), arguments);
  }

  ~ServedHub() {
    server_->Stop();
    watch_->Stop();
    hub_->Stop();
  }

  hub::Hub& hub() { return *hub_; }
  hub::Clock& clock() { return clock_; }
  hub::Watch& watch() { return *watch_; }
  storage::Store& store() { return *store_; }
  Server& server() { return *server_; }
  const std::shared_ptr<grpc::Channel>& channel() { return channel_; }

  // One call of a method of a stub, such as Call(&v1::CatalogService::Stub::GetItem, request,
  // &response).
  template <class Stub, class Request, class Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    context.set_wait_for_ready(true);
    Stub stub(channel_);
    return (stub.*method)(&context, request, response);
  }

  // Makes locations of these ids, a channel web-ship over all, and published items.
  void MakeChain(const std::vector<std::string>& locations, const std::vector<std::string>& skus) {
    v1::BatchUpsertLocationsRequest locations_request;
    locations_request.set_request_id(MakeRequestId());
    for (const std::string& id : locations) {
      v1::Location& location = *locations_request.add_locations();
      location.set_location_id(id);
      location.set_name(id);
      location.set_time_zone("Europe/Madrid");
    }
    v1::BatchUpsertLocationsResponse locations_response;
    Expect(Call(&v1::CatalogService::Stub::BatchUpsertLocations, locations_request,
                &locations_response));

    v1::BatchUpsertChannelsRequest channels_request;
    channels_request.set_request_id(MakeRequestId());
    v1::Channel& channel = *channels_request.add_channels();
    channel.set_channel_id("web-ship");
    channel.set_name("Web");
    channel.set_kind(v1::CHANNEL_KIND_SHIP);
    v1::BatchUpsertChannelsResponse channels_response;
    Expect(
        Call(&v1::CatalogService::Stub::BatchUpsertChannels, channels_request, &channels_response));

    if (skus.empty()) return;
    v1::BatchUpsertItemsRequest items_request;
    items_request.set_request_id(MakeRequestId());
    for (const std::string& sku : skus) {
      v1::Item& item = *items_request.add_items();
      item.set_sku(sku);
      item.set_name(sku);
      item.set_published(true);
    }
    v1::BatchUpsertItemsResponse items_response;
    Expect(Call(&v1::CatalogService::Stub::BatchUpsertItems, items_request, &items_response));
  }

  static void Expect(const grpc::Status& status) {
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

 private:
  hub::HubClock clock_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<hub::Hub> hub_;
  std::unique_ptr<hub::Watch> watch_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

inline int64_t NowUs() { return absl::ToUnixMicros(absl::Now()); }

inline v1::Hello HelloOf(const std::string& source, const std::string& spool,
                         const std::string& location) {
  v1::Hello hello;
  hello.set_source_id(source);
  hello.set_spool_id(spool);
  hello.add_location_ids(location);
  hello.set_unknown_items(v1::UNKNOWN_ITEMS_REJECT);
  hello.set_agent("test");
  return hello;
}

// A batch of one LEVEL; the sequence makes its content different from others'.
inline v1::Batch BatchOf(uint64_t sequence, const std::string& sku, int64_t quantity) {
  v1::Batch batch;
  batch.set_sequence(sequence);
  batch.set_rolling_hash(1'000 + sequence);
  batch.set_input_position(absl::StrCat("line ", sequence));
  v1::KnownThrough& known = *batch.add_known_through();
  known.set_at_us(NowUs());
  v1::Movement& movement = *batch.add_movements();
  movement.set_sku(sku);
  movement.set_kind(v1::MOVEMENT_KIND_LEVEL);
  movement.set_quantity(quantity);
  movement.set_occurred_at_us(NowUs());
  return batch;
}

// An agent's side of a stream.
class Agent {
 public:
  explicit Agent(ServedHub& hub) : stub_(hub.channel()), stream_(stub_.Report(&context_)) {}

  bool Say(const v1::Hello& hello) {
    v1::ReportRequest request;
    *request.mutable_hello() = hello;
    return stream_->Write(request);
  }
  bool Say(const v1::Batch& batch) {
    v1::ReportRequest request;
    *request.mutable_batch() = batch;
    return stream_->Write(request);
  }
  bool Say(const v1::Heartbeat& heartbeat) {
    v1::ReportRequest request;
    *request.mutable_heartbeat() = heartbeat;
    return stream_->Write(request);
  }
  // The next message; one without content if the stream has ended.
  v1::ReportResponse Hear() {
    v1::ReportResponse response;
    if (!stream_->Read(&response)) response.Clear();
    return response;
  }
  // Reads acks until `sequence` is durable; the last one.
  v1::Ack HearUntilDurable(uint64_t sequence) {
    for (;;) {
      const v1::ReportResponse response = Hear();
      if (!response.has_ack() || response.ack().durable_sequence() >= sequence)
        return response.ack();
    }
  }
  v1::Welcome Open(const v1::Hello& hello) {
    Say(hello);
    return Hear().welcome();
  }
  void Close() { stream_->WritesDone(); }
  void Cancel() { context_.TryCancel(); }
  // Reads what is left, and how the stream ended.
  grpc::Status End() {
    v1::ReportResponse response;
    while (stream_->Read(&response)) {
    }
    return stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  v1::ReportService::Stub stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ReportRequest, v1::ReportResponse>> stream_;
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_SERVED_HUB_H_
