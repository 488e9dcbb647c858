// The script is run by a real bash, as a shell would run it on <Tab>.

#include "clients/cli/completion.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cli/command_line.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhand::cli {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::string Script() {
  std::ostringstream out, err;
  EXPECT_EQ(Run({"completion"}, {.out = out, .err = err}), 0);
  EXPECT_EQ(err.str(), "");
  return out.str();
}

// What <Tab> offers behind `words`, the last of which is being typed.
std::vector<std::string> Offered(const std::vector<std::string>& words) {
  const std::string path = absl::StrCat(testing::TempDir(), "/onhand_completion.bash");
  std::string script = absl::StrCat(Script(), "COMP_WORDS=(onhand");
  for (const std::string& word : words) absl::StrAppend(&script, " '", word, "'");
  absl::StrAppend(
      &script, ")\nCOMP_CWORD=", words.size(),
      "\n_onhand\n((${#COMPREPLY[@]})) && printf '%s\\n' \"${COMPREPLY[@]}\"\nexit 0\n");
  std::ofstream(path) << script;
  FILE* bash = popen(absl::StrCat("bash -u ", path, " 2>&1").c_str(), "r");
  if (bash == nullptr) return {"bash cannot be started"};
  std::string output;
  std::array<char, 4096> buffer;
  while (const size_t read = fread(buffer.data(), 1, buffer.size(), bash)) {
    output.append(buffer.data(), read);
  }
  EXPECT_EQ(pclose(bash), 0);
  return absl::StrSplit(output, '\n', absl::SkipEmpty());
}

TEST(CompletionTest, OffersCommandsAtTheStart) {
  EXPECT_THAT(Offered({""}), AllOf(Contains("rule"), Contains("status"), Contains("import")));
  EXPECT_THAT(Offered({"av"}), ElementsAre("availability"));
}

TEST(CompletionTest, OffersCommandsOfAGroup) {
  EXPECT_THAT(Offered({"rule", ""}),
              UnorderedElementsAre("set", "preview", "list", "show", "delete", "history", "diff",
                                   "rollback", "export", "apply"));
}

TEST(CompletionTest, OffersWhatBecomesOfReservations) {
  EXPECT_THAT(Offered({"reservation", ""}),
              UnorderedElementsAre("create", "check", "extend", "commit", "pick", "fulfil",
                                   "release", "reassign", "fail-pick", "show", "list"));
  EXPECT_THAT(Offered({"check", "sh"}), ElementsAre("shortages"));
  EXPECT_THAT(Offered({"import", "o"}), ElementsAre("orders"));
  EXPECT_THAT(Offered({"reservation", "fail-pick", "--failure", ""}),
              UnorderedElementsAre("not-found", "mismatch", "damaged"));
  EXPECT_THAT(Offered({"find", "--near"}), UnorderedElementsAre("--near", "--near-location"));
}

TEST(CompletionTest, OffersOptionsOfTheCommandAndOfTheProgram) {
  EXPECT_THAT(Offered({"rule", "set", "r1", "--"}),
              AllOf(Contains("--chain-floor"), Contains("--json"), Not(Contains("--watch"))));
  EXPECT_THAT(Offered({"rule", "set", "--chain-f"}), ElementsAre("--chain-floor"));
}

TEST(CompletionTest, OffersTheChoicesOfAnOption) {
  EXPECT_THAT(Offered({"rule", "set", "--zero", ""}),
              UnorderedElementsAre("hide", "sold-out", "backorder", "keep-selling"));
  EXPECT_THAT(Offered({"channel", "set", "c", "--kind", "p"}), ElementsAre("pickup"));
}

TEST(CompletionTest, ValuesAreNotTakenForCommands) {
  EXPECT_THAT(Offered({"--hub", "rule", "st"}), UnorderedElementsAre("status", "stop"));
  EXPECT_THAT(Offered({"rule", "set", "--reason", "list", "--low"}), ElementsAre("--low-stock"));
}

TEST(CompletionTest, LeavesOtherValuesToFileNames) {
  EXPECT_THAT(Offered({"rule", "set", "--reason", ""}), IsEmpty());
  EXPECT_THAT(Offered({"import", "items", ""}), IsEmpty());
}

}  // namespace
}  // namespace onhand::cli
