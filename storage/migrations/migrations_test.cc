#include "storage/migrations/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace onhand::storage {
namespace {

using ::testing::HasSubstr;

TEST(Migrations, AreNumberedFromOneWithoutGaps) {
  int expected = 1;
  for (const Migration* migration : Migrations()) EXPECT_EQ(migration->number, expected++);
}

TEST(Migrations, LeaveNoWordInBraces) {
  for (const Dialect dialect : {Dialect::kSqlite, Dialect::kMysql}) {
    for (const Migration* migration : Migrations()) {
      const auto statements = Statements(*migration, dialect);
      EXPECT_FALSE(statements.empty());
      for (const std::string& sql : statements) EXPECT_FALSE(absl::StrContains(sql, "{")) << sql;
    }
  }
}

TEST(Migrations, UseOnlyWhatEveryDatabaseHas) {
  for (const Migration* migration : Migrations()) {
    for (const std::string& sql : Statements(*migration, Dialect::kMysql)) {
      for (const char* word : {"AUTO_INCREMENT", "FOREIGN KEY", "TRIGGER", "PROCEDURE"}) {
        EXPECT_FALSE(absl::StrContains(sql, word)) << sql;
      }
    }
  }
}

TEST(CheckApplied, NamesTheMissingStep) {
  const absl::Status status = CheckApplied({1}, {SchemaPart::kTruth});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("0002_image"));
}

TEST(CheckApplied, LooksOnlyAtItsParts) {
  EXPECT_TRUE(CheckApplied({1, 2}, {SchemaPart::kTruth}).ok());
  EXPECT_FALSE(CheckApplied({1, 2}, {SchemaPart::kTruth, SchemaPart::kTables}).ok());
}

TEST(CheckApplied, RefusesAStepOfANewerProgram) {
  const absl::Status status = CheckApplied({1, 2, 3, 1000}, {SchemaPart::kTruth});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("newer"));
}

}  // namespace
}  // namespace onhand::storage
