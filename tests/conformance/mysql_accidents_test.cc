#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "storage/open.h"
#include "tests/conformance/backend.h"
#include "tests/support/cutting_proxy.h"
#include "tests/support/mariadb.h"

namespace onhand::storage {
namespace {

using onhand::testing::CuttingProxy;
using onhand::testing::FreePort;
using onhand::testing::MariaDb;

// A store that reaches its database through a proxy which can cut it off.
class MysqlAccidents : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = server_.CreateDatabase();
    store_ = Open(server_.Url(database_, proxy_.port()));
    ASSERT_TRUE(store_->Migrate().ok());
  }

  static std::unique_ptr<Store> Open(const std::string& url) {
    auto store = OpenStore(url, "");
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }

  std::string Query(const std::string& sql) {
    return server_.Run(absl::StrCat("USE ", database_, "; ", sql));
  }

  // Warms the journal's connection up: the next thing it sends is the append itself.
  JournalHead AppendTwo() {
    const JournalRow first = RowAfter({}, 1);
    ExpectAppend(store_.get(), {}, first);
    const JournalRow second = RowAfter(HeadAfter(first), 1);
    ExpectAppend(store_.get(), HeadAfter(first), second);
    return HeadAfter(second);
  }

  ProjectionBatch OneRow(uint64_t revision) {
    ProjectionBatch batch;
    batch.through_revision = revision;
    batch.stock.push_back({"bat", "s1", static_cast<int32_t>(revision), 0, 0, 0, revision});
    return batch;
  }

  MariaDb& server_ = MariaDb::Shared();
  CuttingProxy proxy_{server_.port()};
  std::string database_;
  std::unique_ptr<Store> store_;
  std::string detail_;
};

// A column cannot be added inside a transaction, and not every server can ask whether it is there.
TEST_F(MysqlAccidents, AStepThatDiedBeforeItWasRecordedIsDoneAgain) {
  Query("DELETE FROM schema_migration WHERE number = 4");
  const auto applied = store_->Migrate();
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_THAT(*applied, ::testing::ElementsAre("0004_display_rule_version"));
  EXPECT_TRUE(store_->CheckSchema().ok());
}

TEST_F(MysqlAccidents, AppendCutBeforeItReachesTheServerIsResolved) {
  const JournalHead head = AppendTwo();
  const JournalRow row = RowAfter(head, 1, "lost request");
  proxy_.CutNext(CuttingProxy::Moment::kBeforeRequest);
  ExpectAppend(store_.get(), head, row, AppendOutcome::kUnknown);
  EXPECT_EQ(proxy_.cuts(), 1);
  EXPECT_EQ(Query("SELECT COUNT(*) FROM journal"), "2\n");

  EXPECT_EQ(store_->journal().ResolveAppend(head, row, &detail_), AppendOutcome::kAppended);
  EXPECT_EQ(Query("SELECT payload FROM journal WHERE revision = 3"), "lost request\n");
}

TEST_F(MysqlAccidents, AppendCutBeforeItsAnswerIsResolved) {
  const JournalHead head = AppendTwo();
  const JournalRow row = RowAfter(head, 1, "lost answer");
  proxy_.CutNext(CuttingProxy::Moment::kBeforeAnswer);
  ExpectAppend(store_.get(), head, row, AppendOutcome::kUnknown);
  EXPECT_EQ(Query("SELECT COUNT(*) FROM journal"), "3\n");

  EXPECT_EQ(store_->journal().ResolveAppend(head, row, &detail_), AppendOutcome::kAppended);
  EXPECT_EQ(Query("SELECT COUNT(*) FROM journal"), "3\n");
}

TEST_F(MysqlAccidents, AppendWhoseAnswerIsLostAndWhoseRevisionAnotherTookIsFenced) {
  const JournalHead head = AppendTwo();
  const JournalRow row = RowAfter(head, 1);
  proxy_.CutNext(CuttingProxy::Moment::kBeforeRequest);
  ExpectAppend(store_.get(), head, row, AppendOutcome::kUnknown);
  const auto other = Open(server_.Url(database_));
  ExpectAppend(other.get(), head, RowAfter(head, 2));
  EXPECT_EQ(store_->journal().ResolveAppend(head, row, &detail_), AppendOutcome::kFenced);
}

