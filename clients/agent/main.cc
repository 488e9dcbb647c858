// onhand-agent: takes what a store's tills export to the hub. This file reads the command line and
// wires the parts.
#include <pthread.h>
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/agent/csv_source.h"
#include "clients/agent/sql_source.h"
#include "clients/agent/status.h"
#include "clients/agent/stdin_source.h"
#include "clients/agent/sync.h"
#include "clients/cpp/tls.h"
#include "clients/cpp/token_file.h"
#include "clients/files/check.h"
#include "proto/program/config.h"
#include "proto/program/log.h"
#include "spdlog/spdlog.h"

namespace onhand::agent {
namespace {

// What scripts may rely on.
enum ExitCode { kExitOk = 0, kExitFailed = 1, kExitTakenOver = 4, kExitRefused = 5 };

struct CommandLine {
  std::string hub = "127.0.0.1:7070";
  std::vector<std::string> locations;
  std::string source;
  std::string source_id;
  std::string spool;
  bool insecure = false;
  client::Tls tls;
  std::string token_file;
  std::string mapping_file;
  std::string time_zone;
  std::string kind;
  std::string source_password_file;
  std::string unknown_items;
  std::string orders_in_numbers;
  int64_t spool_max_mb = 1024;
  int batch_rows = 1000;
  int64_t poll_ms = 2000;
  int64_t overlap_s = 3600;
  int64_t backoff_max_ms = 60'000;
  std::optional<int64_t> proof_of_life_s;
  bool once = false;
  bool take_over = false;
  program::LogOptions log;
  std::string file;
  bool json = false;
};

absl::StatusOr<std::string> ReadSecret(const std::string& path) {
  if (path.empty()) return "";
  const absl::StatusOr<std::string> content = ReadWholeFile(path);
  if (!content.ok()) return content.status();
  return std::string(absl::StripAsciiWhitespace(*content));
}

absl::StatusOr<files::Mapping> MakeMapping(const CommandLine& given) {
  files::Mapping mapping;
  if (!given.mapping_file.empty()) {
    absl::StatusOr<files::Mapping> loaded = files::LoadMapping(given.mapping_file);
    if (!loaded.ok()) return loaded.status();
    mapping = *std::move(loaded);
  }
  if (!given.time_zone.empty() && !absl::LoadTimeZone(given.time_zone, &mapping.moments.zone)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--time-zone \"", given.time_zone,
                     "\" is not known: give an IANA name such as Europe/Berlin"));
  }
  if (!given.kind.empty()) {
    mapping.kind = files::KindOfWord(given.kind);
    if (mapping.kind == v1::MOVEMENT_KIND_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          absl::StrCat("--kind \"", given.kind, "\" is not known: give level, sale or receipt"));
    }
  }
  return mapping;
}

// "csv:DIR" -> {"csv", "DIR"}; the name also ends the default source id.
std::pair<std::string, std::string> SplitSource(const std::string& source) {
  const size_t colon = source.find(':');
  if (colon == std::string::npos) return {source, ""};
  return {source.substr(0, colon), source.substr(colon + 1)};
}

// Makes the source; fills in the locations of a drop folder that names them by its subfolders.
absl::StatusOr<std::unique_ptr<Source>> MakeSource(CommandLine& given,
                                                   const files::Mapping& mapping) {
  const auto [scheme, rest] = SplitSource(given.source);
  const absl::Duration poll = absl::Milliseconds(given.poll_ms);
  if (scheme == "csv" && !rest.empty()) {
    absl::StatusOr<std::unique_ptr<DropFolder>> folder =
        DropFolder::Open({rest, given.locations, poll});
    if (!folder.ok()) return folder.status();
    given.locations = (*folder)->locations();
    return std::make_unique<CsvSource>(*std::move(folder), mapping, poll);
  }
  if (given.locations.empty()) {
    return absl::InvalidArgumentError("no location is given: add --location ID, once for each");
  }
  if (scheme == "stdin" && rest.empty()) {
    return std::make_unique<StdinSource>(STDIN_FILENO, given.locations, mapping.moments.zone);
  }
  if (scheme == "mysql") {
    // Both "mysql:mysql://..." and "mysql://..." are understood.
    const absl::StatusOr<SqlAddress> address =
        ParseSqlAddress(absl::StartsWith(rest, "//") ? given.source : rest);
    if (!address.ok()) return address.status();
    absl::StatusOr<std::string> password = ReadSecret(given.source_password_file);
    if (!password.ok()) return password.status();
    return std::make_unique<SqlSource>(SqlSource::Options{
        *address, *password, mapping, given.locations, poll, absl::Seconds(given.overlap_s)});
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--source \"", given.source, "\" is not known: give csv:DIR, stdin or mysql:URL"));
}

