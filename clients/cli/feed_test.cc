// `onhand export`, whole commands against services that answer and are watched like a hub.
#include "clients/cli/feed.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "clients/cli/fake_answers.h"
#include "clients/cli/feed_changes.h"
#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/watch.grpc.pb.h"

namespace onhand::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Json = nlohmann::json;

constexpr char kTitles[] =
    "sku,location_id,status,orderable,max_quantity,available_from,known_through,"
    "schema_org_availability\n";

v1::WatchResponse Told(const std::string& token, std::vector<v1::Availability> changes = {},
                       absl::Time as_of = absl::UnixEpoch()) {
  v1::WatchResponse response;
  response.set_resume_token(token);
  response.mutable_changes()->Assign(changes.begin(), changes.end());
  *response.mutable_as_of() = ToProto(as_of);
  return response;
}

// Tells each location what the test set, then stays silent until the reader goes.
class FakeWatch final : public v1::WatchService::Service {
 public:
  struct Script {
    std::vector<v1::WatchResponse> responses;
    grpc::Status end = grpc::Status::OK;  // not OK: ends so instead of staying silent
  };

  // What a stream tells that goes on from `token` ("" from now on) at a location.
  void Set(const std::string& location_id, const std::string& token, Script script) {
    absl::MutexLock lock(&mu_);
    scripts_[{location_id, token}] = std::move(script);
  }
  // 'LOCATION TOKEN' of each stream, in order.
  std::vector<std::string> asked() {
    absl::MutexLock lock(&mu_);
    return asked_;
  }

  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::WatchResponse>* writer) override {
    Script script;
    {
      absl::MutexLock lock(&mu_);
      asked_.push_back(absl::StrCat(request->location_id(), " ", request->resume_token()));
      script = scripts_[{request->location_id(), request->resume_token()}];
    }
    for (const v1::WatchResponse& response : script.responses) writer->Write(response);
    if (!script.end.ok() || script.responses.empty()) return script.end;
    while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
    return grpc::Status::CANCELLED;
  }

 private:
  absl::Mutex mu_;
  std::map<std::pair<std::string, std::string>, Script> scripts_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> asked_ ABSL_GUARDED_BY(mu_);
};

class FeedTest : public CommandTest {
 protected:
  FeedTest() {
    chain_.items = {FakeItem("ball"), FakeItem("racket"), FakeItem("unready", false)};
    shop_.Set("", FakeAnswer("ball", v1::AVAILABILITY_STATUS_SOLD_OUT));
    shop_.Set("", FakeAnswer("racket", v1::AVAILABILITY_STATUS_IN_STOCK, 7));
    shop_.Set("mad", FakeAnswer("ball", v1::AVAILABILITY_STATUS_HIDDEN));
    shop_.Set("mad", FakeAnswer("racket", v1::AVAILABILITY_STATUS_IN_STOCK, 5));
    shop_.Set("lis", FakeAnswer("ball", v1::AVAILABILITY_STATUS_IN_STOCK, 1));
    shop_.Set("lis", FakeAnswer("racket", v1::AVAILABILITY_STATUS_IN_STOCK, 2));
    for (const char* location_id : {"", "lis", "mad"}) {
      shop_.Set(location_id, FakeAnswer("unready", v1::AVAILABILITY_STATUS_HIDDEN));
    }
    for (const char* location_id : {"", "hub", "lis", "mad"}) {
      watch_.Set(location_id, "", {.responses = {Told("t1")}});
    }
  }
  std::vector<grpc::Service*> Services() override { return {&shop_, &watch_}; }

  static std::string Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  // The last line of what was said, as a feed's token.
  PlaceTokens TokenSaid() {
    const std::vector<std::string> lines = absl::StrSplit(err_, '\n', absl::SkipEmpty());
    const auto tokens = DecodeFeedToken("", lines.empty() ? "" : lines.back());
    EXPECT_TRUE(tokens.ok()) << err_;
    return tokens.ok() ? *tokens : PlaceTokens();
  }
  // A new path for each test run.
  std::string NewPath(const std::string& name) {
    const std::string path = PathOf(name);
    std::filesystem::remove(path);
    return path;
  }

  FakeShop shop_;
  FakeWatch watch_;
};

TEST_F(FeedTest, AFullFeedOfTheChainHoldsEveryPublishedItem) {
  ASSERT_EQ(Onhand({"export"}), 0) << err_;
  EXPECT_EQ(out_, absl::StrCat(kTitles, "ball,,sold-out,false,0,,,https://schema.org/SoldOut\n",
                               "racket,,in-stock,true,7,,,https://schema.org/InStock\n"));
  EXPECT_THAT(err_, HasSubstr("Full feed: 2 lines of the chain\n"));
  EXPECT_THAT(TokenSaid(), ElementsAre(Pair("", "t1")));
}