TEST_F(MysqlAccidents, ResolvingStaysUnknownWhileTheServerIsAway) {
  const JournalHead head = AppendTwo();
  const JournalRow row = RowAfter(head, 1);
  server_.Kill();
  ExpectAppend(store_.get(), head, row, AppendOutcome::kUnknown);
  EXPECT_EQ(store_->journal().ResolveAppend(head, row, &detail_), AppendOutcome::kUnknown);
  EXPECT_EQ(store_->journal().Head().status().code(), absl::StatusCode::kUnavailable);
  server_.Start();
  EXPECT_EQ(store_->journal().ResolveAppend(head, row, &detail_), AppendOutcome::kAppended);
  EXPECT_EQ(store_->journal().Head()->revision, 3u);
}

TEST_F(MysqlAccidents, AcknowledgedRowsSurviveTheServersDeath) {
  const JournalHead head = AppendTwo();
  server_.Kill();
  server_.Start();
  EXPECT_EQ(store_->journal().Head().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->journal().Head()->chain, head.chain);
}

TEST_F(MysqlAccidents, KilledConnectionMakesTheNextAppendUnknownThenResolved) {
  const JournalHead head = AppendTwo();
  server_.Run(server_.Run(
      "SELECT GROUP_CONCAT(CONCAT('KILL ', id) SEPARATOR ';') FROM information_schema.processlist "
      "WHERE user = 'onhand'"));
  const JournalRow row = RowAfter(head, 1);
  ExpectAppend(store_.get(), head, row, AppendOutcome::kUnknown);
  EXPECT_EQ(store_->journal().ResolveAppend(head, row, &detail_), AppendOutcome::kAppended);
}

TEST_F(MysqlAccidents, ResolvingWaitsForAnInsertThatIsStillBeingCommitted) {
  const JournalHead head = AppendTwo();
  const JournalRow row = RowAfter(head, 1);
  // The first attempt's row, as another connection holds it uncommitted.
  std::thread slow([&] {
    Query(absl::StrCat("BEGIN; INSERT INTO journal VALUES (3, ", static_cast<int64_t>(row.epoch),
                       ", ", static_cast<int64_t>(row.writer), ", ", row.committed_at_us, ", ",
                       static_cast<int64_t>(row.chain), ", '", row.payload,
                       "'); DO SLEEP(1); COMMIT"));
  });
  while (Query("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(1)' "
               "AND id <> CONNECTION_ID()") == "0\n") {
    std::this_thread::yield();
  }
  EXPECT_EQ(store_->journal().ResolveAppend(head, row, &detail_), AppendOutcome::kAppended);
  slow.join();
  EXPECT_EQ(Query("SELECT COUNT(*) FROM journal"), "3\n");
}

TEST_F(MysqlAccidents, SecondHostIsUsedWhenTheFirstRefuses) {
  const auto store = Open(absl::StrCat("mysql://onhand@127.0.0.1:", FreePort(),
                                       ",127.0.0.1:", proxy_.port(), "/", database_));
  EXPECT_TRUE(store->CheckSchema().ok());
  const JournalRow row = RowAfter({}, 1);
  ExpectAppend(store.get(), {}, row);
}

TEST_F(MysqlAccidents, SecondHostTakesOverInTheMiddleOfAnAppend) {
  const auto store = Open(absl::StrCat("mysql://onhand@127.0.0.1:", proxy_.port(),
                                       ",127.0.0.1:", server_.port(), "/", database_));
  const JournalRow first = RowAfter({}, 1);
  ExpectAppend(store.get(), {}, first);
  proxy_.CutNext(CuttingProxy::Moment::kBeforeAnswer, "SELECT");
  proxy_.RefuseNew(true);
  const JournalRow second = RowAfter(HeadAfter(first), 1);
  AppendOutcome outcome = store->journal().Append(HeadAfter(first), second, &detail_);
  EXPECT_EQ(static_cast<int>(outcome), static_cast<int>(AppendOutcome::kUnknown)) << detail_;
  outcome = store->journal().ResolveAppend(HeadAfter(first), second, &detail_);
  EXPECT_EQ(static_cast<int>(outcome), static_cast<int>(AppendOutcome::kAppended)) << detail_;
  EXPECT_EQ(store->journal().Head()->revision, 2u);
}

// The driver's commit() returns normally after a lost connection: rows that nobody stored would
// count as written.
TEST_F(MysqlAccidents, ProjectionCutBeforeItsCommitIsWrittenAgain) {
  ASSERT_TRUE(store_->projection().Write(1, OneRow(1)).ok());
  proxy_.CutNext(CuttingProxy::Moment::kBeforeRequest, "COMMIT");
  const absl::Status status = store_->projection().Write(1, OneRow(2));
  EXPECT_EQ(proxy_.cuts(), 1);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Query("SELECT on_hand FROM stock"), "2\n");
  EXPECT_EQ(store_->projection().Head()->through_revision, 2u);
}

