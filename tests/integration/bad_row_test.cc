// Rows that no till should send, through gRPC to a real hub: each is quarantined under its reason,
// and nothing else notices.
#include <cstdint>
#include <limits>
#include <ostream>
#include <string>

#include "tests/integration/hub_fixture.h"

namespace onhand::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

struct BadRow {
  const char* name;
  v1::Movement row;
  const char* reason;
  // Said to people.
  const char* message;
};

void PrintTo(const BadRow& bad, std::ostream* out) { *out << bad.reason; }

class BadRowTest : public HubFixture, public ::testing::WithParamInterface<BadRow> {};

TEST_P(BadRowTest, IsQuarantinedAloneAndBlocksNothing) {
  Reporter till = NewReporter();
  const auto response =
      till.Send(BatchOf({Row("before", v1::MOVEMENT_KIND_LEVEL, 5), GetParam().row,
                         Row("behind", v1::MOVEMENT_KIND_RECEIPT, 7)}));
  ASSERT_TRUE(response.ok()) << response.status();

  EXPECT_EQ(response->outcome(), v1::REPORT_OUTCOME_APPLIED);
  EXPECT_EQ(response->ack().durable_sequence(), 1u);
  ASSERT_EQ(response->ack().problems_size(), 1);
  const v1::RowProblem& problem = response->ack().problems(0);
  EXPECT_EQ(problem.row(), 1u);
  EXPECT_EQ(problem.reason(), GetParam().reason);
  EXPECT_THAT(problem.message(), HasSubstr(GetParam().message));
  EXPECT_THAT(OnHand(), ElementsAre(Pair("before", 5), Pair("behind", 7)));

  const auto next = till.Send(BatchOf({Row("behind", v1::MOVEMENT_KIND_SALE, 2)}));
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_THAT(next->ack().problems(), IsEmpty());
  EXPECT_THAT(OnHand(), ElementsAre(Pair("before", 5), Pair("behind", 5)));

  const auto entries = Quarantined();
  const bool has_known_location = std::string(GetParam().reason) != "LOCATION_NOT_REPORTED";
  if (has_known_location) {
    ASSERT_THAT(entries, ElementsAre(HasReason(GetParam().reason)));
    EXPECT_EQ(entries[0].quarantine_id(), problem.quarantine_id());
    EXPECT_EQ(entries[0].quantity(), GetParam().row.quantity());
    EXPECT_EQ(entries[0].source_id(), till.hello().source_id());
  }
}

v1::Movement ElsewhereRow() {
  v1::Movement row = Row("elsewhere", v1::MOVEMENT_KIND_SALE, 1);
  row.set_location_id("no-such-store");
  return row;
}

v1::Movement WithLongReference() {
  v1::Movement row = Row("item", v1::MOVEMENT_KIND_SALE, 1);
  row.set_order_reference(std::string(65, 'o'));
  return row;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadRowTest,
    ::testing::Values(
        BadRow{"UnknownLocation", ElsewhereRow(), "LOCATION_NOT_REPORTED", "no-such-store"},
        BadRow{"NegativeCount", Row("item", v1::MOVEMENT_KIND_COUNT, -1), "NEGATIVE_COUNT", "-1"},
        BadRow{"LongSku", Row(std::string(65, 'x'), v1::MOVEMENT_KIND_SALE, 1), "INVALID_SKU",
               "65 bytes"},
        BadRow{"EmptySku", Row("", v1::MOVEMENT_KIND_SALE, 1), "INVALID_SKU", "1 to 64 bytes"},
        BadRow{"ControlCharacter", Row("tab\there", v1::MOVEMENT_KIND_SALE, 1), "INVALID_SKU",
               "control characters"},
        BadRow{"C1ControlCharacter", Row("c1\xc2\x85", v1::MOVEMENT_KIND_SALE, 1), "INVALID_SKU",
               "control characters"},
        BadRow{"HugeQuantity", Row("item", v1::MOVEMENT_KIND_RECEIPT, int64_t{1} << 40),
               "QUANTITY_OUT_OF_RANGE", "1099511627776"},
        BadRow{"HugeLevel", Row("item", v1::MOVEMENT_KIND_LEVEL, -(int64_t{1} << 40)),
               "QUANTITY_OUT_OF_RANGE", "-1099511627776"},
        BadRow{"LeastQuantity",
               Row("item", v1::MOVEMENT_KIND_SALE, std::numeric_limits<int64_t>::min()),
               "QUANTITY_OUT_OF_RANGE", "-9223372036854775808"},
        BadRow{"NegativeReceipt", Row("item", v1::MOVEMENT_KIND_RECEIPT, -3),
               "QUANTITY_OUT_OF_RANGE", "-3"},
        BadRow{"NoKind", Row("item", v1::MOVEMENT_KIND_UNSPECIFIED, 1), "INVALID_KIND", "kind 0"},
        BadRow{"UnknownKind", Row("item", static_cast<v1::MovementKind>(99), 1), "INVALID_KIND",
               "kind 99"},
        BadRow{"NoTime", Row("item", v1::MOVEMENT_KIND_SALE, 1, absl::UnixEpoch()), "INVALID_TIME",
               "occurred_at_us"},
        BadRow{"LongOrderReference", WithLongReference(), "INVALID_TEXT", "64 bytes"}),
    [](const auto& test) { return test.param.name; });

