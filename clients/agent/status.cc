#include "clients/agent/status.h"

#include <nlohmann/json.hpp>

#include "clients/agent/spool_database.h"

namespace onhand::agent {
namespace {

// Keys stay in the order they are written.
using Json = nlohmann::ordered_json;

Json Moment(int64_t at_us) {
  if (at_us == 0) return nullptr;
  return absl::FormatTime(absl::RFC3339_sec, absl::FromUnixMicros(at_us), absl::UTCTimeZone());
}

absl::Status ReadSpool(SpoolDatabase& database, Json& status) {
  Query row = database.Prepare(
      "SELECT source_id, spool_id, acked_sequence, acked_at_us, last_error, last_error_at_us, "
      "stopped, "
      "created_at_us FROM spool");
  const absl::StatusOr<bool> found = row.Step();
  if (!found.ok()) return found.status();
  if (!*found) return absl::NotFoundError("spool: it is empty: start the agent first");
  const std::string stopped = row.Bytes(6);
  status["state"] = stopped.empty() ? "working" : "stopped";
  if (!stopped.empty()) status["stopped"] = stopped;
  status["source_id"] = row.Bytes(0);
  status["spool_id"] = row.Bytes(1);
  status["created_at"] = Moment(row.Int(7));
  status["acked_sequence"] = row.Int(2);
  status["last_ack_at"] = Moment(row.Int(3));
  status["last_error"] = row.Bytes(4);
  status["last_error_at"] = Moment(row.Int(5));
  return absl::OkStatus();
}

absl::Status ReadBatches(SpoolDatabase& database, absl::Time now, Json& status) {
  Query row = database.Prepare(
      "SELECT MAX(acked_sequence, COALESCE((SELECT MAX(sequence) FROM batch), 0)), "
      "COUNT(sequence), "
      "COALESCE(SUM(rows), 0), MIN(appended_at_us), COALESCE((SELECT SUM(LENGTH(bytes)) FROM "
      "batch), 0) "
      "FROM spool LEFT JOIN batch ON sequence > acked_sequence");
  const absl::StatusOr<bool> found = row.Step();
  if (!found.ok()) return found.status();
  status["last_sequence"] = row.Int(0);
  status["waiting_batches"] = row.Int(1);
  status["waiting_rows"] = row.Int(2);
  status["lag_seconds"] =
      row.IsNull(3) ? 0 : absl::ToInt64Seconds(now - absl::FromUnixMicros(row.Int(3)));
  status["spool_bytes"] = row.Int(4);
  return absl::OkStatus();
}

absl::Status ReadRejected(SpoolDatabase& database, Json& status) {
  Query count = database.Prepare("SELECT COUNT(*) FROM rejected");
  if (const auto found = count.Step(); !found.ok()) return found.status();
  status["rejected_rows"] = count.Int(0);
  Query newest = database.Prepare("SELECT place, reason FROM rejected ORDER BY id DESC LIMIT 1");
  const absl::StatusOr<bool> found = newest.Step();
  if (!found.ok()) return found.status();
  if (*found) status["newest_rejected"] = newest.Bytes(0) + ": " + newest.Bytes(1);
  return absl::OkStatus();
}

}  // namespace

absl::Status PrintStatus(const std::string& spool_path, absl::Time now, bool json,
                         std::ostream& out) {
  const auto database = SpoolDatabase::OpenToRead(spool_path);
  if (!database.ok()) return database.status();
  Json status;
  if (const auto read = ReadSpool(**database, status); !read.ok()) return read;
  if (const auto read = ReadBatches(**database, now, status); !read.ok()) return read;
  if (const auto read = ReadRejected(**database, status); !read.ok()) return read;
  if (json) {
    // File names and rows may hold anything; replacing what is not UTF-8 keeps the object readable.
    out << status.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    return absl::OkStatus();
  }
  for (const auto& [name, value] : status.items()) {
    out << name << ": "
        << (value.is_null()     ? "never"
            : value.is_string() ? value.get<std::string>()
                                : value.dump())
        << "\n";
  }
  return absl::OkStatus();
}

}  // namespace onhand::agent