absl::StatusOr<std::string> SourceId(const CommandLine& given) {
  if (!given.source_id.empty()) return given.source_id;
  if (given.locations.size() != 1) {
    return absl::InvalidArgumentError(
        "a source for several locations needs a name: give --source-id, unique in the chain");
  }
  return absl::StrCat(given.locations[0], "-", SplitSource(given.source).first);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(const CommandLine& given) {
  if (given.insecure && !given.token_file.empty() && !client::IsThisMachine(given.hub)) {
    return absl::InvalidArgumentError(
        "--token-file with --insecure would show the token to the network: leave one out");
  }
  client::Tls tls = given.tls;
  tls.is_on = !given.insecure;
  return client::MakeCredentials(tls);
}

const std::map<std::string, v1::UnknownItems>& UnknownItemsWords() {
  static const auto* const words =
      new std::map<std::string, v1::UnknownItems>{{"create", v1::UNKNOWN_ITEMS_CREATE},
                                                  {"hold", v1::UNKNOWN_ITEMS_HOLD},
                                                  {"reject", v1::UNKNOWN_ITEMS_REJECT}};
  return *words;
}

const std::map<std::string, v1::OrdersInNumbers>& OrdersInNumbersWords() {
  static const auto* const words = new std::map<std::string, v1::OrdersInNumbers>{
      {"never", v1::ORDERS_IN_NUMBERS_NEVER},
      {"when-imported", v1::ORDERS_IN_NUMBERS_WHEN_IMPORTED},
      {"when-rung-up", v1::ORDERS_IN_NUMBERS_WHEN_RUNG_UP}};
  return *words;
}

// What a word stands for; the unspecified value where there is none.
template <class Value>
Value ValueOf(const std::map<std::string, Value>& words, const std::string& word) {
  const auto found = words.find(word);
  return found == words.end() ? Value{} : found->second;
}

v1::Hello MakeHello(const CommandLine& given, const std::string& source_id,
                    const files::Mapping& mapping) {
  v1::Hello hello;
  hello.set_source_id(source_id);
  for (const std::string& location : given.locations) hello.add_location_ids(location);
  hello.set_orders_in_numbers(ValueOf(OrdersInNumbersWords(), given.orders_in_numbers));
  hello.set_unknown_items(ValueOf(UnknownItemsWords(), given.unknown_items));
  // Where sales are declared the hub infers none from levels, so a source of levels alone must say
  // so.
  if (mapping.kind != v1::MOVEMENT_KIND_UNSPECIFIED) hello.add_declared_kinds(mapping.kind);
  if (mapping.kind == v1::MOVEMENT_KIND_SALE) hello.add_declared_kinds(v1::MOVEMENT_KIND_RETURN);
  hello.set_agent("onhand-agent 0.1.0");
  return hello;
}

// Calls `stop` on SIGTERM or SIGINT. Signals must be blocked in every thread.
class SignalWatch {
 public:
  explicit SignalWatch(std::function<void()> stop) {
    thread_ = std::thread([stop = std::move(stop)] {
      sigset_t signals;
      sigemptyset(&signals);
      for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, signal);
      int received = 0;
      sigwait(&signals, &received);
      if (received != SIGUSR1) stop();
    });
  }
  // SIGUSR1 lets the thread end.
  ~SignalWatch() {
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
  }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  static void BlockSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  }

 private:
  std::thread thread_;
};