TEST_F(MysqlAccidents, ProjectionCutBeforeItsCommitsAnswerIsWrittenAgain) {
  ASSERT_TRUE(store_->projection().Write(1, OneRow(1)).ok());
  proxy_.CutNext(CuttingProxy::Moment::kBeforeAnswer, "COMMIT");
  ASSERT_TRUE(store_->projection().Write(1, OneRow(2)).ok());
  EXPECT_EQ(Query("SELECT on_hand FROM stock"), "2\n");
}

TEST_F(MysqlAccidents, ProjectionSaysSoWhenTheServerStaysAway) {
  ASSERT_TRUE(store_->projection().Write(1, OneRow(1)).ok());
  proxy_.RefuseNew(true);
  proxy_.CutNext(CuttingProxy::Moment::kBeforeRequest, "COMMIT");
  const absl::Status status = store_->projection().Write(1, OneRow(2));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(Query("SELECT on_hand FROM stock"), "1\n");
  proxy_.RefuseNew(false);
  EXPECT_TRUE(store_->projection().Write(1, OneRow(2)).ok());
}

TEST_F(MysqlAccidents, ProjectionsOfTwoWritersNeverDeadlockForGood) {
  const auto other = Open(server_.Url(database_));
  const auto write = [&](Store* store, uint64_t parity) {
    for (uint64_t revision = 1; revision <= 20; ++revision) {
      ProjectionBatch batch;
      batch.through_revision = 2 * revision + parity;
      for (int sku = 300; sku > 0; --sku) {
        batch.stock.push_back({std::to_string(sku), "s1", 0, 0, 0, 0, 2 * revision + parity});
      }
      const absl::Status status = store->projection().Write(1, batch);
      ASSERT_TRUE(status.ok()) << status;
    }
  };
  std::thread first([&] { write(store_.get(), 0); });
  std::thread second([&] { write(other.get(), 1); });
  first.join();
  second.join();
  EXPECT_EQ(Query("SELECT COUNT(*), MIN(revision) FROM stock"), "300\t41\n");
}

// Were the head row taken first, the movements would wait for it as long as the other tables'
// transaction waits.
TEST_F(MysqlAccidents, MovementsDoNotWaitForTheOtherTables) {
  ASSERT_TRUE(store_->projection().Write(1, OneRow(1)).ok());
  // A person's statement that holds the row.
  std::thread slow([&] { Query("BEGIN; UPDATE stock SET held = 0; DO SLEEP(2); COMMIT"); });
  while (Query("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(2)' "
               "AND id <> CONNECTION_ID()") == "0\n") {
    std::this_thread::yield();
  }
  std::thread tables([&] { EXPECT_TRUE(store_->projection().Write(1, OneRow(2)).ok()); });
  while (
      Query("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'") ==
      "0\n") {
    std::this_thread::yield();
  }
  const absl::Status status = store_->projection().WriteMovements(
      1, 2, {{2, 0, "bat", "s1", "SALE", "till", -1, 0, false}});
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Query("SELECT through_revision, movements_through_revision FROM projection_head"),
            "1\t2\n");
  tables.join();
  slow.join();
  EXPECT_EQ(Query("SELECT through_revision, movements_through_revision FROM projection_head"),
            "2\t2\n");
}

TEST_F(MysqlAccidents, MissingDatabaseAndWrongUserNameTheRemedy) {
  const absl::Status missing = OpenStore(server_.Url("nowhere"), "").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kFailedPrecondition) << missing;
  EXPECT_THAT(std::string(missing.message()), ::testing::HasSubstr("CREATE DATABASE"));

  const absl::Status refused = OpenStore(server_.Url(database_), "wrong password").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("--store-password-file"));
}

TEST_F(MysqlAccidents, ServerThatTakesOnlySmallPacketsIsRefused) {
  server_.Run("SET GLOBAL max_allowed_packet = 1048576");
  const absl::Status status = OpenStore(server_.Url(database_), "").status();
  server_.Run("SET GLOBAL max_allowed_packet = 16777216");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("max_allowed_packet=16M"));
}

}  // namespace
}  // namespace onhand::storage
