// One real hub for all tests of a program, spoken to over gRPC. Each test uses a location and a
// source of its own, so that none sees another's numbers.
#ifndef ONHAND_TESTS_INTEGRATION_HUB_FIXTURE_H_
#define ONHAND_TESTS_INTEGRATION_HUB_FIXTURE_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/refusal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/catalog.grpc.pb.h"
#include "onhand/v1/quarantine.grpc.pb.h"
#include "onhand/v1/report.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"
#include "tests/support/programs.h"

namespace onhand::testing {

// A source of one location that counts its batches.
class Reporter {
 public:
  Reporter(client::Connection* hub, const std::string& location_id);

  v1::Hello& hello() { return hello_; }

  // Sends the next batch; the sequence moves on only if it is taken.
  absl::StatusOr<v1::SubmitReportResponse> Send(v1::Batch batch);
  // Sends it under the sequence that it has.
  absl::StatusOr<v1::SubmitReportResponse> SendAsIs(const v1::Batch& batch);
  uint64_t next_sequence() const { return next_sequence_; }

 private:
  client::Connection* const hub_;
  v1::Hello hello_;
  uint64_t next_sequence_ = 1;
};

v1::Movement Row(const std::string& sku, v1::MovementKind kind, int64_t quantity,
                 absl::Time occurred_at = absl::Now());
v1::Batch BatchOf(const std::vector<v1::Movement>& movements);

// A whole snapshot in one batch. `row_count` is what END says; -1: the truth.
v1::Batch Snapshot(const std::vector<std::pair<std::string, int64_t>>& rows, bool complete,
                   absl::Time as_of = absl::Now(), int64_t row_count = -1);

class HubFixture : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  // Makes the test's location.
  void SetUp() override;

  static HubProgram& hub() { return *hub_; }
  static client::Connection& connection() { return *connection_; }
  const std::string& location_id() const { return location_id_; }
  Reporter NewReporter() { return Reporter(connection_.get(), location_id_); }

  // This location's numbers.
  std::vector<std::pair<std::string, int64_t>> OnHand();
  // This location's entries.
  std::vector<v1::QuarantineEntry> Quarantined();

  template <typename Response>
  static void ExpectRefusal(const absl::StatusOr<Response>& response, absl::StatusCode code,
                            const std::string& reason, const std::string& field,
                            const std::string& value) {
    ASSERT_FALSE(response.ok()) << response->ShortDebugString();
    ExpectRefused(response.status(), code, reason, field, value);
  }
  static void ExpectRefused(const absl::Status& status, absl::StatusCode code,
                            const std::string& reason, const std::string& field,
                            const std::string& value);

 private:
  static std::unique_ptr<TempFolder> folder_;
  static std::unique_ptr<HubProgram> hub_;
  static std::unique_ptr<client::Connection> connection_;
  std::string location_id_;
};

// Entries are matched by their reason.
MATCHER_P(HasReason, reason, "") { return arg.reason() == reason; }

}  // namespace onhand::testing

#endif  // ONHAND_TESTS_INTEGRATION_HUB_FIXTURE_H_
