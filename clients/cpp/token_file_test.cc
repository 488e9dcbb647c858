#include "clients/cpp/token_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace onhand::client {
namespace {

class TokenFiles : public testing::Test {
 protected:
  ~TokenFiles() override { std::remove(path_.c_str()); }
  void Write(const std::string& text) const { std::ofstream(path_) << text; }

  const std::string path_ = absl::StrCat(testing::TempDir(), "/token-", getpid());
};

TEST_F(TokenFiles, IsReadAgainWhenItChanges) {
  Write("onhand_first\n");
  const auto file = TokenFile::Open(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->text(), "onhand_first");
  Write("onhand_second one\n");
  EXPECT_EQ((*file)->text(), "onhand_second one");
}

TEST_F(TokenFiles, KeepsTheTokenWhileTheFileIsAwayOrEmpty) {
  Write("onhand_first");
  const auto file = TokenFile::Open(path_);
  ASSERT_TRUE(file.ok());
  Write("");
  EXPECT_EQ((*file)->text(), "onhand_first");
  std::remove(path_.c_str());
  EXPECT_EQ((*file)->text(), "onhand_first");
}

TEST_F(TokenFiles, AMissingOrEmptyFileIsRefused) {
  EXPECT_FALSE(TokenFile::Open(path_).ok());
  Write(" \n");
  EXPECT_FALSE(TokenFile::Open(path_).ok());
}

TEST(IsThisMachine, LoopbackAddressesAlone) {
  for (const char* hub : {"127.0.0.1:7070", "localhost:1", "[::1]:7070"}) {
    EXPECT_TRUE(IsThisMachine(hub)) << hub;
  }
  for (const char* hub : {"10.0.0.1:7070", "hub.example:7070", "localhost.example:1"}) {
    EXPECT_FALSE(IsThisMachine(hub)) << hub;
  }
}

}  // namespace
}  // namespace onhand::client
