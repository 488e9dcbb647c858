#include "proto/program/config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "CLI/Formatter.hpp"
#include "CLI/Validators.hpp"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhand::program {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A program with every kind of option, in front of its commands and of one command.
class ConfigTest : public testing::Test {
 protected:
  struct Given {
    std::string name = "standard";
    int count = 3;
    double share = 0.5;
    bool quiet = false;
    std::vector<std::string> origins;
    std::string store;
    std::string only_verify;
    bool print_wanted = false;
    std::string text;
  };

  void Write(const std::string& toml) { std::ofstream(path_) << toml; }

  // Nothing if the line is refused; why is in refusal_.
  std::optional<Given> Parse(std::vector<std::string> arguments,
                             Config::Options options = Config::Options::kOfCommands) {
    Given given;
    CLI::App app("", "tool");
    app.fallthrough();
    app.require_subcommand(1);
    app.add_option("--name", given.name)->capture_default_str();
    app.add_option("--count", given.count)->check(CLI::Range(1, 10))->capture_default_str();
    app.add_option("--share", given.share)->capture_default_str();
    app.add_flag("--quiet", given.quiet);
    CLI::App* serve = app.add_subcommand("serve");
    serve->add_option("--origin", given.origins);
    serve->add_option("--store", given.store)->required();
    CLI::App* verify = app.add_subcommand("verify");
    verify->add_option("--only-verify", given.only_verify);
    Config config(&app, options, [this](const char* name) -> const char* {
      const auto found = environment_.find(name);
      return found == environment_.end() ? nullptr : found->second.c_str();
    });
    try {
      config.Parse(arguments);
    } catch (const CLI::ParseError& error) {
      refusal_ = error.what();
      return std::nullopt;
    }
    given.print_wanted = config.print_wanted();
    given.text = config.Text();
    return given;
  }

  const std::filesystem::path path_ =
      std::filesystem::path(testing::TempDir()) /
      absl::StrCat(testing::UnitTest::GetInstance()->current_test_info()->name(), ".toml");
  std::map<std::string, std::string> environment_;
  std::string refusal_;
};

constexpr char kAll[] = R"(name = "of the file"
count = 4
share = 0.25
quiet = true
origin = ["a", "b c"]
store = "memory:"
)";

TEST_F(ConfigTest, AFileSaysWhatTheCommandLineWould) {
  Write(kAll);
  const std::optional<Given> given = Parse({"serve", "--config", path_});
  ASSERT_TRUE(given.has_value()) << refusal_;
  EXPECT_EQ(given->name, "of the file");
  EXPECT_EQ(given->count, 4);
  EXPECT_EQ(given->share, 0.25);
  EXPECT_TRUE(given->quiet);
  EXPECT_THAT(given->origins, ElementsAre("a", "b c"));
  EXPECT_EQ(given->store, "memory:");
}

TEST_F(ConfigTest, TheEnvironmentCountsMoreThanTheFile) {
  Write(kAll);
  environment_ = {{"ONHAND_CONFIG", path_},     {"ONHAND_NAME", "of the environment"},
                  {"ONHAND_COUNT", "5"},        {"ONHAND_SHARE", "0.75"},
                  {"ONHAND_QUIET", "false"},    {"ONHAND_ORIGIN", "x,y"},
                  {"ONHAND_STORE", "sqlite:x"}, {"ONHAND_NO_OPTION", "of somebody else"}};
  const std::optional<Given> given = Parse({"serve"});
  ASSERT_TRUE(given.has_value()) << refusal_;
  EXPECT_EQ(given->name, "of the environment");
  EXPECT_EQ(given->count, 5);
  EXPECT_EQ(given->share, 0.75);
  EXPECT_FALSE(given->quiet);
  EXPECT_THAT(given->origins, ElementsAre("x", "y"));
  EXPECT_EQ(given->store, "sqlite:x");
}

TEST_F(ConfigTest, TheCommandLineCountsMost) {
  Write(kAll);
  environment_ = {{"ONHAND_CONFIG", "/no/such/file"},
                  {"ONHAND_NAME", "e"},
                  {"ONHAND_COUNT", "5"},
                  {"ONHAND_SHARE", "0.75"},
                  {"ONHAND_QUIET", "true"},
                  {"ONHAND_ORIGIN", "x,y"},
                  {"ONHAND_STORE", "e"}};
  const std::optional<Given> given =
      Parse({"--name", "line", "--count=6", "serve", "--share", "1", "--quiet=false", "--origin",
             "z", "--store=line", "--config", path_});
  ASSERT_TRUE(given.has_value()) << refusal_;
  EXPECT_EQ(given->name, "line");
  EXPECT_EQ(given->count, 6);
  EXPECT_EQ(given->share, 1);
  EXPECT_FALSE(given->quiet);
  EXPECT_THAT(given->origins, ElementsAre("z"));
  EXPECT_EQ(given->store, "line");
}

