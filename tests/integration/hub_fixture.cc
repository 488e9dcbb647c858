#include "tests/integration/hub_fixture.h"

#include "tests/support/process.h"

namespace onhand::testing {

std::unique_ptr<TempFolder> HubFixture::folder_;
std::unique_ptr<HubProgram> HubFixture::hub_;
std::unique_ptr<client::Connection> HubFixture::connection_;

Reporter::Reporter(client::Connection* hub, const std::string& location_id) : hub_(hub) {
  hello_.set_source_id(location_id + "-till");
  hello_.set_spool_id(location_id + "-spool");
  hello_.add_location_ids(location_id);
  hello_.set_unknown_items(v1::UNKNOWN_ITEMS_CREATE);
}

absl::StatusOr<v1::SubmitReportResponse> Reporter::Send(v1::Batch batch) {
  batch.set_sequence(next_sequence_);
  auto response = SendAsIs(batch);
  if (response.ok()) ++next_sequence_;
  return response;
}

absl::StatusOr<v1::SubmitReportResponse> Reporter::SendAsIs(const v1::Batch& batch) {
  v1::SubmitReportRequest request;
  *request.mutable_hello() = hello_;
  *request.mutable_batch() = batch;
  return hub_->Call(&v1::ReportService::Stub::SubmitReport, request);
}

v1::Movement Row(const std::string& sku, v1::MovementKind kind, int64_t quantity,
                 absl::Time occurred_at) {
  v1::Movement row;
  row.set_sku(sku);
  row.set_kind(kind);
  row.set_quantity(quantity);
  row.set_occurred_at_us(absl::ToUnixMicros(occurred_at));
  return row;
}

v1::Batch BatchOf(const std::vector<v1::Movement>& movements) {
  v1::Batch batch;
  for (const v1::Movement& movement : movements) *batch.add_movements() = movement;
  return batch;
}

v1::Batch Snapshot(const std::vector<std::pair<std::string, int64_t>>& rows, bool complete,
                   absl::Time as_of, int64_t row_count) {
  v1::Batch batch;
  v1::SnapshotPart& part = *batch.add_snapshots();
  part.mutable_begin()->set_as_of_us(absl::ToUnixMicros(as_of));
  part.mutable_begin()->set_label("stock.csv");
  for (const auto& [sku, quantity] : rows) {
    v1::SnapshotRow& row = *part.add_rows();
    row.set_sku(sku);
    row.set_quantity(quantity);
  }
  part.mutable_end()->set_row_count(row_count < 0 ? rows.size() : static_cast<uint64_t>(row_count));
  part.mutable_end()->set_complete(complete);
  return batch;
}

void HubFixture::SetUpTestSuite() {
  folder_ = std::make_unique<TempFolder>();
  hub_ = std::make_unique<HubProgram>("sqlite:" + (*folder_ / "hub.db"));
  hub_->Start();
  client::ConnectionOptions options;
  options.hub = hub_->address();
  connection_ = std::make_unique<client::Connection>(options);
  v1::BatchUpsertChannelsRequest request;
  v1::Channel& channel = *request.add_channels();
  channel.set_channel_id("web-ship");
  channel.set_kind(v1::CHANNEL_KIND_SHIP);
  const auto made =
      connection_->Write(&v1::CatalogService::Stub::BatchUpsertChannels, std::move(request));
  ASSERT_TRUE(made.ok()) << client::Describe(made.status());
}

void HubFixture::TearDownTestSuite() {
  // Whatever came in, the hub's image is what its journal says.
  EXPECT_EQ(hub_->Stop(), 0) << hub_->log();
  const Ended verified = hub_->Verify();
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
  connection_.reset();
  hub_.reset();
  folder_.reset();
}

void HubFixture::SetUp() {
  location_id_ = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  location_id_ = location_id_.substr(0, 50);
  for (char& c : location_id_) c = c == '/' ? '-' : c;
  v1::BatchUpsertLocationsRequest request;
  v1::Location& location = *request.add_locations();
  location.set_location_id(location_id_);
  location.set_time_zone("Europe/Madrid");
  const auto made =
      connection_->Write(&v1::CatalogService::Stub::BatchUpsertLocations, std::move(request));
  ASSERT_TRUE(made.ok()) << client::Describe(made.status());
}

std::vector<std::pair<std::string, int64_t>> HubFixture::OnHand() {
  std::vector<std::pair<std::string, int64_t>> numbers;
  v1::ListPositionsRequest request;
  request.set_location_id(location_id_);
  request.set_page_size(1000);
  const auto page = connection_->Call(&v1::StockService::Stub::ListPositions, request);
  if (!page.ok()) {
    ADD_FAILURE() << client::Describe(page.status());
    return numbers;
  }
  for (const v1::Position& position : page->positions()) {
    numbers.emplace_back(position.sku(), position.on_hand());
  }
  return numbers;
}

std::vector<v1::QuarantineEntry> HubFixture::Quarantined() {
  v1::ListQuarantineRequest request;
  request.set_location_id(location_id_);
  request.set_page_size(1000);
  const auto page = connection_->Call(&v1::QuarantineService::Stub::ListQuarantine, request);
  if (page.ok()) return {page->entries().begin(), page->entries().end()};
  ADD_FAILURE() << client::Describe(page.status());
  return {};
}

void HubFixture::ExpectRefused(const absl::Status& status, absl::StatusCode code,
                               const std::string& reason, const std::string& field,
                               const std::string& value) {
  const client::Refusal refusal = client::RefusalOf(status);
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(refusal.reason, reason) << status;
  EXPECT_EQ(refusal.field, field) << status;
  EXPECT_EQ(refusal.value, value) << status;
  EXPECT_NE(refusal.remedy, "") << status;
}

}  // namespace onhand::testing
