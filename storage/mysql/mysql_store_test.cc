// What a session asks of its server, on a real MariaDB.
#include "storage/mysql/mysql_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/mysql/session.h"
#include "storage/open.h"
#include "tests/support/mariadb.h"

namespace onhand::storage {
namespace {

using onhand::testing::MariaDb;

class MysqlStoreTest : public ::testing::Test {
 protected:
  // The answer of one of our sessions; -1 where the server does not know the setting.
  int64_t SettingOfASession(const std::string& setting) {
    const MysqlAddress address{.user = server_.user(),
                               .password = "",
                               .database = server_.CreateDatabase(),
                               .hosts = {{"127.0.0.1", server_.port()}}};
    MysqlSession session(&address);
    int64_t value = -1;
    absl::Status status = session.Query("SELECT @@SESSION." + setting, [&](sql::ResultSet& row) {
      value = row.getInt64(1);
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok() || MysqlErrorOf(status) == kUnknownVariable) << status;
    return value;
  }

  MariaDb& server_ = MariaDb::Shared();
};

TEST_F(MysqlStoreTest, SessionsIsolateSnapshotsWhateverTheServersDefault) {
  server_.Run("SET GLOBAL innodb_snapshot_isolation = OFF", /*may_fail=*/true);
  const int64_t isolation = SettingOfASession("innodb_snapshot_isolation");
  ASSERT_NE(isolation, -1)
      << "this server is older than the setting: test with MariaDB 10.11 or newer";
  EXPECT_EQ(isolation, 1);
}

TEST_F(MysqlStoreTest, SessionsWaitForTheirCluster) {
  server_.Run("SET GLOBAL wsrep_sync_wait = 0", /*may_fail=*/true);
  const int64_t wait = SettingOfASession("wsrep_sync_wait");
  ASSERT_NE(wait, -1) << "this server is built without a cluster: test with Debian's MariaDB";
  EXPECT_EQ(wait, 1);
}

TEST_F(MysqlStoreTest, ServerThatDoesNotSyncItsCommitsIsRefused) {
  const auto store = *OpenStore(server_.Url(server_.CreateDatabase()), "");
  ASSERT_TRUE(store->Migrate().ok());
  EXPECT_TRUE(store->CheckSchema().ok());
  for (const char* setting : {"0", "2"}) {
    server_.Run(std::string("SET GLOBAL innodb_flush_log_at_trx_commit = ") + setting);
    const absl::Status status = store->CheckSchema();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                ::testing::HasSubstr("SET GLOBAL innodb_flush_log_at_trx_commit = 1"));
  }
  server_.Run("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
  EXPECT_TRUE(store->CheckSchema().ok());
}

}  // namespace
}  // namespace onhand::storage
