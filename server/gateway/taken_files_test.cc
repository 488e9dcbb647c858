#include "server/gateway/taken_files.h"

#include "gtest/gtest.h"

namespace onhand::gateway {
namespace {

TakenFile File(uint64_t content) {
  return {.content = content,
          .taken_us = 7,
          .revision = 8,
          .sequence = 9,
          .records_told = TakenFile::kAllRecords,
          .refused = 2};
}

TEST(TakenFilesTest, RemembersThroughThePosition) {
  TakenFiles files;
  files.Put(File(1));
  files.Put(File(0xfedcba9876543210));
  const TakenFiles read = TakenFiles::Parse(files.ToPosition());
  ASSERT_NE(read.Find(0xfedcba9876543210), nullptr);
  const TakenFile& file = *read.Find(1);
  EXPECT_EQ(file.taken_us, 7);
  EXPECT_EQ(file.revision, 8u);
  EXPECT_EQ(file.sequence, 9u);
  EXPECT_EQ(file.records_told, TakenFile::kAllRecords);
  EXPECT_EQ(file.refused, 2u);
  EXPECT_EQ(read.Find(2), nullptr);
}

TEST(TakenFilesTest, RemembersALongTimeInLittleRoom) {
  TakenFiles files;
  for (uint64_t i = 1; i <= 1'000; ++i) {
    files.Put(File(i));
    files = TakenFiles::Parse(files.ToPosition());
    ASSERT_LE(files.ToPosition().size(), TakenFiles::kBytesMax);
  }
  EXPECT_NE(files.Find(1'000), nullptr);
  EXPECT_NE(files.Find(993), nullptr);
  EXPECT_EQ(files.Find(992), nullptr);
  EXPECT_TRUE(files.IsOld(992));
  EXPECT_TRUE(files.IsOld(910));
  EXPECT_FALSE(files.IsOld(800));
}

TEST(TakenFilesTest, AFileThatBrokeOffIsNotRememberedAsTold) {
  TakenFiles files;
  TakenFile half = File(1);
  half.records_told = 5;
  files.Put(half);
  EXPECT_EQ(files.Find(1)->records_told, 5u);
  for (uint64_t i = 2; i < 20; ++i) files.Put(File(i));
  EXPECT_EQ(files.Find(1), nullptr);
  EXPECT_FALSE(files.IsOld(1));
}

TEST(TakenFilesTest, AnothersPositionIsAnEmptyMemory) {
  TakenFiles files;
  files.Put(File(1));
  const std::string position = files.ToPosition();
  for (size_t size = 0; size < position.size(); ++size) {
    EXPECT_EQ(TakenFiles::Parse(position.substr(0, size)).Find(1), nullptr);
  }
  EXPECT_EQ(TakenFiles::Parse("csv:12:*:0123456789abcdef").Find(1), nullptr);
}

}  // namespace
}  // namespace onhand::gateway
