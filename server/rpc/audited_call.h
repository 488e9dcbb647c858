// What the audit is told of a call of the port. Pure; any thread.
#ifndef ONHAND_SERVER_RPC_AUDITED_CALL_H_
#define ONHAND_SERVER_RPC_AUDITED_CALL_H_

#include <string>

#include "google/protobuf/message.h"
#include "grpcpp/server_context.h"
#include "server/ledger/audit.h"
#include "server/rpc/permissions.h"

namespace onhand::rpc {

// The metadata in which the HTTP port says who called it. Believed of calls from within the process
// alone.
inline constexpr char kHttpPeer[] = "onhand-http-peer";

// `method` is package.Service/Method. Author and reason are fields of the request.
ledger::AuditedCall AuditedOf(const Principal& principal, const grpc::ServerContext& context,
                              const google::protobuf::Message& request, const std::string& method);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_AUDITED_CALL_H_
