// onhandd: the hub. Reads the command line and hands over; serve.h says what each command does.
#include <malloc.h>

#include <csignal>
#include <exception>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "server/gateway/http_server.h"
#include "server/serve.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

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
  command->add_flag("--confirm-clock", config->confirm_clock,
                    "Start although the clock is far from the journal's last row");
  command->add_option("--clock-scale", config->clock_scale,
                      "Run N times as fast from now on, for demonstrations on this machine; "
                      "agents move their tills' times onto that clock");
  command->add_flag("--webhook-allow-private", config->webhook_allow_private,
                    "Deliver webhooks to addresses that are not on the public internet too");
  command->add_option("--webhook-ca-file", config->webhook_ca_file,
                      "Certificates that receivers of webhooks are checked against, PEM; else the "
                      "system's");
  command->add_option("--projection", *projection, "Write the plain tables for people")
      ->check(CLI::IsMember({"on", "off"}));
}

}  // namespace

int main(int argc, char** argv) {
  // OpenSSL writes to a peer that has gone as if it were there.
  std::signal(SIGPIPE, SIG_IGN);
  mallopt(M_MMAP_THRESHOLD, onhand::gateway::kMmapThresholdBytes);
  spdlog::set_default_logger(spdlog::stderr_color_mt("onhandd"));
  spdlog::flush_on(spdlog::level::info);

  CLI::App app("Onhand's hub: what every location, and the chain as a whole, can promise.",
               "onhandd");
  app.set_version_flag("--version", onhand::kVersion);
  app.require_subcommand(1);
  onhand::ServeConfig serve;
  std::string projection = "on";
  AddServe(app.add_subcommand("serve", "Run the hub"), &serve, &projection);
  onhand::StoreConfig store;
  AddStore(app.add_subcommand("migrate", "Bring a store's schema to this version's"), &store);
  AddStore(app.add_subcommand("verify", "Compare the newest image with a replay of the journal"),
           &store);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? onhand::kExitDone : onhand::kExitUsage;
  }
  serve.projection = projection == "on";
  if (app.got_subcommand("serve")) return onhand::Serve(serve);
  if (app.got_subcommand("migrate")) return onhand::Migrate(store);
  return onhand::Verify(store);
}
