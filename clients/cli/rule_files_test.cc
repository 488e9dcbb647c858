#include "clients/cli/rule_files.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace onhand::cli {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

RuleWords Words() {
  RuleWords words{.zones = {}, .now = absl::FromUnixSeconds(1'750'000'000)};
  absl::TimeZone zone;
  absl::LoadTimeZone("Europe/Madrid", &zone);
  words.zones.chain = zone;
  absl::LoadTimeZone("Europe/Lisbon", &zone);
  words.zones.locations.emplace("lis", zone);
  return words;
}

// A text that each field takes.
std::string Example(const RuleField& field) {
  if (field.type == "N") return "7";
  if (field.type == "P" || field.type == "D" || field.type == "X") return "0.1";
  if (field.type == "DURATION") return "1h30m";
  if (field.type == "MOMENT") return "2026-11-27 14:00";
  if (field.type == "ID") return "0123: \"x\", #y\\";
  return std::vector<std::string>(absl::StrSplit(field.type, '|')).back();
}

v1::Rule MakeRule(const std::string& rule_id, const RuleTexts& texts) {
  const auto rule = RuleFromTexts(
      rule_id, texts, Words(),
      [](const std::string& field, const std::string& value, absl::string_view remedy) {
        return absl::InvalidArgumentError(absl::StrCat(field, " ", value, ": ", remedy));
      });
  EXPECT_TRUE(rule.ok()) << rule.status();
  return rule.ok() ? *rule : v1::Rule();
}

// Rules that together say every field, since the modes of a buffer exclude each other.
std::vector<v1::Rule> RulesOfEveryField() {
  std::vector<v1::Rule> rules;
  int number = 0;
  for (const char* mode : {"", "_percent", "_days", "risk"}) {
    RuleTexts texts;
    for (const RuleField& field : RuleFields()) texts[field.name] = Example(field);
    for (const std::string front : {"buffer", "chain_buffer"}) {
      const std::string risk = front == "buffer" ? "risk" : "chain_risk";
      const std::string kept = std::string(mode) == "risk" ? risk : front + mode;
      for (const std::string& name : {front, front + "_percent", front + "_days", risk}) {
        if (name != kept) texts.erase(name);
      }
    }
    rules.push_back(MakeRule(absl::StrCat("rule ", number++), texts));
  }
  rules.push_back(
      MakeRule("lisbon", {{"location", "lis"}, {"from", "2026-11-27"}, {"zero", "hide"}}));
  rules.push_back(MakeRule("~", {{"chain_floor", "0"}, {"max_shown", "0"}, {"freshness", "1s"}}));
  return rules;
}

class RuleFormatTest : public testing::TestWithParam<RuleFormat> {};

INSTANTIATE_TEST_SUITE_P(All, RuleFormatTest, testing::Values(RuleFormat::kYaml, RuleFormat::kCsv));

TEST_P(RuleFormatTest, EveryFieldReadsBackAsItWasWritten) {
  const std::vector<v1::Rule> rules = RulesOfEveryField();
  const std::string text = WriteRules(rules, Words(), GetParam());
  const auto read = ReadRules(text, Words(), GetParam());
  ASSERT_TRUE(read.ok()) << read.status() << text;
  ASSERT_THAT(*read, SizeIs(rules.size()));
  std::map<std::string, v1::Rule> by_id;
  for (const v1::Rule& rule : rules) by_id[rule.rule_id()] = rule;
  for (const WrittenRule& written : *read) {
    const v1::Rule& rule = by_id[written.rule.rule_id()];
    EXPECT_TRUE(MessageDifferencer::Equals(written.rule, rule))
        << written.rule.DebugString() << rule.DebugString();
  }
  // The order is that of the ids, whatever order they came in.
  EXPECT_EQ(WriteRules({rules.rbegin(), rules.rend()}, Words(), GetParam()), text);
}

// A field that the table forgets would be lost without a word.
TEST(RuleFieldsTest, TheTableHoldsEveryFieldThatAPersonMaySet) {
  std::set<std::string> known;
  for (const RuleField& field : RuleFields()) known.insert(field.contract);
  const std::set<std::string> not_set = {"rule_id",
                                         "version",
                                         "etag",
                                         "author",
                                         "reason",
                                         "changed_at",
                                         "effective_from_local",
                                         "effective_until_local"};
  const google::protobuf::Descriptor& rule = *v1::Rule::descriptor();
  for (int i = 0; i < rule.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *rule.field(i);
    if (not_set.contains(field.name())) continue;
    const bool is_moment = field.message_type() != nullptr &&
                           field.message_type()->full_name() == "google.protobuf.Timestamp";
    if (field.message_type() == nullptr || is_moment) {
      EXPECT_TRUE(known.contains(field.name())) << field.name();
      continue;
    }
    for (int k = 0; k < field.message_type()->field_count(); ++k) {
      const std::string name =
          absl::StrCat(field.name(), ".", field.message_type()->field(k)->name());
      EXPECT_TRUE(known.contains(name)) << name;
    }
  }
}

TEST(RuleFilesTest, PeriodsAreLocalWhereThatSaysWhichMomentIsMeant) {
  v1::Rule rule;
  rule.set_rule_id("r");
  rule.set_max_quantity(1);
  rule.mutable_effective_from()->set_seconds(1'764'198'000);  // 2025-11-27 00:00 in Madrid
  rule.mutable_effective_until()->set_seconds(
      1'761'438'600);  // 02:30 on 26 October, which comes twice
  const std::string text = WriteRules({rule}, Words(), RuleFormat::kYaml);
  EXPECT_THAT(text, HasSubstr("from: \"2025-11-27 00:00\"\n"));
  EXPECT_THAT(text, HasSubstr("until: \"2025-10-26T00:30:00+00:00\"\n"));
  const auto read = ReadRules(text, Words(), RuleFormat::kYaml);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->front().rule.effective_from_local(), "2025-11-27T00:00");
  EXPECT_EQ(read->front().rule.effective_until().seconds(), 1'761'438'600);
  EXPECT_THAT(CompareRules(rule, read->front().rule, Words()), SizeIs(0));
}

TEST(RuleFilesTest, ErrorsNameLineAndField) {
  const auto read = ReadRules(R"(rules:
  - id: a
    chain_floor: many
  - id: b
    buffer: 1
    risk: 100
  - id: c
    colour: red
  - id: c
    zero: hide
  - zero: hide
  - id: nothing
    channel: web
  - id: list
    buffer: [1, 2]
)",
                              Words(), RuleFormat::kYaml);
  EXPECT_THAT(std::string(read.status().message()),
              AllOf(HasSubstr("line 3: chain_floor 'many' of rule 'a': give a whole number"),
                    HasSubstr("line 6: risk '100' of rule 'b': buffer is given too"),
                    HasSubstr("line 8: 'colour' is no field of a rule; use id, location"),
                    HasSubstr("line 9: rule 'c' stands in line 7 too"),
                    HasSubstr("line 11: the rule has no id"),
                    HasSubstr("line 12: rule 'nothing': it would say nothing"),
                    HasSubstr("line 15: buffer: give one value")));
}

TEST(RuleFilesTest, CsvErrorsNameLineAndColumn) {
  const auto read =
      ReadRules("id;Chain floor;zero\na;5;hide\nb;;perhaps\n", Words(), RuleFormat::kCsv);
  EXPECT_THAT(std::string(read.status().message()),
              HasSubstr("line 3: zero 'perhaps' of rule 'b': give one of hide, sold-out"));
  EXPECT_THAT(std::string(ReadRules("id,colour\n", Words(), RuleFormat::kCsv).status().message()),
              HasSubstr("line 1: 'colour' is no field of a rule"));
  EXPECT_THAT(
      std::string(ReadRules("id,zero\na,hide,5\n", Words(), RuleFormat::kCsv).status().message()),
      testing::StartsWith("line 2: 3 fields"));
}

TEST(RuleFilesTest, WhatIsNoYamlNamesItsLine) {
  EXPECT_THAT(
      std::string(ReadRules("rules:\n  - id: [a\n", Words(), RuleFormat::kYaml).status().message()),
      HasSubstr("this is no YAML"));
  EXPECT_THAT(std::string(ReadRules("- id: a\n", Words(), RuleFormat::kYaml).status().message()),
              HasSubstr("one key 'rules'"));
  EXPECT_TRUE(ReadRules("rules: []\n", Words(), RuleFormat::kYaml).ok());
}

}  // namespace
}  // namespace onhand::cli
