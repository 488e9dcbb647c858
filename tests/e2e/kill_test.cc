// The promise of the whole chain: whatever is killed, whenever, every movement counts exactly once.
// Tills drop exports, senders and people write, and programs are killed at random moments; in the
// end every position is compared with what the tills know. ONHAND_KILLS sets how many kills a test
// does, ONHAND_SEED repeats one run's choices.
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/e2e/questions.h"
#include "tests/e2e/steady_writers.h"
#include "tests/e2e/till.h"
#include "tests/support/mariadb.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

int FromEnvironment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  int value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

// A chain of four stores and a desk, with everything that writes to its hub.
class ChainUnderFire {
 public:
  ChainUnderFire(std::string store, uint32_t seed);
  // Ends the tills' thread.
  ~ChainUnderFire();

  // Kills the hub or an agent, and starts it again after a moment.
  void KillSomething();
  // A random while in which the chain works on.
  void LetWork(int most_ms);
  // Starts the hub again if it gave up because its database was away.
  void KeepHubRunning();

  // Ends all writing, waits until everything has arrived, and compares; then again after the hub
  // was killed a last time and started again.
  void ExpectEverythingCountsOnce();

 private:
  static constexpr const char* kDesk = "desk";

  int Random(int low, int high);
  // A program that falls over would be started again unnoticed.
  void ExpectNothingDiedByItself();
  void StartAgents(uint32_t seed);
  void DropExports();
  void ExpectNumbers(const std::string& when);
  bool EverythingArrived();

  TempFolder folder_;
  std::mt19937 random_;
  HubProgram hub_;
  client::Connection connection_;
  std::vector<std::unique_ptr<Till>> tills_;
  std::vector<std::unique_ptr<AgentProgram>> agents_;
  std::unique_ptr<SteadyWriter> sender_;
  std::unique_ptr<SteadyWriter> person_;
  std::map<std::string, Numbers> expected_;  // by location
  std::atomic<bool> closing_{false};
  std::thread dropping_;
};

ChainUnderFire::ChainUnderFire(std::string store, uint32_t seed)
    : random_(seed),
      hub_(store.empty() ? "sqlite:" + (folder_ / "hub.db") : std::move(store)),
      connection_(hub_.Connect()) {
  if (hub_.store().rfind("mysql:", 0) == 0) {
    const Ended migrated = RunToEnd({HubPath(), "migrate", "--store", hub_.store()});
    EXPECT_EQ(migrated.exit_code, 0) << migrated.err;
  }
  hub_.Start();
  MakeLocations(connection_, {"north", "south", "east", "west", kDesk});
  MakeItem(connection_, "found");
  StartAgents(seed);
  sender_ = StartSender(hub_.address(), kDesk, "sender", "sent");
  person_ = StartPerson(hub_.address(), kDesk, "found");
  dropping_ = std::thread([this] { DropExports(); });
}

ChainUnderFire::~ChainUnderFire() {
  closing_ = true;
  if (dropping_.joinable()) dropping_.join();
}

int ChainUnderFire::Random(int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(random_);
}

// An agent for north, one for south with small batches, and one for east and west together.
void ChainUnderFire::StartAgents(uint32_t seed) {
  const auto add_till = [&](const std::string& location_id, const std::string& path, int skus) {
    const std::filesystem::path folder = folder_.path() / path;
    std::filesystem::create_directories(folder);
    tills_.push_back(std::make_unique<Till>(location_id, folder, skus,
                                            seed + static_cast<uint32_t>(tills_.size())));
  };
  // More SKUs than the hub looks at in one step of a snapshot.
  add_till("north", "north", 2500);
  add_till("south", "south", 40);
  add_till("east", "pair/east", 60);
  add_till("west", "pair/west", 60);
  const auto add_agent = [&](const std::string& source, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(),
                     {"--unknown-items", "create", "--source", "csv:" + (folder_ / source),
                      "--spool", folder_ / (source + ".spool")});
    agents_.push_back(std::make_unique<AgentProgram>(hub_.address(), std::move(arguments)));
    agents_.back()->Launch();
  };
  add_agent("north", {"--location", "north"});
  add_agent("south", {"--location", "south", "--batch-rows", "7"});
  add_agent("pair", {"--source-id", "pair"});
}

void ChainUnderFire::DropExports() {
  for (size_t turn = 0; !closing_; ++turn) {
    tills_[turn % tills_.size()]->Drop();
    absl::SleepFor(absl::Milliseconds(20));
  }
}

void ChainUnderFire::LetWork(int most_ms) {
  absl::SleepFor(absl::Milliseconds(Random(0, most_ms)));
}

void ChainUnderFire::ExpectNothingDiedByItself() {
  // A hub that starts while its database is away says so and ends.
  const bool may_end = hub_.store().rfind("mysql:", 0) == 0;
  EXPECT_TRUE(may_end || hub_.IsRunning()) << "the hub ended: " << hub_.log();
  for (const auto& agent : agents_) {
    EXPECT_TRUE(agent->IsRunning()) << "an agent ended: " << agent->log();
  }
}