TEST_F(ConfigTest, OneFileServesAllCommands) {
  Write(absl::StrCat(kAll, "only-verify = \"v\"\n"));
  EXPECT_TRUE(Parse({"serve", "--config", path_}).has_value()) << refusal_;
  const std::optional<Given> given = Parse({"verify", "--config", path_});
  ASSERT_TRUE(given.has_value()) << refusal_;
  EXPECT_EQ(given->only_verify, "v");
  EXPECT_EQ(given->store, "");
}

TEST_F(ConfigTest, OptionsOfCommandsAreNotInTheFileOfAProgramThatSaysSo) {
  Write("store = \"memory:\"\n");
  EXPECT_FALSE(Parse({"serve", "--config", path_}, Config::Options::kOfProgram).has_value());
  EXPECT_THAT(refusal_, HasSubstr(":1: 'store' is no option of tool; "));
}

TEST_F(ConfigTest, WhatIsWrongInAFileIsNamed) {
  const auto refusal = [&](const std::string& toml) {
    Write(toml);
    refusal_.clear();
    EXPECT_FALSE(Parse({"serve", "--store", "s", "--config", path_}).has_value()) << toml;
    return refusal_;
  };
  const std::string path = path_;
  EXPECT_EQ(refusal("name = \"n\"\ncuont = 4\n"),
            path + ":2: 'cuont' is no option of tool; is 'count' meant?");
  EXPECT_EQ(refusal("something-else = 4\n"),
            path + ":1: 'something-else' is no option of tool; --help lists them all");
  EXPECT_EQ(refusal("name = 4\n"),
            path + ":1: 'name' takes a string in quotes; a file has no sections");
  EXPECT_EQ(refusal("quiet = \"yes\"\n"),
            path + ":1: 'quiet' takes true or false; a file has no sections");
  EXPECT_EQ(refusal("origin = \"a\"\n"),
            path + ":1: 'origin' takes an array of strings; a file has no sections");
  EXPECT_THAT(refusal("[store]\nname = 4\n"), HasSubstr("'store' takes a string in quotes"));
  EXPECT_THAT(refusal("name = \"n\"\nname = \"m\"\n"), HasSubstr(path + ":2:"));
  EXPECT_THAT(refusal("name = \n"), HasSubstr(path + ":1:"));
  // Checked as on the command line, and said where it came from.
  EXPECT_THAT(refusal("count = 11\n"), HasSubstr("(from " + path + ":1)"));
  std::filesystem::remove(path_);
  refusal_.clear();
  EXPECT_FALSE(Parse({"serve", "--store", "s", "--config", path_}).has_value());
  EXPECT_EQ(refusal_,
            "--config '" + path + "' cannot be read; name a TOML file that this user may read");
}

TEST_F(ConfigTest, AVariableThatIsWrongIsNamed) {
  environment_ = {{"ONHAND_COUNT", "eleven"}};
  EXPECT_FALSE(Parse({"serve", "--store", "s"}).has_value());
  EXPECT_THAT(refusal_, HasSubstr("(from ONHAND_COUNT)"));
}

TEST_F(ConfigTest, WhatIsPrintedSaysWhereItComesFromAndIsTakenAgain) {
  Write("name = \"a \\\"quoted\\\" # one\"\n");
  environment_ = {{"ONHAND_ORIGIN", "https://a,https://b"}};
  const std::optional<Given> first =
      Parse({"serve", "--store", "memory:", "--config", path_, "--print-config"});
  ASSERT_TRUE(first.has_value()) << refusal_;
  EXPECT_TRUE(first->print_wanted);
  EXPECT_EQ(first->text, absl::StrCat("name = \"a \\\"quoted\\\" # one\"  # ", path_.string(), R"(:1
count = 3  # default
share = 0.5  # default
quiet = false  # default
origin = ["https://a", "https://b"]  # ONHAND_ORIGIN
store = "memory:"  # command line
)"));
  environment_.clear();
  Write(first->text);
  const std::optional<Given> again = Parse({"serve", "--config", path_});
  ASSERT_TRUE(again.has_value()) << refusal_;
  EXPECT_EQ(again->name, first->name);
  EXPECT_EQ(again->origins, first->origins);
  EXPECT_EQ(again->store, "memory:");
}

TEST_F(ConfigTest, PrintingNeedsNoCommandAndShowsNoPassword) {
  const std::optional<Given> bare = Parse({"--print-config"});
  ASSERT_TRUE(bare.has_value()) << refusal_;
  EXPECT_TRUE(bare->print_wanted);
  const std::optional<Given> secret =
      Parse({"serve", "--store", "mysql://hub:s3cret@db:3306/onhand", "--print-config"});
  ASSERT_TRUE(secret.has_value()) << refusal_;
  EXPECT_THAT(secret->text, HasSubstr("store = \"mysql://hub:***@db:3306/onhand\""));
  EXPECT_THAT(secret->text, testing::Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace onhand::program
