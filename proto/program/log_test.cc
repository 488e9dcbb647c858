#include "proto/program/log.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "spdlog/spdlog.h"

namespace onhand::program {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

std::string Logged(const LogOptions& options, const std::function<void()>& log) {
  SetUpLog("till", options);
  testing::internal::CaptureStderr();
  log();
  spdlog::default_logger()->flush();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, PeopleReadFieldsBehindTheMessage) {
  const std::string line = Logged({}, [] {
    Log(spdlog::level::info, "ready", {{"grpc", "127.0.0.1:7070"}, {"http", "[::1]:80"}});
  });
  EXPECT_THAT(line, ContainsRegex("^\\[20..-..-.. ..:..:..\\....\\] \\[till\\] \\[info\\] "
                                  "ready grpc=127.0.0.1:7070 http=\\[::1\\]:80\n$"));
}

TEST(Log, MachinesReadOneObjectALine) {
  const std::string line = Logged({.format = "json"}, [] {
    Log(spdlog::level::warn, "call \"x\"", {{"caller", "a\"b\\c"}, {"bytes", "\xff"}});
  });
  const nlohmann::json object = nlohmann::json::parse(line);
  EXPECT_THAT(object["time"].get<std::string>(), ContainsRegex("^20..-..-..T..:..:..\\.......Z$"));
  EXPECT_EQ(object["level"], "warning");
  EXPECT_EQ(object["logger"], "till");
  EXPECT_EQ(object["message"], "call \"x\"");
  EXPECT_EQ(object["caller"], "a\"b\\c");
  EXPECT_EQ(object["bytes"], "\xEF\xBF\xBD");
}

TEST(Log, ALineOfSpdlogIsAnObjectToo) {
  const std::string line =
      Logged({.format = "json"}, [] { spdlog::error("two\nlines of {}", "text"); });
  EXPECT_EQ(nlohmann::json::parse(line)["message"], "two\nlines of text");
}

TEST(Log, WhatStrangersWroteStaysInItsField) {
  const std::string line = Logged({.format = "json"}, [] {
    Log(spdlog::level::info, "call",
        {{"caller",
          "eve\x1f"
          "admin\x1eyes\n[info] forged"}});
  });
  const nlohmann::json object = nlohmann::json::parse(line);
  EXPECT_EQ(object["caller"], "eve admin yes [info] forged");
  EXPECT_FALSE(object.contains("admin"));
}

TEST(Log, BelowItsLevelNothingIsWritten) {
  const auto log = [] { Log(spdlog::level::info, "quiet", {}); };
  EXPECT_EQ(Logged({.level = "warn"}, log), "");
  EXPECT_THAT(Logged({.level = "debug"}, log), HasSubstr("quiet"));
}

}  // namespace
}  // namespace onhand::program
