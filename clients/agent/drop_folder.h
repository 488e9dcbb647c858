// The folders into which tills drop their exports, and the order in which files were taken from
// them. Owned by a CsvSource; the intake thread only.
//
// A complete file is claimed by moving it to taking/, under the next ordinal of the source, its
// content's XXH64 and its name: `taking/0000000012.89abcdef01234567.sales.csv`. Once its rows are
// in the spool it moves to done/, so taking/ and done/ together are the durable order of everything
// that was ever read, and a position in it is small. A file that cannot be read goes to rejected/
// with a .reason beside it.
#ifndef ONHAND_CLIENTS_AGENT_DROP_FOLDER_H_
#define ONHAND_CLIENTS_AGENT_DROP_FOLDER_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/agent/source.h"

namespace onhand::agent {

struct TakenFile {
  uint64_t ordinal = 0;
  uint64_t content_hash = 0;
  // As the till named it.
  std::string name;
  // The location whose folder it was dropped in; empty if the folder serves several.
  std::string location;
  // Where it is now, in taking/ or done/.
  std::filesystem::path path;
};

class DropFolder {
 public:
  struct Options {
    std::string directory;
    // Empty: every subfolder is a location. Otherwise a location with a subfolder of its name has
    // its own; the others share the directory itself.
    std::vector<std::string> locations;
    // A file is complete when two looks this far apart saw the same size and modification time.
    absl::Duration poll = absl::Seconds(2);
  };

  // NOT_FOUND: no such directory. INVALID_ARGUMENT: neither locations nor subfolders.
  static absl::StatusOr<std::unique_ptr<DropFolder>> Open(Options options);
  ~DropFolder();
  DropFolder(const DropFolder&) = delete;
  DropFolder& operator=(const DropFolder&) = delete;

  const std::vector<std::string>& locations() const { return locations_; }

  // Claims what is complete, oldest first. False: files were seen that are not complete yet.
  absl::StatusOr<bool> Look(absl::Time now);

  // Returns when something changed in a folder (inotify) or after `wait`; network drives only have
  // the latter.
  void WaitForChange(absl::Duration wait);

  // The first claimed or finished file at or behind `ordinal`.
  std::optional<TakenFile> FirstFrom(uint64_t ordinal) const;
  // The newest file with this content.
  std::optional<TakenFile> WithContent(uint64_t content_hash) const;
  // A file of the same name, location and content that was taken before `file`.
  std::optional<TakenFile> EarlierCopy(const TakenFile& file) const;

  // Files claimed from now on get ordinals above `ordinal`.
  void RaiseOrdinal(uint64_t ordinal);

  // taking/ -> done/; nothing happens to a file that is there already.
  absl::Status Finish(uint64_t ordinal);
  // -> rejected/, with the reason beside it.
  absl::Status Reject(uint64_t ordinal, const std::string& reason);
  // Writes rejected/NAME.rejected.csv, replacing an earlier one.
  absl::Status ListRejectedRows(const TakenFile& file,
                                const std::vector<files::RejectedRow>& rows) const;

 private:
  struct Folder {
    std::filesystem::path path;
    std::string location;
  };
  struct Seen {
    uintmax_t size = 0;
    std::filesystem::file_time_type modified;
    absl::Time first_seen;
  };
  struct Candidate {
    std::filesystem::path path;
    const Folder* folder = nullptr;
    std::filesystem::file_time_type modified;
    bool marked_done = false;
  };

  DropFolder(Options options, std::vector<Folder> folders, std::vector<std::string> locations);
  absl::Status Prepare();
  void Remember(const Folder& folder, const std::filesystem::path& path);
  absl::StatusOr<std::vector<Candidate>> FindCandidates(absl::Time now, bool& all_complete);
  absl::Status Claim(const Candidate& candidate);
  const Folder& FolderOf(const TakenFile& file) const;

  const Options options_;
  const std::vector<Folder> folders_;
  const std::vector<std::string> locations_;
  int inotify_ = -1;
  uint64_t last_ordinal_ = 0;
  std::map<uint64_t, TakenFile> files_;
  std::map<std::filesystem::path, Seen> seen_;
  // Named once in the log, not at every look.
  std::set<std::filesystem::path> unreadable_;
};

// Reads a whole file; NOT_FOUND or PERMISSION_DENIED as the system says, RESOURCE_EXHAUSTED above
// 512 MiB.
absl::StatusOr<std::string> ReadWholeFile(const std::filesystem::path& path);

// The file's modification time.
absl::StatusOr<absl::Time> ModifiedAt(const std::filesystem::path& path);

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_DROP_FOLDER_H_
