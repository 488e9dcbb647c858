// `onhand rule export` and `onhand rule apply`: all rules of the chain as one file, and back.
#ifndef ONHAND_CLIENTS_CLI_RULE_APPLY_H_
#define ONHAND_CLIENTS_CLI_RULE_APPLY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/rule_files.h"
#include "clients/cli/rules.h"
#include "clients/cli/session.h"
#include "onhand/v1/rules.pb.h"

namespace onhand::cli {

struct ExportOptions {
  std::string path;    // empty: standard output
  std::string format;  // yaml or csv; empty: by the path's suffix, or yaml
};
absl::Status ExportRules(Session& session, const ExportOptions& options);

struct ApplyOptions {
  std::string path;
  bool prune = false;  // also ends rules that the file does not hold
  bool dry_run = false;
  RuleChangeOptions change;
};
absl::Status ApplyRules(Session& session, const ApplyOptions& options);

// What makes the hub's rules those of a file.
struct RuleFileChanges {
  // Changes with the etags of the rules as they were read; nothing else is filled in.
  v1::BatchChangeRulesRequest request;
  // One a change: what is there now (nothing for a new rule) and what the file says (nothing for a
  // rule that ends).
  struct Change {
    v1::Rule before;
    WrittenRule after;
  };
  std::vector<Change> changes;
  size_t unchanged_count = 0;
  size_t unlisted_count = 0;  // rules that the file does not hold and that stay
  RuleWords words;
};
absl::StatusOr<RuleFileChanges> ChangesOfFile(Session& session, const std::string& path,
                                              bool prune);

// A refusal of such changes, with the line of the file that it is about, in the file's words.
absl::Status RefusedOfFile(const std::string& path, const RuleFileChanges& changes,
                           const absl::Status& status);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_RULE_APPLY_H_
