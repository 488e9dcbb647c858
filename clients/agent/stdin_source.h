// Movements as JSON lines from standard input (or any file descriptor), one a line. What was read
// and not yet spooled when the agent is killed is gone: nothing can be read again. Owned by main,
// used by the intake thread.
//
// {"sku": "A1", "kind": "SALE", "quantity": 2, "occurred_at": "2026-03-31T14:05:00+02:00",
// "location_id": "S01"} The names are those of onhand.v1.Movement, in snake_case or camelCase.
// occurred_at may also be occurred_at_us; absent it is now. location_id may be absent if the agent
// has one location. A line {"known_through": TIME [, "location_id": ID]} tells that nothing earlier
// will come.
#ifndef ONHAND_CLIENTS_AGENT_STDIN_SOURCE_H_
#define ONHAND_CLIENTS_AGENT_STDIN_SOURCE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/agent/source.h"

namespace onhand::agent {

class StdinSource : public Source {
 public:
  // Times without an offset are in `zone`.
  StdinSource(int file, std::vector<std::string> locations, absl::TimeZone zone);

  bool rereads() const override { return false; }
  absl::StatusOr<bool> Seek(const std::string& position) override;
  absl::StatusOr<Chunk> Read(int rows_max, absl::Duration wait) override;
  absl::Status Taken() override { return absl::OkStatus(); }

 private:
  // Reads what is there; waits up to `wait` for it.
  absl::Status Fill(absl::Duration wait);
  // Reads on to the end of a line that is here only in part.
  void CompleteLine();
  bool TakeLine(std::string& line);
  void Tell(const std::string& line, Chunk& chunk);

  const int file_;
  const std::vector<std::string> locations_;
  const absl::TimeZone zone_;
  std::string buffer_;
  size_t told_bytes_ = 0;  // of buffer_
  uint64_t lines_ = 0;
  bool closed_ = false;
};

// What one line says: a movement, or known_through alone. INVALID_ARGUMENT names field, value and
// remedy.
absl::Status ParseJsonLine(const std::string& line, const std::vector<std::string>& locations,
                           absl::TimeZone zone, absl::Time now, v1::Batch& into);

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_STDIN_SOURCE_H_
