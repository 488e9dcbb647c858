#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/ascii.h"
#include "tests/conformance/backend.h"

namespace onhand::storage {
namespace {

class SchemaConformance : public ConformanceTest {
 protected:
  // Not migrated: these tests do that.
  void SetUp() override {
    backend_ = GetParam().make();
    store_ = backend_->Open();
  }
};

TEST_P(SchemaConformance, EmptyDatabaseNeedsMigrating) {
  const absl::Status status = store_->CheckSchema();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("onhandd migrate"));
  EXPECT_EQ(store_->JournalId().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(SchemaConformance, MigratingNamesEachStepInOrder) {
  const auto applied = store_->Migrate();
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_THAT(*applied, ::testing::ElementsAre("0001_journal", "0002_image", "0003_tables",
                                               "0004_display_rule_version", "0005_reservation",
                                               "0006_audit"));
  EXPECT_TRUE(store_->CheckSchema().ok());
}

TEST_P(SchemaConformance, MigratingTwiceChangesNothing) {
  ASSERT_TRUE(store_->Migrate().ok());
  const std::string id = *store_->JournalId();
  EXPECT_EQ(id.size(), 32u);
  ExpectAppend(store_.get(), {}, RowAfter({}, 1));

  const auto other = backend_->Open();
  EXPECT_TRUE(other->Migrate()->empty());
  EXPECT_EQ(*other->JournalId(), id);
  EXPECT_EQ(other->journal().Head()->revision, 1u);
}

TEST_P(SchemaConformance, ARestoredJournalHasAnotherNameAndNoneMeanwhile) {
  ASSERT_TRUE(store_->Migrate().ok());
  const std::string id = *store_->JournalId();
  ASSERT_TRUE(store_->BeginRestore().ok());
  const absl::Status broken_off = store_->JournalId().status();
  EXPECT_EQ(broken_off.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(broken_off.message()), ::testing::HasSubstr("restore"));
  // Not even by a later start.
  EXPECT_TRUE(backend_->Open()->Migrate().ok());
  EXPECT_FALSE(backend_->Open()->JournalId().ok());

  // Its first row may be any.
  const JournalHead before{41, 7};
  const JournalRow row = RowAfter(before, 1);
  ASSERT_TRUE(store_->journal().Restore(row).ok());
  EXPECT_EQ(store_->journal().Restore(row).code(), absl::StatusCode::kFailedPrecondition);
  ExpectAppend(store_.get(), {row.revision, row.chain}, RowAfter({row.revision, row.chain}, 1));
  ASSERT_TRUE(store_->EndRestore().ok());
  EXPECT_EQ(store_->JournalId()->size(), 32u);
  EXPECT_NE(*store_->JournalId(), id);
  EXPECT_TRUE(store_->Shrink().ok());
}

TEST_P(SchemaConformance, SchemaOfANewerProgramIsRefused) {
  ASSERT_TRUE(store_->Migrate().ok());
  backend_->RecordMigration(1000);
  for (const absl::Status& status : {store_->CheckSchema(), store_->Migrate().status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("1000"));
  }
}

TEST_P(SchemaConformance, StoreSaysItsKind) {
  EXPECT_EQ(std::string(store_->kind()), absl::AsciiStrToLower(GetParam().name));
}

INSTANTIATE_ON_ALL_BACKENDS(SchemaConformance);

}  // namespace
}  // namespace onhand::storage