TEST_F(FeedTest, LinesStandInTheOrderOfLocationAndSku) {
  chain_.items = {FakeItem("racket"), FakeItem("ball")};
  ASSERT_EQ(
      Onhand({"export", "--location", "mad", "--location", "lis", "--chain", "--location", "mad"}),
      0)
      << err_;
  std::vector<std::string> keys;
  for (const absl::string_view line : absl::StrSplit(out_, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> fields = absl::StrSplit(line, ',');
    keys.push_back(absl::StrCat(fields[1], " ", fields[0]));
  }
  EXPECT_THAT(keys, ElementsAre("location_id sku", " ball", " racket", "lis ball", "lis racket",
                                "mad ball", "mad racket"));
  EXPECT_THAT(err_, HasSubstr("6 lines of the chain and 2 locations"));
}

TEST_F(FeedTest, TheTokenIsTakenBeforeTheFirstAnswer) {
  watch_.Set("", "", {.end = grpc::Status(grpc::StatusCode::INTERNAL, "broken")});
  EXPECT_EQ(Onhand({"export"}), 1);
  EXPECT_THAT(shop_.batch_sizes, IsEmpty());
}

TEST_F(FeedTest, ManyItemsAreAskedForInCallsOfAThousand) {
  chain_.items.clear();
  for (int i = 0; i < 2300; ++i) chain_.items.push_back(FakeItem(absl::StrCat("s", i)));
  ASSERT_EQ(Onhand({"export"}), 0);
  EXPECT_THAT(shop_.batch_sizes, ElementsAre(1000, 1000, 300));
}

TEST_F(FeedTest, GooglesFeedIsOfStoresAndLeavesHiddenItemsAndWarehousesOut) {
  chain_.zones["hub"] = "Europe/Madrid";
  chain_.warehouses = {"hub"};
  shop_.Set("hub", FakeAnswer("ball", v1::AVAILABILITY_STATUS_IN_STOCK, 99));
  ASSERT_EQ(Onhand({"export", "--format", "google-local-inventory", "--pickup-method", "reserve",
                    "--pickup-sla", "same-day"}),
            0)
      << err_;
  EXPECT_EQ(out_,
            "store_code\tid\tquantity\tavailability\tpickup_method\tpickup_sla\n"
            "lis\tball\t1\tlimited_availability\treserve\tsame_day\n"
            "lis\tracket\t2\tlimited_availability\treserve\tsame_day\n"
            "mad\tracket\t5\tin_stock\treserve\tsame_day\n");
  ASSERT_EQ(Onhand({"export", "--format", "google-local-inventory", "--location", "hub"}), 0);
  EXPECT_THAT(out_, HasSubstr("hub\tball\t99\tin_stock\n"));
  ASSERT_EQ(Onhand({"export", "--all-locations"}), 0);
  EXPECT_THAT(out_, HasSubstr("ball,hub,"));
}

TEST_F(FeedTest, AnItemThatGoogleWouldRefuseIsLeftOutAndNamed) {
  const std::string sku(51, 'x');
  chain_.items.push_back(FakeItem(sku));
  shop_.Set("mad", FakeAnswer(sku, v1::AVAILABILITY_STATUS_IN_STOCK, 3));
  ASSERT_EQ(Onhand({"export", "--format", "google-local-inventory", "--location", "mad"}), 0);
  EXPECT_THAT(out_, Not(HasSubstr("xxx")));
  EXPECT_THAT(err_, AllOf(HasSubstr("1 item is left out"), HasSubstr(sku)));
}

TEST_F(FeedTest, ChangesAreReadUntilTheFirstMarkOfProgress) {
  watch_.Set("lis", "t1",
             {.responses = {Told("a", {FakeAnswer("racket", v1::AVAILABILITY_STATUS_IN_STOCK, 9),
                                       FakeAnswer("ball", v1::AVAILABILITY_STATUS_HIDDEN)}),
                            Told("b", {FakeAnswer("racket", v1::AVAILABILITY_STATUS_SOLD_OUT)}),
                            Told("t2")}});
  watch_.Set("mad", "t1", {.responses = {Told("t3")}});
  ASSERT_EQ(Onhand({"export", "--format", "google-local-inventory", "--since",
                    EncodeFeedToken("", {{"lis", "t1"}, {"mad", "t1"}})}),
            0)
      << err_;
  EXPECT_EQ(out_,
            "store_code\tid\tquantity\tavailability\n"
            "lis\tball\t0\tout_of_stock\n"
            "lis\tracket\t0\tout_of_stock\n");
  // The hub's tokens are of one place each.
  EXPECT_THAT(TokenSaid(), ElementsAre(Pair("lis", "t2"), Pair("mad", "t3")));
  EXPECT_THAT(watch_.asked(), UnorderedElementsAre("lis t1", "mad t1"));
  EXPECT_THAT(shop_.batch_sizes, IsEmpty());
}

TEST_F(FeedTest, ChangesThatNeverPauseEndWhereTheFeedBegan) {
  const auto racket = FakeAnswer("racket", v1::AVAILABILITY_STATUS_IN_STOCK, 9);
  const auto ball = FakeAnswer("ball", v1::AVAILABILITY_STATUS_IN_STOCK, 9);
  watch_.Set("", "t1",
             {.responses = {Told("a", {racket}, kFakeNow - absl::Seconds(1)),
                            Told("b", {ball}, kFakeNow)}});
  ASSERT_EQ(Onhand({"--timeout", "20", "export", "--since", EncodeFeedToken("", {{"", "t1"}})}), 0)
      << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("ball,"), HasSubstr("racket,")));
  EXPECT_THAT(TokenSaid(), ElementsAre(Pair("", "b")));
}

