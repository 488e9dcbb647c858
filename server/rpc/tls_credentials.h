// TLS for the gRPC port.
#ifndef ONHAND_SERVER_RPC_TLS_CREDENTIALS_H_
#define ONHAND_SERVER_RPC_TLS_CREDENTIALS_H_

#include <memory>

#include "grpcpp/security/server_credentials.h"
#include "server/tls.h"

namespace onhand::rpc {

// Of files that MakeTlsContext accepts. They are looked at every second: new connections meet the
// new ones. While a certificate and a key do not fit together, new connections are refused, so
// replace both at once (a folder swapped by a symbolic link, as Kubernetes does).
std::shared_ptr<grpc::ServerCredentials> MakeTlsCredentials(const TlsFiles& files);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_TLS_CREDENTIALS_H_
