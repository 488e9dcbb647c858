// How a client shows itself to a hub, and knows it.
#ifndef ONHAND_CLIENTS_CPP_TLS_H_
#define ONHAND_CLIENTS_CPP_TLS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/security/credentials.h"

namespace onhand::client {

// PEM files; those that are replaced while the client runs are taken by its next connection.
struct Tls {
  bool is_on = false;
  std::string ca_file;    // authorities of hubs; empty: the system's
  std::string cert_file;  // the client's own certificate with its chain; empty: it has none
  std::string key_file;
};

// Not TLS unless it is on. INVALID_ARGUMENT: a certificate without its key or the reverse, or a
// file that cannot be read.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(const Tls& tls);

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_TLS_H_
