#include "storage/sqlite/checkpointer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace onhand::storage {
namespace {

constexpr int kPageBytes = 4096;

class CheckpointerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/onhand_checkpointer_XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/some.db";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static void CommitAPage(SqliteDatabase& database) {
    ASSERT_TRUE(
        database.Execute(absl::StrCat("INSERT INTO page VALUES (zeroblob(", kPageBytes, "))"))
            .ok());
  }
  // How often the WAL was begun anew: the fourth number of its header, big-endian.
  uint32_t TimesBegunAnew() {
    std::ifstream file(path_ + "-wal", std::ios::binary);
    unsigned char header[16] = {};
    file.read(reinterpret_cast<char*>(header), sizeof(header));
    uint32_t times = 0;
    for (int i = 12; i < 16; ++i) times = times << 8 | header[i];
    return times;
  }

  std::string folder_, path_;
};

TEST_F(CheckpointerTest, WalIsBegunAnewWhileCommitsGoOn) {
  SqliteCheckpointer checkpointer(path_, {.wal_pages_due = 50, .wal_pages_max = 1 << 30});
  const auto database = checkpointer.Watch(*SqliteDatabase::Open(path_));
  ASSERT_TRUE(database->Execute("CREATE TABLE page (bytes BLOB)").ok());
  int commits = 0;
  while (TimesBegunAnew() < 3 && commits < 100'000) {
    CommitAPage(*database);
    ++commits;
  }
  EXPECT_LT(commits, 100'000);
}

TEST_F(CheckpointerTest, CommitBeyondTheBoundCheckpointsByItself) {
  SqliteCheckpointer checkpointer(path_, {.wal_pages_due = 10, .wal_pages_max = 10});
  const auto database = checkpointer.Watch(*SqliteDatabase::Open(path_));
  ASSERT_TRUE(database->Execute("CREATE TABLE page (bytes BLOB)").ok());
  for (int i = 0; i < 200; ++i) CommitAPage(*database);
  EXPECT_LT(std::filesystem::file_size(path_ + "-wal"), 30 * kPageBytes);
}

}  // namespace
}  // namespace onhand::storage
