#include "server/rpc/call_limits.h"

#include <vector>

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "server/ledger/refusal.h"
#include "server/rpc/status.h"

namespace onhand::rpc {
namespace {

using Kind = CallLimits::Kind;
using Limit = CallLimits::Limit;

constexpr absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

// How many of `calls` calls that end at once are let in at this moment.
int LetIn(CallLimits& limits, const std::string& caller, int calls, absl::Time now) {
  int let_in = 0;
  for (int i = 0; i < calls; ++i) let_in += limits.Enter(caller, Kind::kCall, now).ok() ? 1 : 0;
  return let_in;
}

TEST(CallLimits, WhoWasQuietMayMakeASecondsCallsAtOneMoment) {
  CallLimits limits({.calls_per_second = 100});
  EXPECT_EQ(LetIn(limits, "shop", 250, kStart), 100);
  EXPECT_EQ(limits.refused(Limit::kRate), 150u);
  EXPECT_EQ(LetIn(limits, "shop", 250, kStart + absl::Milliseconds(100)), 10);
  EXPECT_EQ(LetIn(limits, "shop", 250, kStart + absl::Hours(1)), 100);
}

TEST(CallLimits, OneCallersFloodTakesNothingFromAnother) {
  CallLimits limits({.calls_per_second = 10, .calls_at_once = 2});
  EXPECT_EQ(LetIn(limits, "flood", 1'000, kStart), 10);
  EXPECT_EQ(LetIn(limits, "shop", 5, kStart), 5);
}

TEST(CallLimits, AClockThatIsSetBackGivesNothingAndTakesNothing) {
  CallLimits limits({.calls_per_second = 10});
  EXPECT_EQ(LetIn(limits, "shop", 4, kStart), 4);
  EXPECT_EQ(LetIn(limits, "shop", 100, kStart - absl::Hours(1)), 6);
}

TEST(CallLimits, PlacesAreGivenBackWhenTheirCallersGo) {
  CallLimits limits({.calls_at_once = 2, .streams_at_once = 1});
  std::vector<CallLimits::Place> places;
  places.push_back(*limits.Enter("shop", Kind::kCall, kStart));
  places.push_back(*limits.Enter("shop", Kind::kCall, kStart));
  EXPECT_EQ(ledger::ReasonOf(limits.Enter("shop", Kind::kCall, kStart).status()), "TOO_MANY_CALLS");
  EXPECT_EQ(ledger::ReasonOf(limits.Enter("shop", Kind::kCall, kStart).status()), "TOO_MANY_CALLS");
  EXPECT_TRUE(limits.Enter("shop", Kind::kStream, kStart).ok());
  places.pop_back();
  EXPECT_TRUE(limits.Enter("shop", Kind::kCall, kStart).ok());

  const CallLimits::Place stream = *limits.Enter("shop", Kind::kStream, kStart);
  EXPECT_EQ(ledger::ReasonOf(limits.Enter("shop", Kind::kStream, kStart).status()),
            "TOO_MANY_STREAMS");
  EXPECT_EQ(limits.refused(Limit::kCalls), 2u);
  EXPECT_EQ(limits.refused(Limit::kStreams), 1u);
}

TEST(CallLimits, ARefusalSaysWhenToComeBack) {
  CallLimits limits({.calls_per_second = 2});
  EXPECT_EQ(LetIn(limits, "shop", 2, kStart), 2);
  const absl::Status refused = limits.Enter("shop", Kind::kCall, kStart).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ledger::ReasonOf(refused), "RATE_LIMITED");
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("more than 2 calls a second"));
  // Half a second, and the millisecond that begins then.
  EXPECT_EQ(RetryAfterMs(ToGrpc(refused)), 501);
  EXPECT_TRUE(
      limits.Enter("shop", Kind::kCall, kStart + absl::Milliseconds(RetryAfterMs(ToGrpc(refused))))
          .ok());
}

}  // namespace
}  // namespace onhand::rpc
