// TLS for the gRPC port.
#ifndef ONHAND_SERVER_RPC_TLS_CREDENTIALS_H_
#define ONHAND_SERVER_RPC_TLS_CREDENTIALS_H_

#include <memory>

#include "grpcpp/security/server_credentials.h"
#include "server/tls.h"

namespace onhand::rpc {

// Of files that MakeTlsContext accepts. A handshake looks at them, at most every second: new
// connections meet the new ones, once they fit together. What this returns outlives the server.
std::shared_ptr<grpc::ServerCredentials> MakeTlsCredentials(const TlsFiles& files);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_TLS_CREDENTIALS_H_