void ChainUnderFire::KillSomething() {
  ExpectNothingDiedByItself();
  const int victim = Random(0, 5);
  if (victim <= 2) {
    hub_.Kill();
    LetWork(100);
    hub_.Launch();
    // Half of the time the next kill may meet it while it starts.
    const bool waits = Random(0, 1) == 0;
    EXPECT_TRUE(!waits || hub_.AwaitReady()) << hub_.log();
  } else {
    AgentProgram& agent = *agents_[static_cast<size_t>(victim - 3)];
    agent.Kill();
    LetWork(100);
    agent.Launch();
  }
}

void ChainUnderFire::KeepHubRunning() {
  const bool is_back = WaitUntil(
      [this] {
        if (!hub_.IsRunning()) hub_.Launch();
        return hub_.AwaitReady(absl::Seconds(5));
      },
      absl::Minutes(1));
  ASSERT_TRUE(is_back) << hub_.log();
}

bool ChainUnderFire::EverythingArrived() {
  for (const auto& [location_id, numbers] : expected_) {
    if (OnHand(connection_, location_id) != numbers) return false;
  }
  return true;
}

void ChainUnderFire::ExpectNumbers(const std::string& when) {
  for (const auto& [location_id, numbers] : expected_) {
    const Numbers found = OnHand(connection_, location_id);
    int shown = 0;
    for (const auto& [sku, on_hand] : numbers) {
      const auto position = found.find(sku);
      const bool is_there = position != found.end();
      if (is_there && position->second == on_hand) continue;
      ADD_FAILURE() << when << " " << location_id << " has " << sku << " at "
                    << (is_there ? absl::StrCat(position->second) : "no number") << " instead of "
                    << on_hand;
      if (++shown == 5) break;
    }
    EXPECT_EQ(found.size(), numbers.size()) << when << " at " << location_id;
  }
  for (const v1::QuarantineEntry& entry : Quarantined(connection_)) {
    ADD_FAILURE() << when << " in quarantine: " << entry.ShortDebugString();
  }
}

void ChainUnderFire::ExpectEverythingCountsOnce() {
  KeepHubRunning();
  closing_ = true;
  dropping_.join();
  expected_[kDesk]["sent"] = static_cast<int64_t>(sender_->Finish());
  expected_[kDesk]["found"] = static_cast<int64_t>(person_->Finish());
  int64_t row_count = 0;
  for (const auto& till : tills_) {
    expected_[till->location_id()] = till->Expected();
    row_count += till->row_count();
  }
  std::cout << row_count << " rows, " << expected_[kDesk]["sent"] << " batches of a sender, "
            << expected_[kDesk]["found"] << " of a person" << std::endl;
  EXPECT_GT(expected_[kDesk]["sent"], 0);
  EXPECT_GT(expected_[kDesk]["found"], 0);

  WaitUntil([this] { return EverythingArrived(); }, absl::Minutes(2));
  ExpectNumbers("when all was told");
  for (const auto& agent : agents_) EXPECT_EQ(agent->Stop(), 0) << agent->log();
  hub_.Kill();
  const Ended verified = hub_.Verify();
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
  hub_.Start();
  ExpectNumbers("after the last kill");
  EXPECT_EQ(hub_.Stop(), 0) << hub_.log();
  hub_.Start();
  ExpectNumbers("after a start from an image");
}

class KillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::cout << "ONHAND_SEED=" << seed_ << " ONHAND_KILLS=" << kills_ << std::endl;
  }

  const uint32_t seed_ = static_cast<uint32_t>(
      FromEnvironment("ONHAND_SEED", static_cast<int>(std::random_device()() >> 1)));
  const int kills_ = FromEnvironment("ONHAND_KILLS", 12);
};

TEST_F(KillTest, EveryMovementCountsOnceOnSqlite) {
  ChainUnderFire chain("", seed_);
  for (int kill = 0; kill < kills_ && !HasFatalFailure(); ++kill) {
    chain.LetWork(1000);
    chain.KillSomething();
  }
  chain.ExpectEverythingCountsOnce();
}

TEST_F(KillTest, EveryMovementCountsOnceOnMariaDbThatIsKilledToo) {
  MariaDb& database = MariaDb::Shared();
  ChainUnderFire chain(database.Url(database.CreateDatabase()), seed_);
  for (int kill = 0; kill < kills_ / 2 && !HasFatalFailure(); ++kill) {
    chain.LetWork(1000);
    if (kill % 3 == 2) {
      database.Kill();
      chain.LetWork(300);
      database.Start();
      chain.KeepHubRunning();
    } else {
      chain.KillSomething();
    }
  }
  chain.ExpectEverythingCountsOnce();
}

}  // namespace
}  // namespace onhand::testing
