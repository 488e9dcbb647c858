#include "server/gateway/methods.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"

namespace onhand::gateway {
namespace {

using google::protobuf::Descriptor;

constexpr char kPackage[] = "onhand.v1.";
constexpr char kHealth[] = "grpc.health.v1.Health";

bool HoldsAnyJson(const Descriptor* message, absl::flat_hash_set<const Descriptor*>* seen) {
  if (message->file()->name() == "google/protobuf/struct.proto") return true;
  if (!seen->insert(message).second) return false;
  for (int i = 0; i < message->field_count(); ++i) {
    const Descriptor* inner = message->field(i)->message_type();
    if (inner != nullptr && HoldsAnyJson(inner, seen)) return true;
  }
  return false;
}

const google::protobuf::MethodDescriptor* Describe(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0 || path[0] != '/') return nullptr;
  const std::string service = path.substr(1, slash - 1);
  if (!absl::StartsWith(service, kPackage) && service != kHealth) return nullptr;
  return google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      service + "." + path.substr(slash + 1));
}

}  // namespace

const Method* Methods::Find(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  if (const auto at = known_.find(path); at != known_.end()) return at->second.get();
  const google::protobuf::MethodDescriptor* described = Describe(path);
  if (described == nullptr) return nullptr;
  auto method = std::make_unique<Method>();
  method->path = path;
  method->input = described->input_type()->full_name();
  method->output = described->output_type()->full_name();
  method->client_streams = described->client_streaming();
  method->server_streams = described->server_streaming();
  method->no_side_effects =
      described->options().idempotency_level() == google::protobuf::MethodOptions::NO_SIDE_EFFECTS;
  absl::flat_hash_set<const Descriptor*> seen;
  method->has_json = !HoldsAnyJson(described->input_type(), &seen) &&
                     !HoldsAnyJson(described->output_type(), &seen);
  return (known_[path] = std::move(method)).get();
}

}  // namespace onhand::gateway
