// Which methods can be called by HTTP: those of onhand.v1 and of the health check that this program
// was built with. Owned by the gateway; any thread.
#ifndef ONHAND_SERVER_GATEWAY_METHODS_H_
#define ONHAND_SERVER_GATEWAY_METHODS_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace onhand::gateway {

struct Method {
  std::string path;   // /package.Service/Method
  std::string input;  // full names of its messages
  std::string output;
  bool client_streams = false;
  bool server_streams = false;
  // Declared so in the contract: it may be asked by GET.
  bool no_side_effects = false;
  // False: its messages may hold any JSON (google.protobuf.Struct), which takes time that grows
  // with the square of its depth to read. Protobuf only.
  bool has_json = true;
};

class Methods {
 public:
  // Null if there is no such method. What it points to lives as long as this.
  const Method* Find(const std::string& path);

 private:
  absl::Mutex mutex_;
  // Those that were asked for, so no more than there are.
  absl::flat_hash_map<std::string, std::unique_ptr<const Method>> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_METHODS_H_
