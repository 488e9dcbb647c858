// The token that a program shows to the hub, from a file that holds it alone. The file is read
// again when it changes, so that a token is replaced without a restart. Any thread.
//
// The token is shown by an interceptor and not by call credentials: gRPC refuses those on a channel
// without TLS, which is what a hub on the same machine is reached by.
#ifndef ONHAND_CLIENTS_CPP_TOKEN_FILE_H_
#define ONHAND_CLIENTS_CPP_TOKEN_FILE_H_

#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/support/client_interceptor.h"

namespace onhand::client {

class TokenFile {
 public:
  // INVALID_ARGUMENT if the file cannot be read or is empty.
  static absl::StatusOr<std::shared_ptr<TokenFile>> Open(const std::string& path);

  // What the file holds, without white space around it; while it cannot be read, or is empty, what
  // it held last.
  std::string text();

 private:
  explicit TokenFile(std::string path) : path_(std::move(path)) {}
  // Whether the file was there and held something.
  bool Read() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;
  absl::Mutex mutex_;
  struct stat seen_ ABSL_GUARDED_BY(mutex_) = {};  // the file when it was read
  std::string text_ ABSL_GUARDED_BY(mutex_);
};

// Shows the token with every call of a channel that is made with these.
std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> Showing(
    std::shared_ptr<TokenFile> token);

// Whether a hub's address, HOST:PORT, is of this machine: what is said to it is heard by no other.
bool IsThisMachine(absl::string_view hub);

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_TOKEN_FILE_H_
