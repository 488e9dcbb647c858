// The polling of a till's table, on a real MariaDB.
#include "clients/agent/sql_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/support/mariadb.h"

namespace onhand::agent {
namespace {

using ::onhand::testing::MariaDb;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SqlSourceTest : public ::testing::Test {
 protected:
  SqlSourceTest() : database_(till_.CreateDatabase()) {
    Run("CREATE TABLE sales(id BIGINT PRIMARY KEY, sku VARCHAR(64), qty DECIMAL(10,3), soldat "
        "DATETIME(6), clerk BLOB)");
  }

  std::string Run(const std::string& sql) {
    return till_.Run(absl::StrCat("USE ", database_, "; ", sql));
  }
  void Sell(int64_t id, const std::string& sku, const std::string& qty = "1") {
    Run(absl::StrCat("INSERT INTO sales VALUES(", id, ", '", sku, "', ", qty,
                     ", '2026-03-01 10:00:00', NULL)"));
  }
  std::unique_ptr<SqlSource> Open(const std::string& position = "",
                                  const std::string& parameters = "") {
    const auto address =
        ParseSqlAddress(absl::StrCat(till_.Url(database_), "?table=sales&key=id", parameters));
    EXPECT_TRUE(address.ok()) << address.status();
    auto source = std::make_unique<SqlSource>(SqlSource::Options{
        .address = *address, .locations = {"S1"}, .poll = absl::Milliseconds(1)});
    EXPECT_TRUE(source->Seek(position).ok());
    return source;
  }
  static Chunk Read(SqlSource& source, int rows_max = 1000) {
    absl::StatusOr<Chunk> chunk = source.Read(rows_max, absl::Milliseconds(100));
    EXPECT_TRUE(chunk.ok()) << chunk.status();
    return chunk.ok() ? *std::move(chunk) : Chunk();
  }
  static std::vector<std::string> Skus(const Chunk& chunk) {
    std::vector<std::string> skus;
    for (const v1::Movement& movement : chunk.news.movements()) skus.push_back(movement.sku());
    return skus;
  }

  MariaDb& till_ = MariaDb::Shared();
  std::string database_;
};

TEST_F(SqlSourceTest, RowsAreToldInKeyOrderAndOnce) {
  Sell(1, "A", "2");
  Sell(3, "B", "-1.000");
  auto source = Open();
  const Chunk chunk = Read(*source);
  EXPECT_THAT(Skus(chunk), ElementsAre("A", "B"));
  EXPECT_EQ(chunk.news.movements(0).quantity(), 2);
  EXPECT_EQ(chunk.news.movements(0).kind(), v1::MOVEMENT_KIND_SALE);
  EXPECT_EQ(chunk.news.movements(1).quantity(), -1);
  EXPECT_EQ(chunk.news.known_through(0).at_us(), 1'772'359'200'000'000);
  EXPECT_TRUE(chunk.nothing_left);
  EXPECT_THAT(Skus(Read(*source)), IsEmpty());
}

TEST_F(SqlSourceTest, ALowerKeyThatCommitsLaterIsToldAlsoAfterARestart) {
  Sell(1, "A");
  Sell(4, "D");
  auto source = Open();
  const Chunk first = Read(*source);
  Sell(2, "B");
  EXPECT_THAT(Skus(Read(*source)), ElementsAre("B"));
  Sell(3, "C");
  EXPECT_THAT(Skus(Read(*Open(first.news.input_position()))), ElementsAre("B", "C"));
}

TEST_F(SqlSourceTest, ABacklogComesInBatches) {
  for (int64_t id = 1; id <= 5; ++id) Sell(id, absl::StrCat("K", id));
  auto source = Open();
  const Chunk first = Read(*source, 2);
  EXPECT_THAT(Skus(first), ElementsAre("K1", "K2"));
  EXPECT_FALSE(first.nothing_left);
  EXPECT_THAT(first.news.known_through(), SizeIs(0));
  EXPECT_THAT(Skus(Read(*source, 2)), ElementsAre("K3", "K4"));
  EXPECT_THAT(Skus(Read(*source, 2)), ElementsAre("K5"));
}

TEST_F(SqlSourceTest, HistoryCanBeLeftOut) {
  Sell(1, "A");
  Sell(2, "B");
  auto source = Open("", "&from=now");
  const Chunk first = Read(*source);
  EXPECT_THAT(Skus(first), IsEmpty());
  Sell(3, "C");
  EXPECT_THAT(Skus(Read(*Open(first.news.input_position(), "&from=now"))), ElementsAre("C"));
  EXPECT_THAT(Skus(Read(*Open("", "&from=1"))), ElementsAre("B", "C"));
}

TEST_F(SqlSourceTest, BadRowsAreListedAndTaken) {
  Sell(1, "A", "1.5");
  Sell(2, "B");
  auto source = Open();
  const Chunk chunk = Read(*source);
  EXPECT_THAT(Skus(chunk), ElementsAre("B"));
  ASSERT_THAT(chunk.rejected, SizeIs(1));
  EXPECT_EQ(chunk.rejected[0].where, "sales:1");
  EXPECT_THAT(Skus(Read(*source)), IsEmpty());
}

TEST_F(SqlSourceTest, ALostConnectionIsAnErrorAndThenMadeAnew) {
  Sell(1, "A");
  auto source = Open();
  EXPECT_THAT(Skus(Read(*source)), ElementsAre("A"));
  till_.Kill();
  const absl::StatusOr<Chunk> lost = source->Read(10, absl::Milliseconds(100));
  EXPECT_THAT(std::string(lost.status().message()), HasSubstr("table \"sales\""));
  till_.Start();
  Sell(2, "B");
  EXPECT_THAT(Skus(Read(*source)), ElementsAre("B"));
}

}  // namespace
}  // namespace onhand::agent
