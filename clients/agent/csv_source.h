// Reads the files of a drop folder, one after the other in the order they were taken, as movements
// or snapshots. Owned by main, used by the intake thread.
//
// Position: "csv:ORDINAL:RECORDS:HASH", the last taken file, how many of its records are told ("*":
// all) and its content. While a snapshot is under way it stays before its file, so that a new spool
// begins the snapshot anew.
#ifndef ONHAND_CLIENTS_AGENT_CSV_SOURCE_H_
#define ONHAND_CLIENTS_AGENT_CSV_SOURCE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/agent/drop_folder.h"
#include "clients/agent/source.h"
#include "clients/files/mapping.h"
#include "clients/files/rows.h"

namespace onhand::agent {

class CsvSource : public Source {
 public:
  CsvSource(std::unique_ptr<DropFolder> folder, files::Mapping mapping, absl::Duration poll);

  bool rereads() const override { return true; }
  absl::StatusOr<bool> Seek(const std::string& position) override;
  absl::StatusOr<Chunk> Read(int rows_max, absl::Duration wait) override;
  absl::Status Taken() override;

 private:
  // A file whose rows are being told.
  struct Current {
    TakenFile file;
    files::Export content;
    // Of content.rows.
    size_t next_row = 0;
  };

  // Opens the next file; false: there is none now. Rejected files are listed in `chunk`.
  absl::StatusOr<bool> OpenNext(Chunk& chunk);
  void SkipTold(Current& current) const;
  void TellMovements(int rows_max, Chunk& chunk);
  void TellSnapshot(int rows_max, Chunk& chunk);
  void FinishCurrent(Chunk& chunk);
  std::string PositionIn(const TakenFile& file, const std::string& records) const;

  std::unique_ptr<DropFolder> folder_;
  const files::Mapping mapping_;
  const absl::Duration poll_;
  uint64_t next_ordinal_ = 1;
  // Of the file at next_ordinal_: rows up to this record are told already.
  uint64_t records_told_ = 0;
  std::optional<Current> current_;
  std::vector<uint64_t> to_finish_;
  absl::Time looked_at_ = absl::InfinitePast();
};

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_CSV_SOURCE_H_