TEST_F(FeedTest, AReaderThatIsTooSlowGoesOnWithItsLastToken) {
  const auto overflow =
      FakeRefusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "too slow", "WATCH_OVERFLOW", "");
  watch_.Set("", "t1",
             {.responses = {Told("a", {FakeAnswer("ball", v1::AVAILABILITY_STATUS_HIDDEN)})},
              .end = overflow});
  watch_.Set("", "a", {.responses = {Told("t2")}});
  ASSERT_EQ(Onhand({"export", "--since", EncodeFeedToken("", {{"", "t1"}})}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("ball,,hidden"));
  EXPECT_THAT(TokenSaid(), ElementsAre(Pair("", "t2")));
  // Without any progress it ends.
  watch_.Set("", "t3", {.end = overflow});
  EXPECT_EQ(Onhand({"export", "--since", EncodeFeedToken("", {{"", "t3"}})}), 1);
  EXPECT_THAT(err_, HasSubstr("WATCH_OVERFLOW"));
}

TEST_F(FeedTest, ATokenThatIsTooOldGivesAFullFeedThatAlsoTellsWhatIsHidden) {
  for (const char* reason : {"RESUME_TOO_OLD", "RESUME_OTHER_JOURNAL"}) {
    const grpc::Status gone =
        FakeRefusal(grpc::StatusCode::OUT_OF_RANGE, "resume_token is older than what the hub keeps",
                    reason, "resume_token");
    watch_.Set("mad", "t0", {.end = gone});
    ASSERT_EQ(Onhand({"export", "--format", "google-local-inventory", "--location", "mad",
                      "--since", EncodeFeedToken("", {{"mad", "t0"}})}),
              0)
        << err_;
    EXPECT_EQ(out_,
              "store_code\tid\tquantity\tavailability\n"
              "mad\tball\t0\tout_of_stock\n"
              "mad\tracket\t5\tin_stock\n"
              "mad\tunready\t0\tout_of_stock\n");
    EXPECT_THAT(err_,
                HasSubstr("Everything is told of 1 location, because the hub cannot go on from the "
                          "token: resume_token is older than what the hub keeps"));
    EXPECT_THAT(TokenSaid(), ElementsAre(Pair("mad", "t1")));
  }
  for (const std::string rubbish : {"rubbish!", "", "t1"}) {
    const std::string token = WriteFile("rubbish", rubbish);
    EXPECT_EQ(Onhand({"export", "--location", "mad", "--since-file", token}), 1) << rubbish;
    EXPECT_THAT(err_, HasSubstr("the token is none that")) << rubbish;
    EXPECT_EQ(Content(token), rubbish);
  }
}

TEST_F(FeedTest, APlaceOfWhichThereIsNoTokenYetIsToldInFull) {
  watch_.Set("lis", "t1", {.responses = {Told("t2")}});
  const std::string token = EncodeFeedToken("", {{"lis", "t1"}});
  ASSERT_EQ(Onhand({"export", "--all-locations", "--since", token}), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("ball,mad,hidden"), Not(HasSubstr(",lis,"))));
  EXPECT_THAT(err_, HasSubstr("Changes since the token, and all of 1 location: 3 lines of 2"));
  EXPECT_THAT(TokenSaid(), ElementsAre(Pair("lis", "t2"), Pair("mad", "t1")));
  // A token of another channel tells nothing of this one.
  ASSERT_EQ(Onhand({"export", "--location", "lis", "--channel", "web", "--since", token}), 0);
  EXPECT_THAT(err_, HasSubstr("Full feed: 3 lines of 1 location"));
}

