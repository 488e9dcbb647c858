// `onhand token create|list|revoke`: who may call the hub.
#ifndef ONHAND_CLIENTS_CLI_TOKENS_H_
#define ONHAND_CLIENTS_CLI_TOKENS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

struct TokenOptions {
  std::string principal;
  std::string role;
  std::vector<std::string> location_ids;
  int days = 365;
  std::string out_file;  // where the text is kept; empty: it is printed
  std::string token_id;
  std::string author;
  std::string reason;
};
absl::Status CreateToken(Session& session, const TokenOptions& options);
absl::Status ListTokens(Session& session);
absl::Status RevokeToken(Session& session, const TokenOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_TOKENS_H_
