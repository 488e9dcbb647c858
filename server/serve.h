// The command of onhandd that runs the hub; on main's thread until it ends, with the exit code.
#ifndef ONHAND_SERVER_SERVE_H_
#define ONHAND_SERVER_SERVE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/maintain.h"
#include "server/rpc/call_limits.h"
#include "server/tls.h"

namespace onhand {

inline constexpr char kVersion[] = "0.1.0";

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
// Bad flags.
inline constexpr int kExitUsage = 2;
// The hub may not write any more: another one does, or the journal is not the one that it knew. A
// supervisor may start it again; a person should look.
inline constexpr int kExitFenced = 3;

struct ServeConfig {
  std::string grpc;
  std::string http;
  std::string health;   // empty: no such port
  std::string metrics;  // empty: no such port
  // How long what is under way may go on after SIGTERM, 0 s to 10 min.
  std::string drain_for = "45s";
  rpc::CallRates rates;
  int memory_quota_mib = 512;
  // Origins whose pages may use the HTTP port from a browser; "*": all.
  std::vector<std::string> http_allow_origins;
  StoreConfig store;
  TlsFiles tls;           // none: no TLS
  bool insecure = false;  // no TLS and no tokens
  // Where the first token is kept; empty: it is written to stderr.
  std::string first_token_file;
  bool confirm_clock = false;
  int64_t clock_scale = 1;
  bool projection = true;
  bool webhook_allow_private = false;
  std::string webhook_ca_file;  // empty: the system's certificates
};

// What is wrong with the flags, without opening anything. INVALID_ARGUMENT.
absl::Status CheckServe(const ServeConfig& config);
// Runs the hub until SIGTERM or SIGINT, or until it is fenced.
int Serve(const ServeConfig& config);

}  // namespace onhand

#endif  // ONHAND_SERVER_SERVE_H_
