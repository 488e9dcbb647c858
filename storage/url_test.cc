#include "storage/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onhand::storage {
namespace {

using ::testing::HasSubstr;

TEST(StoreUrl, TakesEveryKind) {
  EXPECT_EQ(ParseStoreUrl("memory:")->kind, StoreUrl::Kind::kMemory);
  EXPECT_EQ(ParseStoreUrl("sqlite:/tmp/a b.db")->path, "/tmp/a b.db");

  const auto mysql = ParseStoreUrl("mysql://hub@db1:3306,[::1]:3307/onhand");
  ASSERT_TRUE(mysql.ok()) << mysql.status();
  EXPECT_EQ(mysql->user, "hub");
  EXPECT_EQ(mysql->database, "onhand");
  ASSERT_EQ(mysql->hosts.size(), 2u);
  EXPECT_EQ(mysql->hosts[0].name, "db1");
  EXPECT_EQ(mysql->hosts[0].port, 3306);
  EXPECT_EQ(mysql->hosts[1].name, "::1");
  EXPECT_EQ(mysql->hosts[1].port, 3307);
}

struct WrongUrl {
  const char* url;
  const char* named;
};

class WrongStoreUrl : public ::testing::TestWithParam<WrongUrl> {};

TEST_P(WrongStoreUrl, NamesTheWrongPartAndShowsARightOne) {
  const auto parsed = ParseStoreUrl(GetParam().url);
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(GetParam().named));
  EXPECT_THAT(std::string(parsed.status().message()), HasSubstr("mysql://onhand@db1:3306"));
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongStoreUrl,
    ::testing::Values(
        WrongUrl{"", "no known kind"}, WrongUrl{"postgres://x", "no known kind"},
        WrongUrl{"memory:x", "follows memory:"}, WrongUrl{"sqlite:", "no file"},
        WrongUrl{"sqlite::memory:", "use memory:"}, WrongUrl{"mysql://db:1/onhand", "no user"},
        WrongUrl{"mysql://u@db:1", "no database"}, WrongUrl{"mysql://u@db:1/", "no database"},
        WrongUrl{"mysql://u@db/onhand", "no port"}, WrongUrl{"mysql://u@[::1]/onhand", "no port"},
        WrongUrl{"mysql://u@db:0/onhand", "between 1 and 65535"},
        WrongUrl{"mysql://u@db:65536/onhand", "between 1 and 65535"},
        WrongUrl{"mysql://u@db:1,/onhand", "a host is empty"},
        WrongUrl{"mysql://u@:1/onhand", "no name"}));

TEST(StoreUrl, RefusesAPasswordWithoutRepeatingIt) {
  const auto parsed = ParseStoreUrl("mysql://hub:secret@db:1/onhand");
  EXPECT_THAT(std::string(parsed.status().message()), HasSubstr("--store-password-file"));
  EXPECT_THAT(std::string(parsed.status().message()), ::testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace onhand::storage
