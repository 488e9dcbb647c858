#include "server/hub/journal_record.h"

#include <gtest/gtest.h>

#include <string>

namespace onhand::hub {
namespace {

namespace journal = ::onhand::journal::v1;

journal::Record SomeRecord() {
  journal::Record record;
  record.add_facts()->mutable_tick();
  record.add_facts()->mutable_item_stopped()->set_reason("recall");
  return record;
}

TEST(JournalRecord, ComesBack) {
  journal::Record record;
  ASSERT_TRUE(DecodeRecord(EncodeRecord(SomeRecord()), &record).ok());
  EXPECT_EQ(record.SerializeAsString(), SomeRecord().SerializeAsString());
}

TEST(JournalRecord, EmptyRecordComesBack) {
  journal::Record record = SomeRecord();
  ASSERT_TRUE(DecodeRecord(EncodeRecord(journal::Record()), &record).ok());
  EXPECT_EQ(record.facts_size(), 0);
}

TEST(JournalRecord, AnyChangedByteIsFound) {
  const std::string payload = EncodeRecord(SomeRecord());
  journal::Record record;
  for (size_t i = 0; i < payload.size(); ++i) {
    std::string damaged = payload;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    EXPECT_FALSE(DecodeRecord(damaged, &record).ok()) << "byte " << i;
  }
}

TEST(JournalRecord, TruncatedPayloadIsDataLoss) {
  const std::string payload = EncodeRecord(SomeRecord());
  journal::Record record;
  for (size_t size = 0; size < payload.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(DecodeRecord(payload.substr(0, size), &record))) << size;
  }
}

TEST(JournalRecord, NewerFormatNamesTheRemedy) {
  std::string payload = EncodeRecord(SomeRecord());
  payload[0] = 2;
  journal::Record record;
  const absl::Status status = DecodeRecord(payload, &record);
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_NE(status.message().find("newer"), std::string::npos);
}

}  // namespace
}  // namespace onhand::hub
