#include "tests/demo/stage.h"

#include <stdlib.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/demo/world.h"

namespace onhand::demo {
namespace {

constexpr absl::Duration kReadyWithin = absl::Seconds(20);

// Files tell up to their own time, also when nobody bought anything.
constexpr char kMapping[] = "{\"known_through\": \"file_time\"}\n";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

// The address in the hub's ready line; empty if it is not there yet.
std::string ReadyAddress(const std::string& log) {
  for (absl::string_view line : absl::StrSplit(log, '\n')) {
    const size_t at = line.find("onhandd ready grpc=");
    if (at == absl::string_view::npos) continue;
    line.remove_prefix(line.find('=', at) + 1);
    const size_t end = line.find(' ');
    if (end != absl::string_view::npos) return std::string(line.substr(0, end));
  }
  return "";
}

// The rules of the chain, in the words of its managers.
const std::vector<std::string>& Commands() {
  static const auto& commands = *new std::vector<std::string>{
      "onhand import locations locations.csv",
      "onhand import items items.csv",
      "onhand channel set web-ship --kind ship --name 'Website, delivered'",
      "onhand channel set web-pickup --kind pickup --name 'Website, collected in the store'",
      "onhand channel set in-store --kind in-store --name 'In the store'",
      ("onhand rule set below-5 --channel web-ship --chain-floor 5 --reshow 8 --zero hide "
       "--author ana --reason 'too few to promise'"),
      absl::StrCat("onhand rule set futsal-goes-on --sku ", kKeepSellingSku,
                   " --channel web-ship --chain-floor 0 --zero keep-selling --author ana "
                   "--reason 'the supplier delivers overnight'"),
      absl::StrCat("onhand rule set kayak-on-order --sku ", kBackorderedSku,
                   " --channel web-ship --chain-floor 0 --zero backorder --backorder-limit 10 "
                   "--lead-days 7 --author ana --reason 'comes every Thursday'"),
      absl::StrCat("onhand rule set tennis-by-velocity --sku ", kGrowingSku,
                   " --channel web-ship --pooled --chain-buffer-days 1 --author ana "
                   "--reason 'a day of sales stays for the shops'"),
      absl::StrCat("onhand rule set lamps-by-risk --sku ", kVanishedSku,
                   " --channel web-pickup --risk 10 --pick-latency 10m --author ana "
                   "--reason 'who comes for one should find one'"),
  };
  return commands;
}

// The replay begins at nine in the morning. In this zone it is nine now, so that the chain's nights
// are those of its sales.
std::string ZoneAtNine(absl::Time now) {
  int east_h = 9 - absl::ToCivilHour(now, absl::UTCTimeZone()).hour();
  if (east_h < -12) east_h += 24;
  // POSIX counts hours west of Greenwich.
  return absl::StrCat("Etc/GMT", east_h < 0 ? "+" : "-", std::abs(east_h));
}

}  // namespace

Stage::Stage(Programs programs, std::string folder)
    : programs_(std::move(programs)), folder_(std::move(folder)), agents_(Stores().size()) {}

absl::StatusOr<std::unique_ptr<Stage>> Stage::Set(Programs programs) {
  std::string folder = (std::filesystem::temp_directory_path() / "onhand-demo-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("cannot make a folder ", folder, ": ", std::strerror(errno)));
  }
  std::unique_ptr<Stage> stage(new Stage(std::move(programs), folder));
  std::ofstream(folder + "/locations.csv") << LocationsCsv();
  std::ofstream(folder + "/items.csv") << ItemsCsv();
  std::ofstream(folder + "/mapping.json") << kMapping;
  for (const Store& store : Stores()) {
    std::filesystem::create_directories(absl::StrCat(stage->drop_folder(), "/", store.id));
  }
  return stage;
}

Stage::~Stage() {
  // Agents first: they have said goodbye when the hub drains.
  for (Child& agent : agents_) agent.Kill();
  hub_.Stop();
  std::error_code ignored;  // nothing more can be done about it
  std::filesystem::remove_all(folder_, ignored);
}

std::string Stage::HubLog() const { return folder_ + "/hub.log"; }

absl::Status Stage::StartHub(int64_t scale) {
  absl::StatusOr<Child> hub =
      Child::Start({programs_.hub, "serve", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0",
                    "--store", absl::StrCat("sqlite:", folder_, "/onhand.db"), "--first-token-file",
                    TokenFile("first"), "--clock-scale", absl::StrCat(scale)},
                   HubLog());
  if (!hub.ok()) return hub.status();
  hub_ = *std::move(hub);
  const absl::Time deadline = absl::Now() + kReadyWithin;
  while (absl::Now() < deadline) {
    hub_address_ = ReadyAddress(ReadFile(HubLog()));
    if (!hub_address_.empty()) return TakeConnection();
    if (const absl::Status status = CheckHub(); !status.ok()) return status;
    absl::SleepFor(absl::Milliseconds(20));
  }
  return absl::DeadlineExceededError("the hub is not ready after 20 s:\n" + ReadFile(HubLog()));
}

absl::Status Stage::TakeConnection() {
  const auto token = client::TokenFile::Open(TokenFile("first"));
  if (!token.ok()) return token.status();
  connection_.hub = hub_address_;
  connection_.token = *token;
  return absl::OkStatus();
}

absl::Status Stage::CheckHub() {
  if (hub_.running()) return absl::OkStatus();
  return absl::UnavailableError("the hub has ended:\n" + ReadFile(HubLog()));
}

absl::Status Stage::ImportChain() {
  std::vector<std::string> commands = Commands();
  commands.push_back(absl::StrCat("onhand chain set --time-zone ", ZoneAtNine(absl::Now()),
                                  " --author ana --reason 'nine is when the stores open'"));
  for (const std::string& command : commands) {
    const absl::StatusOr<Finished> finished = Type(command);
    if (!finished.ok()) return finished.status();
    if (finished->exit_code != 0) {
      return absl::FailedPreconditionError(absl::StrCat(command, "\n", finished->output));
    }
  }
  return absl::OkStatus();
}

absl::Status Stage::Show(const std::string& command, Narrator& narrator) const {
  const absl::StatusOr<Finished> finished = Type(command);
  if (!finished.ok()) return finished.status();
  std::string text = absl::StrCat("  $ ", command, "\n");
  for (const absl::string_view line : absl::StrSplit(finished->output, '\n', absl::SkipEmpty())) {
    absl::StrAppend(&text, "    ", line, "\n");
  }
  text.pop_back();
  narrator.Say(text);
  if (finished->exit_code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(command, " ended with ", finished->exit_code));
}

client::ConnectionOptions Stage::connection(absl::Duration timeout) const {
  client::ConnectionOptions options = connection_;
  options.timeout = timeout;
  return options;
}

std::string Stage::TokenFile(const std::string& whose) const {
  return absl::StrCat(folder_, "/", whose, ".token");
}

absl::Status Stage::MakeToken(const std::string& store_id) const {
  if (std::filesystem::exists(TokenFile(store_id))) return absl::OkStatus();
  const std::string command =
      absl::StrCat("onhand token create agent-", store_id, " --role agent --location ", store_id,
                   " --out ", TokenFile(store_id));
  const absl::StatusOr<Finished> finished = Type(command);
  if (!finished.ok()) return finished.status();
  if (finished->exit_code == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(command, "\n", finished->output));
}

absl::Status Stage::StartAgent(size_t store) {
  const std::string& id = Stores()[store].id;
  if (const absl::Status made = MakeToken(id); !made.ok()) return made;
  absl::StatusOr<Child> agent = Child::Start(
      {programs_.agent, "--hub", hub_address_, "--location", id, "--source",
       absl::StrCat("csv:", drop_folder(), "/", id), "--spool",
       absl::StrCat(folder_, "/", id, ".spool"), "--mapping", folder_ + "/mapping.json",
       "--poll-ms", "100", "--backoff-max-ms", "500", "--insecure", "--token-file", TokenFile(id)},
      absl::StrCat(folder_, "/", id, ".log"));
  if (!agent.ok()) return agent.status();
  agents_[store] = *std::move(agent);
  return absl::OkStatus();
}

void Stage::KillAgent(size_t store) { agents_[store].Kill(); }

absl::StatusOr<Finished> Stage::Type(const std::string& command) const {
  const char* path = getenv("PATH");
  return RunShell(absl::StrCat("cd '", folder_, "' && ", command),
                  {{"ONHAND_HUB", hub_address_},
                   {"ONHAND_TOKEN_FILE", TokenFile("first")},
                   {"PATH", absl::StrCat(programs_.cli_folder, ":",
                                         path == nullptr ? "/usr/bin:/bin" : path)}});
}

}  // namespace onhand::demo
