#include "storage/open.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace onhand::storage {
namespace {

using ::testing::HasSubstr;

class OpenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/onhand_open_XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    url_ = "sqlite:" + folder_ + "/journal.db";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_, url_;
};

TEST_F(OpenTest, SecondLockIsRefusedAndNamesTheFile) {
  const auto first = StoreLock::Take(url_);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = StoreLock::Take(url_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(folder_ + "/journal.db.lock"));
}

TEST_F(OpenTest, LockIsFreeAgainWhenItsHolderEnds) {
  ASSERT_TRUE(StoreLock::Take(url_).ok());
  EXPECT_TRUE(StoreLock::Take(url_).ok());
}

TEST_F(OpenTest, OtherStoresAreNotLocked) {
  const auto first = StoreLock::Take("mysql://hub@db:3306/onhand");
  const auto second = StoreLock::Take("mysql://hub@db:3306/onhand");
  EXPECT_TRUE(first.ok() && second.ok());
}

TEST_F(OpenTest, FolderThatIsMissingIsNamed) {
  const std::string url = "sqlite:" + folder_ + "/missing/journal.db";
  for (const absl::Status& status : {OpenStore(url, "").status(), StoreLock::Take(url).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("missing/journal.db"));
  }
}

TEST_F(OpenTest, FileThatIsNoDatabaseIsRefused) {
  FILE* file = fopen((folder_ + "/journal.db").c_str(), "w");
  for (int line = 0; line < 100; ++line) fputs("this is a diary, not a database\n", file);
  fclose(file);
  const absl::Status status = OpenStore(url_, "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("not a database"));
}

TEST_F(OpenTest, MysqlWithoutAServerIsUnavailableAndNamesEveryHost) {
  const absl::Status status = OpenStore("mysql://hub@127.0.0.1:1,127.0.0.1:2/onhand", "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("127.0.0.1:2"));
}

TEST_F(OpenTest, SchemaIsMissingUntilMigrated) {
  const auto store = OpenStore(url_, "");
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_THAT(std::string((*store)->CheckSchema().message()), HasSubstr("onhandd migrate"));
  ASSERT_TRUE((*store)->Migrate().ok());
  EXPECT_TRUE((*store)->CheckSchema().ok());
}

}  // namespace
}  // namespace onhand::storage