absl::StatusOr<int> RunAgent(CommandLine given) {
  const absl::StatusOr<files::Mapping> mapping = MakeMapping(given);
  if (!mapping.ok()) return mapping.status();
  absl::StatusOr<std::unique_ptr<Source>> source = MakeSource(given, *mapping);
  if (!source.ok()) return source.status();
  const absl::StatusOr<std::string> source_id = SourceId(given);
  if (!source_id.ok()) return source_id.status();
  for (const std::string& location : given.locations) {
    if (const auto status = files::CheckIdentifier("location", location); !status.ok())
      return status;
  }
  if (const auto status = files::CheckIdentifier("source-id", *source_id); !status.ok())
    return status;
  const auto credentials = Credentials(given);
  if (!credentials.ok()) return credentials.status();
  std::shared_ptr<client::TokenFile> token;
  if (!given.token_file.empty()) {
    auto opened = client::TokenFile::Open(given.token_file);
    if (!opened.ok()) return opened.status();
    token = *std::move(opened);
  }

  absl::StatusOr<std::unique_ptr<Spool>> spool = Spool::Open(
      {.path = given.spool, .source_id = *source_id, .bytes_max = given.spool_max_mb << 20});
  if (!spool.ok()) return spool.status();
  if (given.take_over) {
    if (const auto status = (*spool)->SetStopped(""); !status.ok()) return status;
  }

  Bell bell;
  Intake::Options intake_options;
  intake_options.locations = given.locations;
  intake_options.batch_rows_max = given.batch_rows;
  if (given.proof_of_life_s) intake_options.proof_of_life = absl::Seconds(*given.proof_of_life_s);
  Intake intake(source->get(), spool->get(), &bell, intake_options);

  Sync::Options options;
  options.hub = given.hub;
  options.credentials = *credentials;
  options.token = token;
  options.stays_on_this_machine = given.insecure && token != nullptr;
  options.hello = MakeHello(given, *source_id, *mapping);
  options.once = given.once;
  options.backoff_max = absl::Milliseconds(given.backoff_max_ms);
  options.backoff_first = std::min(options.backoff_first, options.backoff_max);
  Sync sync(options, source->get(), spool->get(), &intake, &bell);

  const SignalWatch watch([&sync] { sync.Stop(); });
  spdlog::info("source {} reports to {} from {}", *source_id, given.hub, given.source);
  // Ready to take what the till exports; whether the hub is there is not for a supervisor to know.
  sd_notify(/*unset_environment=*/0, "READY=1");
  const SyncResult result = sync.Run();
  sd_notify(/*unset_environment=*/0, "STOPPING=1");
  switch (result.end) {
    case SyncEnd::kDone:
      return kExitOk;
    case SyncEnd::kTakenOver:
      spdlog::critical("stopped: {}", result.message);
      return kExitTakenOver;
    case SyncEnd::kRefused:
      spdlog::critical("refused: {}", result.message);
      return kExitRefused;
  }
  return kExitFailed;
}

absl::StatusOr<int> RunCheck(const CommandLine& given) {
  const absl::StatusOr<files::Mapping> mapping = MakeMapping(given);
  if (!mapping.ok()) return mapping.status();
  absl::StatusOr<std::string> bytes = ReadWholeFile(given.file);
  if (!bytes.ok()) return bytes.status();
  const absl::StatusOr<absl::Time> modified = ModifiedAt(given.file);
  if (!modified.ok()) return modified.status();
  const std::string location = given.locations.size() == 1 ? given.locations[0] : "";
  const files::ExportFile file = {std::filesystem::path(given.file).filename().string(),
                                  *std::move(bytes), *modified};
  const bool taken = files::CheckExport(file, *mapping, {location, given.locations}, std::cout);
  return taken ? kExitOk : kExitFailed;
}

absl::StatusOr<int> RunStatus(const CommandLine& given) {
  const absl::Status status = PrintStatus(given.spool, absl::Now(), given.json, std::cout);
  if (!status.ok()) return status;
  return kExitOk;
}

void AddReadingOptions(CLI::App& app, CommandLine& given) {
  app.add_option("--location", given.locations,
                 "A location that this source reports for; repeatable");
  app.add_option("--mapping", given.mapping_file, "How exports are to be read (JSON)");
  app.add_option("--time-zone", given.time_zone,
                 "Zone of times without one, such as Europe/Berlin");
  app.add_option("--kind", given.kind, "What files and rows are: level, sale or receipt");
}

