// A hub inside a test: services that keep what they were asked, and a way to run whole commands
// against them. One thread.
#ifndef ONHAND_CLIENTS_CLI_FAKE_SERVICES_H_
#define ONHAND_CLIENTS_CLI_FAKE_SERVICES_H_

#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "clients/cli/command_line.h"
#include "clients/cli/session.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "onhand/v1/catalog.grpc.pb.h"
#include "onhand/v1/hub.grpc.pb.h"

namespace onhand::cli {

inline const absl::Time kFakeNow = absl::FromUnixSeconds(1'750'000'000);  // 2025-06-15 15:06:40 UTC

inline grpc::Status FakeRefusal(grpc::StatusCode code, const std::string& message,
                                const std::string& reason, const std::string& field) {
  google::rpc::ErrorInfo info;
  info.set_domain("onhand");
  info.set_reason(reason);
  (*info.mutable_metadata())["field"] = field;
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  return grpc::Status(code, message, details.SerializeAsString());
}

// A chain in Madrid with one store in Lisbon.
class FakeChain final : public v1::CatalogService::Service {
 public:
  grpc::Status GetChain(grpc::ServerContext*, const v1::GetChainRequest*,
                        v1::GetChainResponse* response) override {
    *response->mutable_chain() = chain;
    return grpc::Status::OK;
  }
  grpc::Status SetChain(grpc::ServerContext*, const v1::SetChainRequest* request,
                        v1::SetChainResponse* response) override {
    chain = request->chain();
    *response->mutable_chain() = chain;
    return grpc::Status::OK;
  }
  grpc::Status ListLocations(grpc::ServerContext*, const v1::ListLocationsRequest*,
                             v1::ListLocationsResponse* response) override {
    for (const auto& [location_id, zone] : zones) {
      v1::Location& location = *response->add_locations();
      location.set_location_id(location_id);
      location.set_time_zone(zone);
      location.set_warehouse(warehouses.count(location_id) > 0);
    }
    return grpc::Status::OK;
  }
  grpc::Status ListItems(grpc::ServerContext*, const v1::ListItemsRequest*,
                         v1::ListItemsResponse* response) override {
    response->mutable_items()->Assign(items.begin(), items.end());
    return grpc::Status::OK;
  }

  v1::Chain chain = [] {
    v1::Chain madrid;
    madrid.set_time_zone("Europe/Madrid");
    return madrid;
  }();
  std::vector<v1::Item> items;
  std::set<std::string> warehouses;
  std::map<std::string, std::string> zones = {{"lis", "Europe/Lisbon"}, {"mad", "Europe/Madrid"}};
};

class FakeClock final : public v1::HubService::Service {
 public:
  grpc::Status GetHubStatus(grpc::ServerContext*, const v1::GetHubStatusRequest*,
                            v1::GetHubStatusResponse* response) override {
    *response->mutable_ledger_time() = ToProto(kFakeNow);
    return grpc::Status::OK;
  }
};

class CommandTest : public testing::Test {
 protected:
  // The services of the test, beside the chain and the clock.
  virtual std::vector<grpc::Service*> Services() = 0;

  void SetUp() override {
    std::vector<grpc::Service*> services = Services();
    services.insert(services.end(), {&chain_, &clock_});
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    for (grpc::Service* service : services) builder.RegisterService(service);
    server_ = builder.BuildAndStart();
  }
  void TearDown() override { server_->Shutdown(); }

  // The exit code; what was printed stands in `out_` and `err_`.
  int Onhand(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--hub", absl::StrCat("127.0.0.1:", port_)});
    std::ostringstream out, err;
    const int code = cli::Run(std::move(arguments), {.out = out,
                                                     .err = err,
                                                     .err_is_terminal = terminal_,
                                                     .zone = absl::UTCTimeZone(),
                                                     .wait = [](absl::Duration) { return false; }});
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  // A file of this test.
  std::string WriteFile(const std::string& name, const std::string& text) {
    const std::string path = PathOf(name);
    std::ofstream(path) << text;
    return path;
  }
  std::string PathOf(const std::string& name) {
    return absl::StrCat(testing::TempDir(), "/",
                        testing::UnitTest::GetInstance()->current_test_info()->name(), ".", name);
  }

  FakeChain chain_;
  FakeClock clock_;
  bool terminal_ = false;
  std::string out_;
  std::string err_;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_FAKE_SERVICES_H_
