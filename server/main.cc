// onhandd: the hub. Reads the command line and hands over; serve.h says what each command does.
#include <malloc.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "proto/program/config.h"
#include "proto/program/log.h"
#include "server/gateway/http_server.h"
#include "server/maintain.h"
#include "server/serve.h"

namespace {

void AddStore(CLI::App* command, onhand::StoreConfig* store) {
  command
      ->add_option("--store", store->url,
                   "sqlite:PATH, mysql://USER@HOST:PORT[,HOST:PORT]/DB or memory:")
      ->required();
  command->add_option("--store-password-file", store->password_file,
                      "File that holds the database's password");
}

void AddServe(CLI::App* command, onhand::ServeConfig* config, std::string* projection) {
  AddStore(command, &config->store);
  command
      ->add_option("--grpc", config->grpc, "HOST:PORT for agents, websites and people; port 0: any")
      ->required();
  command
      ->add_option(
          "--http", config->http,
          "HOST:PORT for browsers, curl and Connect clients, and for /healthz, /readyz and "
          "/metrics; port 0: any")
      ->required();
  command->add_option(
      "--health", config->health,
      "HOST:PORT for probes: plain gRPC with the health service alone, names `live` "
      "and `ready`; port 0: any");
  command->add_option("--metrics", config->metrics,
                      "HOST:PORT for a monitoring system: plain HTTP with GET /metrics alone, "
                      "without a token; port 0: any");
  command->add_option("--http-allow-origin", config->http_allow_origins,
                      "An origin whose pages may use the HTTP port from a browser, such as "
                      "https://shop.example; repeated for several, '*' for all");
  command->add_option("--tls-cert-file", config->tls.cert_file,
                      "The hub's certificate with its chain (PEM), for both ports; looked at again "
                      "while the hub runs");
  command->add_option("--tls-key-file", config->tls.key_file, "Its key (PEM)");
  command->add_option("--tls-client-ca-file", config->tls.client_ca_file,
                      "Authorities of clients (PEM): who shows no certificate of theirs is turned "
                      "away");
  command->add_flag("--insecure", config->insecure,
                    "No TLS and no tokens; on this machine's own addresses only");
  command->add_option("--first-token-file", config->first_token_file,
                      "Where an admin's token is kept that the hub makes when it starts and none "
                      "holds; else it is written to stderr, once");
  command
      ->add_option("--calls-per-second", config->rates.calls_per_second,
                   "Calls that one caller, by the name of its token, may make in a second")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  command
      ->add_option("--calls-at-once", config->rates.calls_at_once,
                   "Its calls that may wait for an answer at one time")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  command
      ->add_option("--streams-at-once", config->rates.streams_at_once,
                   "Its streams that may be open at one time")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  command
      ->add_option("--memory-quota-mib", config->memory_quota_mib,
                   "MiB that gRPC may take for what is under way; beyond, new connections wait")
      ->capture_default_str()
      ->check(CLI::Range(64, 1 << 20));
  command
      ->add_option("--drain-for", config->drain_for,
                   "How long what is under way may go on after SIGTERM, as in 45s; at most 10m")
      ->capture_default_str();
  command->add_flag("--confirm-clock", config->confirm_clock,
                    "Start although the clock is far from the journal's last row");
  command
      ->add_option("--clock-scale", config->clock_scale,
                   "Run N times as fast from now on, for demonstrations on this machine; agents "
                   "move their tills' times onto that clock")
      ->capture_default_str();
  command->add_flag("--webhook-allow-private", config->webhook_allow_private,
                    "Deliver webhooks to addresses that are not on the public internet too");
  command->add_option("--webhook-ca-file", config->webhook_ca_file,
                      "Certificates that receivers of webhooks are checked against, PEM; else the "
                      "system's");
  command->add_option("--projection", *projection, "Write the plain tables for people")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) {
  // OpenSSL writes to a peer that has gone as if it were there.
  std::signal(SIGPIPE, SIG_IGN);
  mallopt(M_MMAP_THRESHOLD, onhand::gateway::kMmapThresholdBytes);
  onhand::program::LogOptions log;
  onhand::program::SetUpLog("onhandd", log);

  CLI::App app("Onhand's hub: what every location, and the chain as a whole, can promise.",
               "onhandd");
  app.set_version_flag("--version", onhand::kVersion);
  app.require_subcommand(1);
  // An option of the program may stand behind the command too.
  app.fallthrough();
  app.add_option("--log-format", log.format, "How the log on stderr looks: for people or machines")
      ->check(CLI::IsMember(onhand::program::LogFormats()))
      ->capture_default_str();
  app.add_option("--log-level", log.level, "The least that is logged; at debug every call")
      ->check(CLI::IsMember(onhand::program::LogLevels()))
      ->capture_default_str();
  onhand::ServeConfig serve;
  std::string projection = "on";
  AddServe(app.add_subcommand("serve", "Run the hub"), &serve, &projection);
  onhand::StoreConfig store;
  std::string file;
  AddStore(app.add_subcommand("migrate", "Bring a store's schema to this version's"), &store);
  AddStore(app.add_subcommand("verify", "Compare the newest image with a replay of the journal"),
           &store);
  CLI::App* backup = app.add_subcommand(
      "backup", "Write all that is in a store to a file; a hub may serve it meanwhile");
  AddStore(backup, &store);
  backup->add_option("--to", file, "The file, which must not be there yet")->required();
  CLI::App* restore = app.add_subcommand(
      "restore", "Fill an empty store, of any kind, from such a file; the journal gets a new name");
  AddStore(restore, &store);
  restore->add_option("--from", file, "The file")->required();
  AddStore(app.add_subcommand("compact",
                              "Take a new image, drop the rows that it makes needless, and give "
                              "their room back; not while a hub serves the store"),
           &store);
  onhand::program::Config config(&app, onhand::program::Config::Options::kOfCommands, std::getenv);
  try {
    config.Parse({argv + 1, argv + argc});
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? onhand::kExitDone : onhand::kExitUsage;
  }
  serve.projection = projection == "on";
  if (config.print_wanted()) {
    if (app.got_subcommand("serve")) {
      if (const auto checked = onhand::CheckServe(serve); !checked.ok())
        return onhand::Fail(checked);
    }
    std::cout << config.Text();
    return onhand::kExitDone;
  }
  onhand::program::SetUpLog("onhandd", log);
  if (app.got_subcommand("serve")) return onhand::Serve(serve);
  if (app.got_subcommand("migrate")) return onhand::Migrate(store);
  if (app.got_subcommand("backup")) return onhand::Backup(store, file);
  if (app.got_subcommand("restore")) return onhand::Restore(store, file);
  if (app.got_subcommand("compact")) return onhand::Compact(store);
  return onhand::Verify(store);
}