TEST_F(FeedTest, TheTokenLivesInAFileOfItsOwn) {
  const std::string token = NewPath("token");
  const std::string out = NewPath("feed.csv");
  const std::vector<std::string> command = {"export", "--since-file", token, "--out", out};
  ASSERT_EQ(Onhand(command), 0) << err_;
  EXPECT_EQ(Content(token), EncodeFeedToken("", {{"", "t1"}}) + "\n");
  EXPECT_THAT(out_, HasSubstr(absl::StrCat("Full feed: 3 lines of the chain, in ", out)));
  EXPECT_EQ(err_, "");

  watch_.Set("", "t1",
             {.responses = {Told("t2", {FakeAnswer("ball", v1::AVAILABILITY_STATUS_HIDDEN)}),
                            Told("t2")}});
  ASSERT_EQ(Onhand(command), 0) << err_;
  EXPECT_EQ(Content(out),
            absl::StrCat(kTitles, "ball,,hidden,false,0,,,https://schema.org/OutOfStock\n"));
  EXPECT_EQ(Content(token), EncodeFeedToken("", {{"", "t2"}}) + "\n");
  EXPECT_THAT(out_, HasSubstr("Changes since the token: 1 line of the chain"));
}

TEST_F(FeedTest, AFeedThatFailsLeavesFileAndTokenAsTheyWere) {
  const std::string old_token = EncodeFeedToken("", {{"", "t1"}});
  const std::string token = WriteFile("token", old_token);
  const std::string out = WriteFile("feed.csv", "old");
  watch_.Set("", "t1",
             {.responses = {Told("t2", {FakeAnswer("ball", v1::AVAILABILITY_STATUS_HIDDEN)})},
              .end = grpc::Status(grpc::StatusCode::INTERNAL, "broken")});
  EXPECT_EQ(Onhand({"export", "--since-file", token, "--out", out}), 1);
  EXPECT_EQ(Content(out), "old");
  EXPECT_EQ(Content(token), old_token);
  for (const auto& entry : std::filesystem::directory_iterator(testing::TempDir())) {
    EXPECT_THAT(entry.path().string(), Not(HasSubstr(absl::StrCat(out, ".part"))));
  }
}

TEST_F(FeedTest, AFileThatCannotBeWrittenIsSaidBeforeTheHubIsAsked) {
  EXPECT_EQ(Onhand({"export", "--out", PathOf("no/such/folder.csv")}), 1);
  EXPECT_THAT(err_, HasSubstr("cannot be written"));
  EXPECT_THAT(watch_.asked(), IsEmpty());
}

TEST_F(FeedTest, TheJsonDocumentIsAboutTheFile) {
  const std::string out = NewPath("feed.tsv");
  ASSERT_EQ(Onhand({"--json", "export", "--format", "google-local-inventory", "--out", out}), 0);
  const Json document = Json::parse(out_);
  EXPECT_EQ(document["full_location_ids"], Json({"lis", "mad"}));
  EXPECT_EQ(document["line_count"], 3);
  EXPECT_EQ(document["location_ids"], Json({"lis", "mad"}));
  EXPECT_EQ(document["token"], EncodeFeedToken("", {{"lis", "t1"}, {"mad", "t1"}}));
  EXPECT_EQ(Onhand({"--json", "export"}), kExitUsage);
}

TEST_F(FeedTest, OptionsThatContradictEachOtherAreRefused) {
  const auto usage = [&](std::vector<std::string> more, const std::string& says) {
    more.insert(more.begin(), "export");
    EXPECT_EQ(Onhand(more), kExitUsage) << testing::PrintToString(more);
    EXPECT_THAT(err_, HasSubstr(says)) << testing::PrintToString(more);
  };
  usage({"--format", "xml"}, "csv or google-local-inventory");
  usage({"--pickup-method", "buy"}, "google-local-inventory");
  usage({"--format", "google-local-inventory", "--pickup-method", "buy"}, "--pickup-sla");
  usage({"--format", "google-local-inventory", "--pickup-sla", "2-day"}, "--pickup-method");
  usage({"--format", "google-local-inventory", "--pickup-method", "fax"}, "ship-to-store");
  usage({"--format", "google-local-inventory", "--chain"}, "stores only");
  usage({"--since", "t", "--since-file", "f"}, "--since");
  usage({"--location", "mad", "--all-locations"}, "--location");
  EXPECT_EQ(Onhand({"export", "--channel", "fax"}), 1);
  EXPECT_THAT(err_, HasSubstr("UNKNOWN_CHANNEL"));
}

// A hub of a release that cannot be watched yet.
class UnwatchedFeedTest : public FeedTest {
 protected:
  std::vector<grpc::Service*> Services() override { return {&shop_}; }
};

TEST_F(UnwatchedFeedTest, WritesFullFeedsAndSaysThatThereIsNoToken) {
  ASSERT_EQ(Onhand({"export"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("racket,,in-stock"));
  EXPECT_THAT(err_, HasSubstr("no token"));
  EXPECT_EQ(Onhand({"export", "--since-file", NewPath("token")}), 1);
  EXPECT_THAT(err_, HasSubstr("export without --since"));
}

}  // namespace
}  // namespace onhand::cli
