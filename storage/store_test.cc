#include "storage/store.h"

#include <gtest/gtest.h>

#include "storage/crc32c.h"

namespace onhand::storage {
namespace {

JournalRow Row() {
  JournalRow row;
  row.epoch = 1;
  row.writer = 2;
  row.committed_at_us = 3;
  row.payload = "payload";
  return row;
}

// The chain is kept in every journal: these values may never change.
TEST(ChainAfter, KeepsItsStoredValues) {
  EXPECT_EQ(ChainAfter(0, JournalRow{}), 0xf6e9be5d70632cf5u);
  EXPECT_NE(ChainAfter(0, Row()), ChainAfter(1, Row()));
}

TEST(ChainAfter, DependsOnEveryFieldButRevisionAndChain) {
  const uint64_t chain = ChainAfter(7, Row());
  JournalRow row = Row();
  row.revision = 99;
  row.chain = 99;
  EXPECT_EQ(ChainAfter(7, row), chain);
  for (int field = 0; field < 4; ++field) {
    row = Row();
    if (field == 0) row.epoch += 1;
    if (field == 1) row.writer += 1;
    if (field == 2) row.committed_at_us += 1;
    if (field == 3) row.payload += '\0';
    EXPECT_NE(ChainAfter(7, row), chain) << "field " << field;
  }
}

TEST(Crc32c, AgreesWithRfc3720) {
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
}

TEST(JournalId, DiffersEachTime) {
  EXPECT_EQ(NewJournalId().size(), 32u);
  EXPECT_NE(NewJournalId(), NewJournalId());
}

}  // namespace
}  // namespace onhand::storage
