// Answers of a hub inside a test, by location and SKU. One thread but for the hub's own.
#ifndef ONHAND_CLIENTS_CLI_FAKE_ANSWERS_H_
#define ONHAND_CLIENTS_CLI_FAKE_ANSWERS_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/fake_services.h"
#include "onhand/v1/availability.grpc.pb.h"

namespace onhand::cli {

inline v1::Item FakeItem(const std::string& sku, bool published = true) {
  v1::Item item;
  item.set_sku(sku);
  item.set_published(published);
  return item;
}

inline v1::Availability FakeAnswer(const std::string& sku, v1::AvailabilityStatus status,
                                   int quantity = 0) {
  v1::Availability answer;
  answer.set_sku(sku);
  answer.set_status(status);
  answer.set_orderable(quantity > 0);
  answer.set_max_quantity(quantity);
  return answer;
}

class FakeShop final : public v1::AvailabilityService::Service {
 public:
  // Of the chain if `location_id` is empty. A code that leads to another SKU is an alias.
  void Set(const std::string& location_id, const v1::Availability& answer,
           const std::string& code = "") {
    answers_[{location_id, code.empty() ? answer.sku() : code}] = answer;
  }

  grpc::Status BatchGetAvailability(grpc::ServerContext*,
                                    const v1::BatchGetAvailabilityRequest* request,
                                    v1::BatchGetAvailabilityResponse* response) override {
    if (request->channel_id() == "fax") {
      return FakeRefusal(grpc::StatusCode::NOT_FOUND, "channel 'fax' is not known",
                         "UNKNOWN_CHANNEL", "channel_id");
    }
    batch_sizes.push_back(request->skus_size());
    for (const std::string& sku : request->skus()) {
      const auto known = answers_.find({request->location_id(), sku});
      v1::BatchAvailability& result = *response->add_results();
      if (known == answers_.end()) {
        result.mutable_unknown()->set_sku(sku);
      } else {
        *result.mutable_availability() = known->second;
      }
    }
    return grpc::Status::OK;
  }
  grpc::Status GetAvailability(grpc::ServerContext*, const v1::GetAvailabilityRequest* request,
                               v1::GetAvailabilityResponse* response) override {
    ++explained_count;
    *response->mutable_availability() = answers_[{request->location_id(), request->sku()}];
    response->mutable_availability()->mutable_explanation()->set_sentence(
        absl::StrCat("Why of ", request->sku(), "."));
    return grpc::Status::OK;
  }

  std::vector<int> batch_sizes;
  int explained_count = 0;

 private:
  std::map<std::pair<std::string, std::string>, v1::Availability> answers_;
};

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_FAKE_ANSWERS_H_
