// How the three programs log: lines on stderr, for people or, as JSON, for machines. Any thread,
// once the log is set up.
#ifndef ONHAND_PROTO_PROGRAM_LOG_H_
#define ONHAND_PROTO_PROGRAM_LOG_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "spdlog/common.h"

namespace onhand::program {

// What --log-format and --log-level take.
inline std::vector<std::string> LogFormats() { return {"text", "json"}; }
inline std::vector<std::string> LogLevels() { return {"error", "warn", "info", "debug"}; }

struct LogOptions {
  std::string format = "text";
  std::string level = "info";
};

// Makes spdlog's default logger one of this name. Text: `[date time] [name] [level] message
// key=value`, local time. JSON: an object a line with `time` (RFC 3339, UTC, microseconds),
// `level`, `logger`, `message`, and the fields as strings. Called at the start, and again once the
// options are known; not beside other threads.
void SetUpLog(const std::string& name, const LogOptions& options);

// One line with fields. For what strangers wrote: no control character gets through.
void Log(spdlog::level::level_enum level, absl::string_view message,
         const std::vector<std::pair<absl::string_view, std::string>>& fields);

}  // namespace onhand::program

#endif  // ONHAND_PROTO_PROGRAM_LOG_H_
