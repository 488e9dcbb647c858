// Everything that the demo starts and takes away again: a folder in the temporary directory, the
// hub on SQLite, one agent a store, and the catalog, channels and rules, which are set with the
// same commands that a manager would use. Owned by main and used by main's thread, except where a
// method says otherwise.
#ifndef ONHAND_TESTS_DEMO_STAGE_H_
#define ONHAND_TESTS_DEMO_STAGE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/connection.h"
#include "tests/demo/narrator.h"
#include "tests/demo/processes.h"

namespace onhand::demo {

struct Programs {
  std::string hub;
  std::string agent;
  std::string cli_folder;  // where `onhand` is
};

class Stage {
 public:
  // Makes the folder; nothing runs yet.
  static absl::StatusOr<std::unique_ptr<Stage>> Set(Programs programs);
  // Ends what runs and removes the folder.
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // Until it is ready; `scale` ledger seconds pass in a second.
  absl::Status StartHub(int64_t scale);
  absl::Status ImportChain();
  // Starts the agent of a store on its drop folder. The agent lives no longer than the calling
  // thread.
  absl::Status StartAgent(size_t store);
  // As if the store's machine lost its power.
  void KillAgent(size_t store);

  // Runs a command line as a person would type it in the folder, with `onhand` in the path and the
  // hub in ONHAND_HUB and its first token in ONHAND_TOKEN_FILE. Any thread.
  absl::StatusOr<Finished> Type(const std::string& command) const;
  // Types a command and tells it with its output. INTERNAL if it fails. Any thread.
  absl::Status Show(const std::string& command, Narrator& narrator) const;

  const std::string& folder() const { return folder_; }
  const std::string& hub() const { return hub_address_; }
  // What `whose` shows to the hub: `first` is an admin, stores have their agents'.
  std::string TokenFile(const std::string& whose) const;
  // How to reach the hub, as an admin, with calls that may take so long. Precondition: it is ready.
  client::ConnectionOptions connection(absl::Duration timeout = absl::Seconds(10)) const;
  std::string drop_folder() const { return folder_ + "/drop"; }
  // UNAVAILABLE if the hub has ended by itself. What it last said is in the message.
  absl::Status CheckHub();

 private:
  Stage(Programs programs, std::string folder);
  std::string HubLog() const;
  absl::Status TakeConnection();
  absl::Status MakeToken(const std::string& store_id) const;

  const Programs programs_;
  const std::string folder_;
  std::string hub_address_;
  client::ConnectionOptions connection_;
  Child hub_;
  std::vector<Child> agents_;  // of Stores(); each is used by one thread at a time
};

}  // namespace onhand::demo

#endif  // ONHAND_TESTS_DEMO_STAGE_H_
