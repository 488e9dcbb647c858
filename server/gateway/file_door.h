// The file door: PUT /v1/locations/{id}/files/{name} with an export as the body, so that a
// scheduled task with curl on a till is a whole integration. A file is read as the store agent
// reads one from its folder and told to the hub by a source of its own, files@{id}. Owned by the
// gateway; any thread, one file at a time.
#ifndef ONHAND_SERVER_GATEWAY_FILE_DOOR_H_
#define ONHAND_SERVER_GATEWAY_FILE_DOOR_H_

#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/files/rows.h"
#include "server/gateway/http_server.h"
#include "server/gateway/taken_files.h"
#include "server/hub/hub.h"

namespace onhand::gateway {

class FileDoor {
 public:
  static constexpr size_t kFileBytesMax = 4 << 20;  // without gzip
  // A snapshot of the same content so much later is another one: nothing was sold, and the numbers
  // are fresh again.
  static constexpr absl::Duration kSameSnapshotWithin = absl::Minutes(10);

  // The hub outlives the door.
  explicit FileDoor(hub::Hub* hub) : hub_(hub) {}

  // Whether a path is of this door.
  static bool Covers(const std::string& path);
  // The location in such a path.
  static std::string LocationIn(const std::string& path);

  // Takes a file and answers with what became of it (README). The same file again changes nothing
  // and is answered with the same. 200: it is in the numbers. 202: it waits, for the hub's
  // judgement or a person's. 400: it was refused as a whole (UNKNOWN_COLUMNS, SNAPSHOT_TRUNCATED
  // ... as in clients/files/rows.h, INVALID_MAPPING, INVALID_TIME).
  HttpResponse Put(HttpRequest& request);

 private:
  struct Place {
    std::string id;
    uint32_t location = 0;  // dense id
    std::string time_zone;
    std::string source_id;
    std::optional<uint32_t> declared_kinds;  // of the source; bit k: kind k
  };
  struct Told {
    TakenFile file;
    std::vector<v1::RowProblem> problems;  // `row` is the line of the file
    bool already = false;
  };
  // How a snapshot was judged.
  struct Verdict {
    const char* state = "ACCEPTED";
    uint64_t quarantine_id = 0;
    std::string reason;
    std::string message;
  };

  absl::StatusOr<Place> FindPlace(const std::string& location_id) const;
  // What was taken before. The caller has the turn.
  TakenFiles MemoryOf(const Place& place) const;
  // Tells what `told->file` says is not told yet.
  absl::Status Tell(const Place& place, const std::string& name, const files::Export& file,
                    TakenFiles memory, Told* told);
  v1::Hello HelloOf(const Place& place, const files::Export& file) const;
  // Waits a while for it.
  Verdict VerdictOf(const Place& place, const TakenFile& file) const;

  hub::Hub* const hub_;
  absl::Mutex mutex_;
  bool taking_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_FILE_DOOR_H_