void AddRunOptions(CLI::App& app, CommandLine& given) {
  AddReadingOptions(app, given);
  app.add_option("--hub", given.hub, "HOST:PORT of the hub")->capture_default_str();
  app.add_option("--source", given.source,
                 "csv:DIR, stdin or mysql://USER@HOST:PORT/DB?table=T&key=id");
  app.add_option("--source-id", given.source_id,
                 "The source's name, unique in the chain; LOCATION-SCHEME");
  app.add_option("--spool", given.spool, "The agent's durable memory, a file");
  app.add_flag("--insecure", given.insecure,
               "No TLS; a token is shown to a hub on this machine only");
  app.add_option("--tls-ca-file", given.tls.ca_file,
                 "Authorities of hubs to trust (PEM) instead of the system's");
  app.add_option("--tls-cert-file", given.tls.cert_file,
                 "The agent's certificate (PEM), for a hub that asks for one");
  app.add_option("--tls-key-file", given.tls.key_file, "Its key (PEM)");
  app.add_option("--token-file", given.token_file,
                 "Holds the token that an admin of the hub made for this agent; read again when it "
                 "changes");
  app.add_option("--source-password-file", given.source_password_file,
                 "Holds the till database's password");
  app.add_option("--unknown-items", given.unknown_items, "create, hold or reject")
      ->check(CLI::IsMember(UnknownItemsWords()));
  app.add_option("--orders-in-numbers", given.orders_in_numbers,
                 "never, when-imported or when-rung-up")
      ->check(CLI::IsMember(OrdersInNumbersWords()));
  app.add_option("--spool-max-mb", given.spool_max_mb, "Reading stops at this size")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str();
  app.add_option("--batch-rows", given.batch_rows, "Rows in a batch at most")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--poll-ms", given.poll_ms, "How often the source is looked at, milliseconds")
      ->check(CLI::Range(int64_t{10}, int64_t{3'600'000}))
      ->capture_default_str();
  app.add_option("--overlap-s", given.overlap_s,
                 "How long gaps in a table's keys are asked for again, seconds")
      ->check(CLI::Range(int64_t{1}, int64_t{86'400}))
      ->capture_default_str();
  app.add_option("--backoff-max-ms", given.backoff_max_ms,
                 "Longest wait before the next try, milliseconds")
      ->check(CLI::Range(int64_t{10}, int64_t{60'000}))
      ->capture_default_str();
  app.add_option("--proof-of-life", given.proof_of_life_s,
                 "A look that finds nothing proves that all older than this many seconds was told")
      ->check(CLI::Range(int64_t{0}, int64_t{604'800}));
  app.add_flag("--once", given.once, "Tell all there is, wait until the hub has it, and end");
  app.add_flag("--take-over", given.take_over,
               "Start again after another agent has taken the source over");
  app.add_option("--log-format", given.log.format,
                 "How the log on stderr looks: for people or machines")
      ->check(CLI::IsMember(program::LogFormats()))
      ->capture_default_str();
  app.add_option("--log-level", given.log.level, "The least that is logged")
      ->check(CLI::IsMember(program::LogLevels()))
      ->capture_default_str();
}

int Main(int argc, char** argv) {
  SignalWatch::BlockSignals();
  CommandLine given;
  program::SetUpLog("onhand-agent", given.log);
  CLI::App app(
      "Takes what a store's tills export to the hub. Exit codes: 0 done, 1 failed, 4 another agent "
      "has "
      "taken the source over, 5 refused until the configuration changes.",
      "onhand-agent");
  app.fallthrough();
  app.set_version_flag("--version", "onhand-agent 0.1.0");
  AddRunOptions(app, given);
  CLI::App* check = app.add_subcommand("check", "Show how an export would be read, without a hub");
  check->add_option("FILE", given.file, "The export")->required();
  AddReadingOptions(*check, given);
  CLI::App* status = app.add_subcommand("status", "Show what a spool holds");
  status->add_option("--spool", given.spool, "The agent's spool")->required();
  status->add_flag("--json", given.json, "One JSON object");
  program::Config config(&app, program::Config::Options::kOfProgram, std::getenv);
  try {
    config.Parse({argv + 1, argv + argc});
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  if (config.print_wanted()) {
    std::cout << config.Text();
    return kExitOk;
  }
  program::SetUpLog("onhand-agent", given.log);

  absl::StatusOr<int> code = kExitFailed;
  if (check->parsed()) {
    code = RunCheck(given);
  } else if (status->parsed()) {
    code = RunStatus(given);
  } else if (given.source.empty() || given.spool.empty()) {
    code = absl::InvalidArgumentError("--source and --spool are needed; see --help");
  } else {
    code = RunAgent(given);
  }
  if (code.ok()) return *code;
  std::cerr << "onhand-agent: " << code.status().message() << "\n";
  return kExitFailed;
}

}  // namespace
}  // namespace onhand::agent

int main(int argc, char** argv) { return onhand::agent::Main(argc, argv); }
