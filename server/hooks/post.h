// One HTTP request to a receiver, bounded in time and in what is read of the answer. Made for one
// attempt; Send is called once, Cancel from any thread.
#ifndef ONHAND_SERVER_HOOKS_POST_H_
#define ONHAND_SERVER_HOOKS_POST_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/ledger/web_address.h"

namespace onhand::hooks {

struct PostOptions {
  bool allow_private = false;
  // Certificates that receivers are checked against, PEM; empty: the system's.
  std::string ca_file;
  // How long the receiver may take; the specification suggests 15 to 30 s.
  std::chrono::milliseconds timeout{20'000};
};

// What became of it.
struct Posted {
  int http_status = 0;        // 0: no answer came
  int64_t retry_after_s = 0;  // what the receiver asked for; 0: nothing
  std::string problem;        // empty: it was taken
  int32_t duration_ms = 0;
};

class Post {
 public:
  Post(ledger::WebAddress address, PostOptions options);
  ~Post();

  // Blocks. Redirects are not followed; any 2xx is a success.
  Posted Send(const std::vector<std::pair<std::string, std::string>>& headers,
              const std::string& body);
  void Cancel();

 private:
  class Connection;

  const ledger::WebAddress address_;
  const PostOptions options_;
  const std::unique_ptr<Connection> connection_;
};

}  // namespace onhand::hooks

#endif  // ONHAND_SERVER_HOOKS_POST_H_
