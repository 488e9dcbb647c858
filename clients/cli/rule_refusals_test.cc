// The hub's refusals of rules in the words of options and files.
#include "clients/cli/rule_refusals.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cpp/refusal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhand::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// As the hub makes one: `field 'VALUE' problem; remedy`.
absl::Status Refusal(const std::string& field, const std::string& value, const std::string& problem,
                     const std::string& remedy) {
  const std::string quoted = value.empty() ? "" : absl::StrCat(" '", value, "'");
  return client::RefusedStatus(
      absl::StatusCode::kInvalidArgument, absl::StrCat(field, quoted, " ", problem, "; ", remedy),
      {.reason = "INVALID_RULE", .field = field, .value = value, .remedy = remedy});
}

std::string AsOptions(const absl::Status& status) {
  return client::Describe(InWords(status, OptionWords()));
}
std::string AsFile(const absl::Status& status) {
  return client::Describe(InWords(status, FileWords()));
}

std::vector<std::string> NamesIn(const absl::Status& status) {
  std::vector<std::string> names;
  for (const RuleField* field : RefusedFields(status)) names.push_back(field->name);
  return names;
}

TEST(RuleRefusalsTest, NamesTheOptionInPlaceOfTheField) {
  EXPECT_EQ(AsOptions(Refusal("rule.max_quantity", "0", "is out of range", "send 1 to 100")),
            "--max-shown '0' is out of range; send 1 to 100 [INVALID_RULE]");
  EXPECT_EQ(AsOptions(Refusal("rule.scope.location_id", "x", "is no location", "import it")),
            "--location 'x' is no location; import it [INVALID_RULE]");
  EXPECT_EQ(AsOptions(Refusal("changes[0].set.chain_buffer.risk_one_in", "1", "is out of range",
                              "send 2 to 9")),
            "--chain-risk '1' is out of range; send 2 to 9 [INVALID_RULE]");
  EXPECT_EQ(AsOptions(Refusal("rule.chain_mode", "mad", "is asked for at a single location",
                              "leave it out")),
            "--pooled or --aggregate 'mad' is asked for at a single location; leave it out "
            "[INVALID_RULE]");
  EXPECT_EQ(AsOptions(Refusal("etag", "5", "is not the rule's etag any more", "read it again")),
            "--etag '5' is not the rule's etag any more; read it again [INVALID_RULE]");
  EXPECT_EQ(AsOptions(Refusal("rule.rule_id", "", "is empty", "name the rule")),
            "ID is empty; name the rule [INVALID_RULE]");
}

TEST(RuleRefusalsTest, NamesOtherFieldsInTheSentenceToo) {
  EXPECT_EQ(AsOptions(Refusal("rule.backorder_limit", "", "is missing beside zero_policy BACKORDER",
                              "say how many units may be promised beyond stock")),
            "--backorder-limit is missing beside --zero BACKORDER; say how many units may be "
            "promised beyond stock [INVALID_RULE]");
  EXPECT_EQ(AsOptions(Refusal("rule.effective_until", "2026-12-01T00:00:00+00:00",
                              "is not after effective_from", "send a later end, or none")),
            "--until '2026-12-01T00:00:00+00:00' is not after --from; send a later end, or none "
            "[INVALID_RULE]");
  // The same name stands in two buffers.
  EXPECT_EQ(AsOptions(Refusal("rule.chain_buffer.max_units", "2", "is below min_units of 5",
                              "send at least min_units")),
            "--chain-buffer-max '2' is below --chain-buffer-min of 5; send at least "
            "--chain-buffer-min [INVALID_RULE]");
}

TEST(RuleRefusalsTest, WritesDurationsAndChoicesAsPeopleDo) {
  EXPECT_EQ(AsOptions(Refusal("rule.chain_floor.dwell_s", "34560000", "is out of range",
                              "send 0 to 31536000")),
            "--dwell '400d' is out of range; send 0s to 365d [INVALID_RULE]");
  EXPECT_EQ(AsOptions(Refusal("rule.freshness_action", "FRESHNESS_ACTION_GROW_BUFFER",
                              "has no freshness_target_s beside it", "say it in the same rule")),
            "--past-freshness 'grow-buffer' has no --freshness beside it; say it in the same rule "
            "[INVALID_RULE]");
  EXPECT_EQ(AsOptions(Refusal("rule.zero_policy", "ZERO_POLICY_KEEP_SELLING", "promises more",
                              "choose HIDE or SOLD_OUT")),
            "--zero 'keep-selling' promises more; choose HIDE or SOLD_OUT [INVALID_RULE]");
}

TEST(RuleRefusalsTest, LeavesWhatPeopleWroteAlone) {
  EXPECT_EQ(AsOptions(Refusal("rule.scope.sku", "zero_policy", "is no SKU", "import it")),
            "--sku 'zero_policy' is no SKU; import it [INVALID_RULE]");
  const absl::Status other = absl::NotFoundError("rule.max_quantity is a name");
  EXPECT_EQ(InWords(other, OptionWords()), other);
  EXPECT_EQ(InWords(absl::OkStatus(), OptionWords()), absl::OkStatus());
  const absl::Status batch = Refusal("changes", "1001", "are too many", "send at most 1000");
  EXPECT_EQ(InWords(batch, OptionWords()), batch);
}

TEST(RuleRefusalsTest, FilesUseTheirOwnWords) {
  EXPECT_EQ(AsFile(Refusal("changes[2].set.chain_floor.reshow_units", "3", "is below the floor",
                           "send at least the floor")),
            "reshow '3' is below the floor; send at least the floor [INVALID_RULE]");
}

TEST(RuleRefusalsTest, FindsTheFieldsThatItIsAbout) {
  EXPECT_THAT(NamesIn(Refusal("rule.buffer.percent", "120", "is out of range", "send 0 to 100")),
              ElementsAre("buffer_percent"));
  EXPECT_THAT(NamesIn(Refusal("rule.backorder_limit", "", "is missing beside zero_policy", "say")),
              ElementsAre("backorder_limit", "zero"));
  EXPECT_THAT(NamesIn(Refusal("rule.chain_floor", "mad", "is asked for", "use location_floor")),
              ElementsAre("chain_floor", "reshow", "dwell", "location_floor"));
  EXPECT_THAT(NamesIn(Refusal("rule.effective_from_local", "2026-99-99", "is no moment", "send")),
              ElementsAre("from"));
  EXPECT_THAT(NamesIn(Refusal("changes[0].etag", "5", "is old", "read it again")), IsEmpty());
}

}  // namespace
}  // namespace onhand::cli
