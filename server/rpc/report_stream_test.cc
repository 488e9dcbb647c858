// Report streams and single batches over a real connection to a real hub.
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "server/rpc/served_hub.h"

namespace onhand::rpc {
namespace {

class ReportTest : public testing::Test {
 protected:
  ReportTest() { served_.MakeChain({"M1", "M2"}, {"ball", "boot"}); }

  int64_t OnHand(const std::string& sku, const std::string& location) {
    v1::ListPositionsRequest request;
    request.set_sku(sku);
    request.set_location_id(location);
    v1::ListPositionsResponse response;
    ServedHub::Expect(served_.Call(&v1::StockService::Stub::ListPositions, request, &response));
    return response.positions_size() == 1 ? response.positions(0).on_hand() : -1;
  }

  ServedHub served_;
};

TEST_F(ReportTest, AReportedLevelIsAcknowledgedAndRead) {
  Agent agent(served_);
  const v1::Welcome welcome = agent.Open(HelloOf("till", "a", "M1"));
  EXPECT_EQ(welcome.durable_sequence(), 0u);
  EXPECT_EQ(welcome.batches_in_flight_max(), 8u);
  EXPECT_GT(welcome.hub_time().seconds(), 0);

  agent.Say(BatchOf(1, "ball", 12));
  const v1::ReportResponse response = agent.Hear();
  EXPECT_EQ(response.ack().durable_sequence(), 1u);
  EXPECT_GT(response.ack().revision(), 0u);
  EXPECT_EQ(OnHand("ball", "M1"), 12);

  agent.Close();
  ServedHub::Expect(agent.End());
}

TEST(ScaledReportTest, TheSenderIsToldTheScaleInPlaceOfACorrection) {
  const int64_t before_us = absl::GetCurrentTimeNanos() / 1'000;
  ServedHub served({}, /*clock_scale=*/86'400);
  served.MakeChain({"M1"}, {"ball"});
  // So that the clocks are far apart whatever the machine did until here.
  absl::SleepFor(absl::Milliseconds(5));
  v1::Hello hello = HelloOf("till", "a", "M1");
  hello.mutable_sent_at()->set_seconds(absl::ToUnixSeconds(absl::Now()));
  Agent agent(served);
  const v1::Welcome welcome = agent.Open(hello);
  EXPECT_EQ(welcome.clock_correction_us(), 0);
  EXPECT_EQ(welcome.scaled_clock().scale(), 86'400);
  EXPECT_GE(welcome.scaled_clock().began_at_us(), before_us);
  EXPECT_LE(welcome.scaled_clock().began_at_us(), absl::GetCurrentTimeNanos() / 1'000);

  ServedHub plain;
  plain.MakeChain({"M1"}, {"ball"});
  EXPECT_FALSE(Agent(plain).Open(HelloOf("till", "a", "M1")).has_scaled_clock());
}

TEST_F(ReportTest, ManyBatchesInFlightAreAllAcknowledgedCumulatively) {
  Agent agent(served_);
  agent.Open(HelloOf("till", "a", "M1"));
  constexpr uint64_t kBatches = 500;
  std::thread sender([&] {
    for (uint64_t sequence = 1; sequence <= kBatches; ++sequence) {
      agent.Say(BatchOf(sequence, "ball", static_cast<int64_t>(sequence)));
    }
  });
  uint64_t durable = 0;
  int acks = 0;
  while (durable < kBatches) {
    const v1::ReportResponse response = agent.Hear();
    ASSERT_TRUE(response.has_ack());
    EXPECT_GT(response.ack().durable_sequence(), durable);
    durable = response.ack().durable_sequence();
    ++acks;
  }
  sender.join();
  EXPECT_LE(acks, static_cast<int>(kBatches));
  EXPECT_EQ(OnHand("ball", "M1"), static_cast<int64_t>(kBatches));
  agent.Close();
  ServedHub::Expect(agent.End());
}

TEST_F(ReportTest, BatchesReachTheHubInTheOrderInWhichTheyWereSent) {
  constexpr int kAgents = 4;
  static constexpr uint64_t kBatches = 3'000;
  std::vector<std::thread> agents;
  agents.reserve(kAgents);
  for (int i = 0; i < kAgents; ++i) {
    agents.emplace_back([this, i] {
      Agent agent(served_);
      agent.Open(HelloOf(absl::StrCat("till ", i), "a", "M1"));
      std::thread sender([&agent] {
        for (uint64_t sequence = 1; sequence <= kBatches; ++sequence) {
          if (!agent.Say(BatchOf(sequence, "ball", 5))) break;
        }
        agent.Close();
      });
      EXPECT_EQ(agent.HearUntilDurable(kBatches).durable_sequence(), kBatches);
      sender.join();
      ServedHub::Expect(agent.End());
    });
  }
  for (std::thread& agent : agents) agent.join();
}

TEST_F(ReportTest, WhatWasSentBeforeClosingIsAcknowledgedBeforeTheEnd) {
  Agent agent(served_);
  agent.Open(HelloOf("till", "a", "M1"));
  for (uint64_t sequence = 1; sequence <= 8; ++sequence) agent.Say(BatchOf(sequence, "ball", 5));
  agent.Close();
  EXPECT_EQ(agent.HearUntilDurable(8).durable_sequence(), 8u);
  ServedHub::Expect(agent.End());
}

TEST_F(ReportTest, ANewStreamLearnsWhatIsDurable) {
  {
    Agent agent(served_);
    agent.Open(HelloOf("till", "a", "M1"));
    agent.Say(BatchOf(1, "ball", 12));
    agent.HearUntilDurable(1);
    agent.Cancel();
  }
  Agent again(served_);
  const v1::Welcome welcome = again.Open(HelloOf("till", "a", "M1"));
  EXPECT_EQ(welcome.durable_sequence(), 1u);
  EXPECT_EQ(welcome.rolling_hash(), 1'001u);
  EXPECT_EQ(welcome.input_position(), "line 1");
  EXPECT_EQ(welcome.last_spool_id(), "a");
  again.Cancel();
  again.End();
}

TEST_F(ReportTest, ARetriedBatchIsAcknowledgedAgainAndAppliedOnce) {
  Agent agent(served_);
  agent.Open(HelloOf("till", "a", "M1"));
  agent.Say(BatchOf(1, "ball", 12));
  v1::Batch sale = BatchOf(2, "ball", 3);
  sale.mutable_movements(0)->set_kind(v1::MOVEMENT_KIND_SALE);
  agent.Say(sale);
  agent.HearUntilDurable(2);
  agent.Say(sale);
  EXPECT_EQ(agent.Hear().ack().durable_sequence(), 2u);
  EXPECT_EQ(OnHand("ball", "M1"), 9);
  agent.Cancel();
  agent.End();
}

TEST_F(ReportTest, AUnaryRetryIsAnsweredAlreadyApplied) {
  v1::SubmitReportRequest request;
  *request.mutable_hello() = HelloOf("till", "a", "M1");
  *request.mutable_batch() = BatchOf(1, "ball", 12);
  v1::SubmitReportResponse response;
  ServedHub::Expect(served_.Call(&v1::ReportService::Stub::SubmitReport, request, &response));
  EXPECT_EQ(response.outcome(), v1::REPORT_OUTCOME_APPLIED);
  EXPECT_EQ(response.ack().durable_sequence(), 1u);

  v1::SubmitReportResponse again;
  ServedHub::Expect(served_.Call(&v1::ReportService::Stub::SubmitReport, request, &again));
  EXPECT_EQ(again.outcome(), v1::REPORT_OUTCOME_ALREADY_APPLIED);
}

TEST_F(ReportTest, AReusedSequenceWithOtherContentEndsTheStreamAfterTheAcksBeforeIt) {
  Agent agent(served_);
  agent.Open(HelloOf("till", "a", "M1"));
  agent.Say(BatchOf(1, "ball", 12));
  agent.HearUntilDurable(1);
  v1::Batch other = BatchOf(1, "ball", 13);
  other.set_rolling_hash(77);
  agent.Say(other);
  const grpc::Status status = agent.End();
  EXPECT_EQ(ReasonOf(status), "SEQUENCE_REUSED") << status.error_message();
  EXPECT_EQ(OnHand("ball", "M1"), 12);
}

TEST_F(ReportTest, AGapInSequencesEndsTheStream) {
  Agent agent(served_);
  agent.Open(HelloOf("till", "a", "M1"));
  agent.Say(BatchOf(3, "ball", 12));
  EXPECT_EQ(ReasonOf(agent.End()), "SEQUENCE_GAP");
}

TEST_F(ReportTest, ARowThatCannotBeTakenIsAProblemInTheAckAndBlocksNothing) {
  Agent agent(served_);
  agent.Open(HelloOf("till", "a", "M1"));
  v1::Batch batch = BatchOf(1, "ball", 12);
  *batch.add_movements() = batch.movements(0);
  batch.mutable_movements(0)->set_sku("unheard of");
  agent.Say(batch);
  const v1::ReportResponse response = agent.Hear();
  ASSERT_EQ(response.ack().problems_size(), 1);
  EXPECT_EQ(response.ack().problems(0).reason(), "UNKNOWN_ITEM");
  EXPECT_EQ(response.ack().problems(0).row(), 0u);
  EXPECT_EQ(OnHand("ball", "M1"), 12);
  agent.Cancel();
  agent.End();
}

TEST_F(ReportTest, ABatchWithoutHelloIsRefused) {
  Agent agent(served_);
  agent.Say(BatchOf(1, "ball", 12));
  EXPECT_EQ(ReasonOf(agent.End()), "INVALID_HELLO");
}

TEST_F(ReportTest, ASecondHelloIsRefused) {
  Agent agent(served_);
  agent.Open(HelloOf("till", "a", "M1"));
  agent.Say(HelloOf("till", "a", "M1"));
  EXPECT_EQ(ReasonOf(agent.End()), "INVALID_HELLO");
}

TEST_F(ReportTest, AHelloForAnUnknownLocationNamesIt) {
  Agent agent(served_);
  agent.Say(HelloOf("till", "a", "M9"));
  const google::rpc::ErrorInfo info = ErrorInfoOf(agent.End());
  EXPECT_EQ(info.reason(), "UNKNOWN_LOCATION");
  EXPECT_EQ(info.metadata().at("value"), "M9");
}

TEST_F(ReportTest, ANewerHelloEndsTheOlderStream) {
  Agent older(served_);
  older.Open(HelloOf("till", "a", "M1"));
  Agent newer(served_);
  newer.Open(HelloOf("till", "a", "M1"));
  EXPECT_EQ(ReasonOf(older.End()), "SOURCE_TAKEN_OVER");
  newer.Say(BatchOf(1, "ball", 12));
  EXPECT_EQ(newer.HearUntilDurable(1).durable_sequence(), 1u);
  newer.Cancel();
  newer.End();
}

TEST_F(ReportTest, StreamsOfDifferentSourcesLiveSideBySide) {
  Agent one(served_);
  Agent two(served_);
  one.Open(HelloOf("till 1", "a", "M1"));
  two.Open(HelloOf("till 2", "a", "M2"));
  one.Say(BatchOf(1, "ball", 1));
  two.Say(BatchOf(1, "ball", 2));
  EXPECT_EQ(one.HearUntilDurable(1).durable_sequence(), 1u);
  EXPECT_EQ(two.HearUntilDurable(1).durable_sequence(), 1u);
  EXPECT_EQ(served_.server().streams().size(), 2u);
  one.Cancel();
  two.Cancel();
  one.End();
  two.End();
  EXPECT_TRUE(served_.server().streams().AwaitNone(absl::Seconds(10)));
}

TEST_F(ReportTest, ACancelledStreamLetsGoWhateverIsUnderWay) {
  for (int round = 0; round < 50; ++round) {
    Agent agent(served_);
    agent.Say(HelloOf("till", absl::StrCat("spool ", round), "M1"));
    if (round % 2 == 0) {
      agent.Hear();
      for (uint64_t sequence = 1; sequence <= 4; ++sequence)
        agent.Say(BatchOf(sequence, "ball", round));
    }
    agent.Cancel();
    agent.End();
  }
  EXPECT_TRUE(served_.server().streams().AwaitNone(absl::Seconds(10)));
}

TEST_F(ReportTest, ATooLargeMessageEndsItsStreamClearlyAndDisturbsNobody) {
  Agent quiet(served_);
  quiet.Open(HelloOf("till 1", "a", "M1"));
  Agent loud(served_);
  loud.Open(HelloOf("till 2", "a", "M2"));
  v1::Batch batch = BatchOf(1, "ball", 12);
  batch.set_input_position(std::string(20 << 20, 'x'));
  loud.Say(batch);
  const grpc::Status status = loud.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_NE(status.error_message().find("larger than max"), std::string::npos)
      << status.error_message();

  quiet.Say(BatchOf(1, "ball", 3));
  EXPECT_EQ(quiet.HearUntilDurable(1).durable_sequence(), 1u);
  quiet.Cancel();
  quiet.End();
}

TEST_F(ReportTest, AHeartbeatMovesKnownThrough) {
  Agent agent(served_);
  agent.Open(HelloOf("till", "a", "M1"));
  v1::Heartbeat heartbeat;
  const int64_t told_us = NowUs() - 1'000'000;
  heartbeat.add_known_through()->set_at_us(told_us);
  agent.Say(heartbeat);
  agent.Say(BatchOf(1, "ball", 1));  // taken after the heartbeat
  agent.HearUntilDurable(1);

  v1::ListLocationStatusResponse response;
  ServedHub::Expect(served_.Call(&v1::HubService::Stub::ListLocationStatus,
                                 v1::ListLocationStatusRequest(), &response));
  ASSERT_EQ(response.locations_size(), 2);
  const v1::LocationStatus& location = response.locations(0);
  EXPECT_EQ(location.location_id(), "M1");
  EXPECT_GE(location.known_through().seconds(), told_us / 1'000'000);
  ASSERT_EQ(location.sources_size(), 1);
  EXPECT_TRUE(location.sources(0).connected());
  EXPECT_EQ(location.sources(0).durable_sequence(), 1u);
  agent.Cancel();
  agent.End();
}

TEST(ReportIdleTest, AStreamOnWhichNothingIsHeardEnds) {
  ServedHub served({.idle_after = absl::Milliseconds(200)});
  served.MakeChain({"M1"}, {"ball"});
  Agent silent(served);  // has not even said Hello
  Agent agent(served);
  agent.Open(HelloOf("till", "a", "M1"));
  EXPECT_EQ(ReasonOf(agent.End()), "IDLE");
  EXPECT_EQ(ReasonOf(silent.End()), "IDLE");
}

TEST(ReportDrainTest, AgentsAreToldToGoAndWhatTheySentIsAcknowledged) {
  ServedHub served({.reconnect_after = absl::Milliseconds(1'500)});
  served.MakeChain({"M1"}, {"ball"});
  Agent agent(served);
  agent.Open(HelloOf("till", "a", "M1"));
  std::future<void> stopped = std::async(std::launch::async, [&] { served.server().Stop(); });
  const v1::ReportResponse told = agent.Hear();
  EXPECT_EQ(told.drain().reconnect_after_ms(), 1'500u);
  agent.Say(BatchOf(1, "ball", 12));
  agent.Close();
  EXPECT_EQ(agent.HearUntilDurable(1).durable_sequence(), 1u);
  ServedHub::Expect(agent.End());
  stopped.get();
}

TEST(ReportDrainTest, AnAgentThatStaysIsCutOff) {
  ServedHub served({.drain_for = absl::Milliseconds(50), .last_calls_for = absl::Milliseconds(50)});
  served.MakeChain({"M1"}, {"ball"});
  Agent agent(served);
  agent.Open(HelloOf("till", "a", "M1"));
  std::future<void> stopped = std::async(std::launch::async, [&] { served.server().Stop(); });
  EXPECT_FALSE(agent.End().ok());
  stopped.get();
  EXPECT_EQ(served.server().streams().size(), 0u);
}

}  // namespace
}  // namespace onhand::rpc