using RowTest = HubFixture;

TEST_F(RowTest, UnitsBeyondWhatAPositionHoldsAreQuarantined) {
  Reporter till = NewReporter();
  constexpr int64_t kMost = 1'000'000'000;
  ASSERT_TRUE(till.Send(BatchOf({Row("item", v1::MOVEMENT_KIND_LEVEL, kMost)})).ok());
  const auto response = till.Send(BatchOf({Row("item", v1::MOVEMENT_KIND_RECEIPT, kMost),
                                           Row("item", v1::MOVEMENT_KIND_RECEIPT, kMost),
                                           Row("item", v1::MOVEMENT_KIND_SALE, kMost)}));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->ack().problems(), ElementsAre(HasReason("QUANTITY_OUT_OF_RANGE")));
  EXPECT_THAT(OnHand(), ElementsAre(Pair("item", kMost)));
}

TEST_F(RowTest, AnUnknownItemIsRefusedWhereTheSourceWantsThatAndTakenOnRetry) {
  Reporter till = NewReporter();
  till.hello().set_unknown_items(v1::UNKNOWN_ITEMS_REJECT);
  const auto response = till.Send(BatchOf({Row("late-in-catalog", v1::MOVEMENT_KIND_LEVEL, 4)}));
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_THAT(response->ack().problems(), ElementsAre(HasReason("UNKNOWN_ITEM")));
  EXPECT_THAT(OnHand(), IsEmpty());

  v1::RetryQuarantinedRequest retry;
  retry.set_quarantine_id(response->ack().problems(0).quarantine_id());
  ExpectRefusal(connection().Write(&v1::QuarantineService::Stub::RetryQuarantined, retry),
                absl::StatusCode::kFailedPrecondition, "UNKNOWN_ITEM", "quarantine_id",
                std::to_string(retry.quarantine_id()));

  v1::BatchUpsertItemsRequest items;
  items.add_items()->set_sku("late-in-catalog");
  ASSERT_TRUE(connection().Write(&v1::CatalogService::Stub::BatchUpsertItems, items).ok());
  const auto retried = connection().Write(&v1::QuarantineService::Stub::RetryQuarantined, retry);
  ASSERT_TRUE(retried.ok()) << retried.status();
  EXPECT_THAT(OnHand(), ElementsAre(Pair("late-in-catalog", 4)));
  EXPECT_THAT(Quarantined(), IsEmpty());
}

TEST_F(RowTest, NegativeLevelsAreKeptAndPromiseNothing) {
  Reporter till = NewReporter();
  ASSERT_TRUE(till.Send(BatchOf({Row("owed", v1::MOVEMENT_KIND_LEVEL, -7)})).ok());
  EXPECT_THAT(OnHand(), ElementsAre(Pair("owed", -7)));
  EXPECT_THAT(Quarantined(), IsEmpty());

  v1::GetAvailabilityRequest request;
  request.set_sku("owed");
  const auto answer = connection().Call(&v1::AvailabilityService::Stub::GetAvailability, request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->availability().orderable());
  EXPECT_EQ(answer->availability().max_quantity(), 0);

  ASSERT_TRUE(till.Send(BatchOf({Row("owed", v1::MOVEMENT_KIND_RECEIPT, 10)})).ok());
  EXPECT_THAT(OnHand(), ElementsAre(Pair("owed", 3)));
}

}  // namespace
}  // namespace onhand::testing
