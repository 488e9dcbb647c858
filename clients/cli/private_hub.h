// A hub of its own for one command: a child process with a store in memory that ends with this
// process, whatever ends it. Owned by the command; main thread only, because the kernel ends the
// child together with the thread that made it.
#ifndef ONHAND_CLIENTS_CLI_PRIVATE_HUB_H_
#define ONHAND_CLIENTS_CLI_PRIVATE_HUB_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace onhand::cli {

class PrivateHub {
 public:
  // Starts `program`, or if that is empty the `onhandd` beside this program or in PATH, and waits
  // until it answers. NOT_FOUND: there is no such program. FAILED_PRECONDITION: it ended or took
  // too long; its last words are in the message.
  static absl::StatusOr<std::unique_ptr<PrivateHub>> Start(const std::string& program);
  ~PrivateHub();
  PrivateHub(const PrivateHub&) = delete;
  PrivateHub& operator=(const PrivateHub&) = delete;

  // HOST:PORT.
  const std::string& address() const { return address_; }

 private:
  PrivateHub(pid_t pid, int log) : pid_(pid), log_(log) {}
  absl::Status AwaitReady();
  std::string Log() const;

  const pid_t pid_;
  const int log_;
  bool ended_ = false;
  std::string address_;
};

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_PRIVATE_HUB_H_
