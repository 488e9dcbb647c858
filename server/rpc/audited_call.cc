#include "server/rpc/audited_call.h"

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace onhand::rpc {
namespace {

// Longer ones are no address, and no name.
constexpr size_t kTextBytesMax = 200;

std::string TextIn(const google::protobuf::Message& message, const char* name) {
  const auto* descriptor = message.GetDescriptor();
  const auto* reflection = message.GetReflection();
  using Field = google::protobuf::FieldDescriptor;
  if (const Field* field = descriptor->FindFieldByName(name);
      field != nullptr && field->cpp_type() == Field::CPPTYPE_STRING && !field->is_repeated()) {
    return reflection->GetString(message, field).substr(0, kTextBytesMax);
  }
  return "";
}

// `ipv4:203.0.113.7:51234`, `ipv6:%5B2001:db8::7%5D:51234`.
std::string PeerOf(absl::string_view peer) {
  absl::ConsumePrefix(&peer, "ipv4:");
  if (!absl::ConsumePrefix(&peer, "ipv6:")) return std::string(peer.substr(0, kTextBytesMax));
  std::string address(peer.substr(0, kTextBytesMax));
  for (const auto& [code, bracket] : {std::pair("%5B", "["), std::pair("%5D", "]")}) {
    if (const size_t at = address.find(code); at != std::string::npos)
      address.replace(at, 3, bracket);
  }
  return address;
}

}  // namespace

ledger::AuditedCall AuditedOf(const Principal& principal, const grpc::ServerContext& context,
                              const google::protobuf::Message& request, const std::string& method) {
  ledger::AuditedCall call{.principal = principal.name,
                           .token_id = principal.token_id,
                           .role = static_cast<uint32_t>(principal.role),
                           .peer = PeerOf(context.peer()),
                           .port = v1::AUDIT_PORT_GRPC,
                           .method = method,
                           .author = TextIn(request, "author"),
                           .reason = TextIn(request, "reason")};
  // gRPC knows no address of a caller within the process.
  if (context.peer() != "unknown" && !absl::StartsWith(context.peer(), "inproc")) return call;
  call.port = v1::AUDIT_PORT_HTTP;
  const auto found = context.client_metadata().find(kHttpPeer);
  call.peer = found == context.client_metadata().end()
                  ? ""
                  : std::string(found->second.data(), found->second.size());
  return call;
}

}  // namespace onhand::rpc
