#include "tests/e2e/steady_writers.h"

#include <utility>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/refusal.h"
#include "clients/cpp/request_id.h"
#include "gtest/gtest.h"
#include "onhand/v1/report.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"

namespace onhand::testing {
namespace {

constexpr absl::Duration kBetweenAttempts = absl::Milliseconds(20);

client::ConnectionOptions OneAttempt(const std::string& hub) {
  client::ConnectionOptions options;
  options.hub = hub;
  options.timeout = absl::Seconds(5);
  options.attempts_max = 1;
  return options;
}

class Sender {
 public:
  Sender(const std::string& hub, const std::string& location_id, const std::string& source_id,
         std::string sku)
      : connection_(OneAttempt(hub)), sku_(std::move(sku)) {
    hello_.set_source_id(source_id);
    hello_.set_spool_id(source_id + "-spool");
    hello_.add_location_ids(location_id);
    hello_.set_unknown_items(v1::UNKNOWN_ITEMS_CREATE);
  }

  absl::Status Attempt(uint64_t number) {
    v1::SubmitReportRequest request;
    *request.mutable_hello() = hello_;
    v1::Batch& batch = *request.mutable_batch();
    batch.set_sequence(number);
    batch.set_rolling_hash(number);
    v1::Movement& movement = *batch.add_movements();
    movement.set_sku(sku_);
    movement.set_kind(v1::MOVEMENT_KIND_RECEIPT);
    movement.set_quantity(1);
    movement.set_occurred_at_us(absl::ToUnixMicros(began_));
    const auto response = connection_.Call(&v1::ReportService::Stub::SubmitReport, request);
    if (!response.ok()) return response.status();
    if (response->ack().durable_sequence() < number) {
      return absl::DataLossError("acknowledged without being durable");
    }
    return absl::OkStatus();
  }

 private:
  client::Connection connection_;
  const std::string sku_;
  const absl::Time began_ = absl::Now();
  v1::Hello hello_;
};

class Person {
 public:
  Person(const std::string& hub, const std::string& location_id, const std::string& sku)
      : connection_(OneAttempt(hub)) {
    request_.set_sku(sku);
    request_.set_location_id(location_id);
    request_.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
    request_.set_quantity(1);
    request_.set_author("the test");
  }

  absl::Status Attempt(uint64_t number) {
    if (number != number_) {
      number_ = number;
      request_.set_request_id(client::NewRequestId(absl::Now(), random_));
    }
    return connection_.Call(&v1::StockService::Stub::Adjust, request_).status();
  }

 private:
  client::Connection connection_;
  v1::AdjustRequest request_;
  absl::BitGen random_;
  uint64_t number_ = 0;
};

}  // namespace

SteadyWriter::SteadyWriter(std::function<absl::Status(uint64_t)> attempt)
    : attempt_(std::move(attempt)), thread_([this] { Run(); }) {}

SteadyWriter::~SteadyWriter() {
  abandoning_ = true;
  Finish();
}

void SteadyWriter::Run() {
  while (!finishing_) {
    const uint64_t number = acknowledged_ + 1;
    absl::Status status = attempt_(number);
    while (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
      if (abandoning_) return;
      absl::SleepFor(kBetweenAttempts);
      status = attempt_(number);
    }
    if (!status.ok()) {
      ADD_FAILURE() << "write " << number << ": " << client::Describe(status);
      return;
    }
    acknowledged_ = number;
  }
}

uint64_t SteadyWriter::Finish() {
  finishing_ = true;
  if (thread_.joinable()) thread_.join();
  return acknowledged_;
}

std::unique_ptr<SteadyWriter> StartSender(const std::string& hub, const std::string& location_id,
                                          const std::string& source_id, const std::string& sku) {
  const auto sender = std::make_shared<Sender>(hub, location_id, source_id, sku);
  return std::make_unique<SteadyWriter>(
      [sender](uint64_t number) { return sender->Attempt(number); });
}

std::unique_ptr<SteadyWriter> StartPerson(const std::string& hub, const std::string& location_id,
                                          const std::string& sku) {
  const auto person = std::make_shared<Person>(hub, location_id, sku);
  return std::make_unique<SteadyWriter>(
      [person](uint64_t number) { return person->Attempt(number); });
}

}  // namespace onhand::testing
