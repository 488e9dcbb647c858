// Batches, streams and clocks that are wrong as a whole, through gRPC to a real hub: each is
// refused with a stable reason that names field, value and remedy, and the source can go on.
#include <string>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "tests/integration/hub_fixture.h"

namespace onhand::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

using ReportTest = HubFixture;

v1::Batch OneUnit() { return BatchOf({Row("item", v1::MOVEMENT_KIND_RECEIPT, 1)}); }

// A Report stream from Hello on.
class Stream {
 public:
  Stream(const std::string& address, const v1::Hello& hello) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    stub_ = v1::ReportService::NewStub(
        grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
    stream_ = stub_->Report(&context_);
    v1::ReportRequest request;
    *request.mutable_hello() = hello;
    stream_->Write(request);
  }

  void Send(const v1::Batch& batch) {
    v1::ReportRequest request;
    *request.mutable_batch() = batch;
    stream_->Write(request);
  }
  v1::ReportResponse Hear() {
    v1::ReportResponse response;
    stream_->Read(&response);
    return response;
  }
  // Reads to the end.
  absl::Status End() {
    v1::ReportResponse ignored;
    while (stream_->Read(&ignored)) {
    }
    return client::StatusFromGrpc(stream_->Finish());
  }
  void Close() { stream_->WritesDone(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::ReportService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ReportRequest, v1::ReportResponse>> stream_;
};

TEST_F(ReportTest, HelloForAnUnknownLocationIsRefused) {
  Reporter till = NewReporter();
  till.hello().set_location_ids(0, "nowhere");
  ExpectRefusal(till.Send(OneUnit()), absl::StatusCode::kNotFound, "UNKNOWN_LOCATION",
                "hello.location_ids", "nowhere");
  Stream stream(hub().address(), till.hello());
  ExpectRefused(stream.End(), absl::StatusCode::kNotFound, "UNKNOWN_LOCATION", "hello.location_ids",
                "nowhere");
  EXPECT_THAT(OnHand(), IsEmpty());
}

TEST_F(ReportTest, TheSameSequenceWithTheSameContentIsAppliedOnce) {
  Reporter till = NewReporter();
  v1::Batch batch = OneUnit();
  batch.set_sequence(1);
  ASSERT_TRUE(till.SendAsIs(batch).ok());
  const auto again = till.SendAsIs(batch);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->outcome(), v1::REPORT_OUTCOME_ALREADY_APPLIED);
  EXPECT_THAT(OnHand(), ElementsAre(Pair("item", 1)));
}

TEST_F(ReportTest, AReusedSequenceWithOtherContentIsRefused) {
  Reporter till = NewReporter();
  ASSERT_TRUE(till.Send(OneUnit()).ok());
  v1::Batch other = BatchOf({Row("item", v1::MOVEMENT_KIND_RECEIPT, 500)});
  other.set_sequence(1);
  ExpectRefusal(till.SendAsIs(other), absl::StatusCode::kAborted, "SEQUENCE_REUSED",
                "batch.sequence", "1");
  Stream stream(hub().address(), till.hello());
  EXPECT_EQ(stream.Hear().welcome().durable_sequence(), 1u);
  stream.Send(other);
  ExpectRefused(stream.End(), absl::StatusCode::kAborted, "SEQUENCE_REUSED", "batch.sequence", "1");
  EXPECT_THAT(OnHand(), ElementsAre(Pair("item", 1)));
  EXPECT_TRUE(till.Send(OneUnit()).ok());
  EXPECT_THAT(OnHand(), ElementsAre(Pair("item", 2)));
}

TEST_F(ReportTest, ASequenceBehindAGapIsRefused) {
  Reporter till = NewReporter();
  v1::Batch batch = OneUnit();
  batch.set_sequence(3);
  ExpectRefusal(till.SendAsIs(batch), absl::StatusCode::kFailedPrecondition, "SEQUENCE_GAP",
                "batch.sequence", "3");
  EXPECT_TRUE(till.Send(OneUnit()).ok());
  EXPECT_THAT(OnHand(), ElementsAre(Pair("item", 1)));
}

TEST_F(ReportTest, TooManyRowsAreRefused) {
  Reporter till = NewReporter();
  v1::Batch batch;
  for (int i = 0; i < 10'001; ++i) {
    *batch.add_movements() = Row("item", v1::MOVEMENT_KIND_RECEIPT, 1);
  }
  ExpectRefusal(till.Send(batch), absl::StatusCode::kInvalidArgument, "BATCH_TOO_LARGE", "batch",
                "10001");
  EXPECT_TRUE(till.Send(OneUnit()).ok());
  EXPECT_THAT(OnHand(), ElementsAre(Pair("item", 1)));
}

TEST_F(ReportTest, AMessageOf10MbIsRefusedAndTheNextOneTaken) {
  Reporter till = NewReporter();
  v1::Batch batch = OneUnit();
  batch.mutable_movements(0)->set_counted_by(std::string(10 << 20, 'x'));
  const auto refused = till.Send(batch);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(client::RefusalOf(refused.status()).reason, "BATCH_TOO_LARGE") << refused.status();
  EXPECT_NE(client::RefusalOf(refused.status()).remedy, "");

  batch.set_sequence(1);
  Stream stream(hub().address(), till.hello());
  ASSERT_TRUE(stream.Hear().has_welcome());
  stream.Send(batch);
  const absl::Status ended = stream.End();
  EXPECT_EQ(client::RefusalOf(ended).reason, "BATCH_TOO_LARGE") << ended;

  EXPECT_TRUE(till.Send(OneUnit()).ok());
  EXPECT_THAT(OnHand(), ElementsAre(Pair("item", 1)));
}

TEST_F(ReportTest, AnInputPositionBeyond1KibIsRefused) {
  Reporter till = NewReporter();
  v1::Batch batch = OneUnit();
  batch.set_input_position(std::string(1025, 'p'));
  ExpectRefusal(till.Send(batch), absl::StatusCode::kInvalidArgument, "INVALID_BATCH",
                "batch.input_position", "1025 bytes");
  EXPECT_TRUE(till.Send(OneUnit()).ok());
}

TEST_F(ReportTest, ABadRowOnAStreamIsToldWithItsAckAndTheStreamGoesOn) {
  Reporter till = NewReporter();
  Stream stream(hub().address(), till.hello());
  ASSERT_TRUE(stream.Hear().has_welcome());
  v1::Batch batch = BatchOf({Row("item", v1::MOVEMENT_KIND_COUNT, -5)});
  batch.set_sequence(1);
  stream.Send(batch);
  const v1::ReportResponse first = stream.Hear();
  EXPECT_EQ(first.ack().durable_sequence(), 1u);
  EXPECT_THAT(first.ack().problems(), ElementsAre(HasReason("NEGATIVE_COUNT")));
  batch = OneUnit();
  batch.set_sequence(2);
  stream.Send(batch);
  EXPECT_EQ(stream.Hear().ack().durable_sequence(), 2u);
  stream.Close();
  EXPECT_TRUE(stream.End().ok());
  EXPECT_THAT(OnHand(), ElementsAre(Pair("item", 1)));
}

TEST_F(ReportTest, ANewerHelloTakesTheSourceOver) {
  Reporter till = NewReporter();
  Stream older(hub().address(), till.hello());
  ASSERT_TRUE(older.Hear().has_welcome());
  Stream newer(hub().address(), till.hello());
  ASSERT_TRUE(newer.Hear().has_welcome());
  EXPECT_EQ(client::RefusalOf(older.End()).reason, "SOURCE_TAKEN_OVER");
  v1::Batch batch = OneUnit();
  batch.set_sequence(1);
  newer.Send(batch);
  EXPECT_EQ(newer.Hear().ack().durable_sequence(), 1u);
  newer.Close();
  EXPECT_TRUE(newer.End().ok());
}

// History is closed 36 hours after it arrived, so this hub's clock runs a day a second.
TEST(LateCountTest, IsQuarantinedAndAFreshOneIsTaken) {
  TempFolder folder;
  HubProgram hub("sqlite:" + (folder / "hub.db"));
  hub.Start({"--clock-scale", "86400"});
  client::Connection connection = hub.Connect();
  v1::BatchUpsertLocationsRequest locations;
  locations.add_locations()->set_location_id("store");
  locations.mutable_locations(0)->set_time_zone("UTC");
  ASSERT_TRUE(connection.HubTime().ok());
  ASSERT_TRUE(connection.Write(&v1::CatalogService::Stub::BatchUpsertLocations, locations).ok());
  const absl::Time opened = *connection.HubTime();

  Reporter till(&connection, "store");
  ASSERT_TRUE(till.Send(BatchOf({Row("item", v1::MOVEMENT_KIND_LEVEL, 9, opened),
                                 Row("item", v1::MOVEMENT_KIND_SALE, 1, opened)}))
                  .ok());
  ASSERT_TRUE(WaitUntil([&] { return *connection.HubTime() > opened + absl::Hours(40); }));
  // What arrives now drops what is older.
  const absl::Time later = *connection.HubTime();
  ASSERT_TRUE(till.Send(BatchOf({Row("item", v1::MOVEMENT_KIND_SALE, 2, later)})).ok());

  const auto late =
      till.Send(BatchOf({Row("item", v1::MOVEMENT_KIND_COUNT, 3, opened - absl::Hours(1)),
                         Row("item", v1::MOVEMENT_KIND_SALE, 1, later)}));
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_THAT(late->ack().problems(), ElementsAre(HasReason("LATE_COUNT")));
  v1::ListPositionsRequest request;
  request.set_location_id("store");
  auto positions = connection.Call(&v1::StockService::Stub::ListPositions, request);
  ASSERT_TRUE(positions.ok()) << positions.status();
  EXPECT_EQ(positions->positions(0).on_hand(), 5);

  const auto fresh =
      till.Send(BatchOf({Row("item", v1::MOVEMENT_KIND_COUNT, 3, *connection.HubTime())}));
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  EXPECT_THAT(fresh->ack().problems(), IsEmpty());
  positions = connection.Call(&v1::StockService::Stub::ListPositions, request);
  EXPECT_EQ(positions->positions(0).on_hand(), 3);
}

}  // namespace
}  // namespace onhand::testing
