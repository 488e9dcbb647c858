#include "clients/agent/spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace onhand::agent {
namespace {

constexpr int64_t kRejectedKept = 10'000;

int64_t RowsOf(const v1::Batch& batch) {
  int64_t rows = batch.movements_size();
  for (const v1::SnapshotPart& part : batch.snapshots()) rows += part.rows_size();
  return rows;
}

int64_t ToSigned(uint64_t hash) { return static_cast<int64_t>(hash); }

absl::StatusOr<int> LockFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (file < 0) {
    return absl::UnavailableError(
        absl::StrCat("spool: cannot make ", path, ": check --spool, its folder and its rights"));
  }
  if (flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  close(file);
  return absl::FailedPreconditionError(
      absl::StrCat("spool: another agent holds ", path, ": give each agent a --spool of its own"));
}

}  // namespace

std::string RandomId() {
  std::random_device device;
  std::string id;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&id, absl::Hex(device(), absl::kZeroPad8));
  return id;
}

std::vector<v1::Batch> CutBatch(const v1::Batch& batch, int rows_max) {
  std::vector<v1::Batch> cut(1);
  int room = rows_max;
  const auto next = [&] {
    if (room > 0) return;
    cut.emplace_back();
    room = rows_max;
  };
  for (const v1::Movement& movement : batch.movements()) {
    next();
    *cut.back().add_movements() = movement;
    --room;
  }
  for (const v1::SnapshotPart& part : batch.snapshots()) {
    next();
    v1::SnapshotPart* into = cut.back().add_snapshots();
    into->set_location_id(part.location_id());
    if (part.has_begin()) *into->mutable_begin() = part.begin();
    for (const v1::SnapshotRow& row : part.rows()) {
      if (room == 0) {
        next();
        into = cut.back().add_snapshots();
        into->set_location_id(part.location_id());
      }
      *into->add_rows() = row;
      --room;
    }
    if (part.has_end()) *into->mutable_end() = part.end();
  }
  *cut.back().mutable_orders_gone() = batch.orders_gone();
  *cut.back().mutable_known_through() = batch.known_through();
  cut.back().set_input_position(batch.input_position());
  return cut;
}

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(Options options) {
  const absl::StatusOr<int> lock = LockFile(options.path + ".lock");
  if (!lock.ok()) return lock.status();
  absl::StatusOr<std::unique_ptr<SpoolDatabase>> database = SpoolDatabase::Open(options.path);
  if (!database.ok()) {
    close(*lock);
    return database.status();
  }
  auto spool = std::unique_ptr<Spool>(new Spool(std::move(options), *std::move(database), *lock));
  absl::MutexLock locked(&spool->mu_);
  if (const auto status = spool->Load(); !status.ok()) return status;
  return spool;
}

Spool::Spool(Options options, std::unique_ptr<SpoolDatabase> database, int lock)
    : options_(std::move(options)), lock_(lock), database_(std::move(database)) {}

Spool::~Spool() {
  {
    absl::MutexLock locked(&mu_);
    if (!state_.spool_id.empty()) (void)WriteAcknowledged();
    database_.reset();
  }
  close(lock_);
}

absl::Status Spool::Create() {
  state_.spool_id = RandomId();
  state_.source_id = options_.source_id;
  return database_->Prepare("INSERT INTO spool VALUES(1, ?, ?, ?, 0, x'', 0, 0, 0, '', 0, '')")
      .BindText(state_.spool_id)
      .BindText(state_.source_id)
      .Bind(absl::ToUnixMicros(options_.clock()))
      .Run();
}

absl::Status Spool::Load() {
  {
    Query row = database_->Prepare(
        "SELECT spool_id, source_id, met_hub, base_position, acked_sequence, acked_hash, "
        "acked_at_us, "
        "last_error, last_error_at_us, stopped FROM spool");
    const absl::StatusOr<bool> found = row.Step();
    if (!found.ok()) return found.status();
    if (!*found) return Create();
    state_.spool_id = row.Bytes(0);
    state_.source_id = row.Bytes(1);
    state_.met_hub = row.Int(2) != 0;
    state_.base_position = state_.input_position = row.Bytes(3);
    state_.acked_sequence = static_cast<uint64_t>(row.Int(4));
    acked_hash_ = static_cast<uint64_t>(row.Int(5));
    state_.acked_at = absl::FromUnixMicros(row.Int(6));
    state_.last_error = row.Bytes(7);
    state_.last_error_at = absl::FromUnixMicros(row.Int(8));
    state_.stopped = row.Bytes(9);
  }
  if (state_.source_id != options_.source_id) {
    return absl::FailedPreconditionError(absl::StrCat(
        "spool ", options_.path, " belongs to source \"", state_.source_id, "\", not to \"",
        options_.source_id, "\": give each source a --spool of its own"));
  }
  state_.last_sequence = state_.acked_sequence;
  last_hash_ = acked_hash_;
  Query last = database_->Prepare(
      "SELECT sequence, hash, input_position, (SELECT SUM(LENGTH(bytes)) FROM batch) FROM batch "
      "ORDER BY sequence DESC LIMIT 1");
  const absl::StatusOr<bool> found = last.Step();
  if (!found.ok()) return found.status();
  if (*found) {
    state_.last_sequence = static_cast<uint64_t>(last.Int(0));
    last_hash_ = static_cast<uint64_t>(last.Int(1));
    state_.input_position = last.Bytes(2);
    bytes_ = last.Int(3);
  }
  return absl::OkStatus();
}

SpoolState Spool::state() const {
  absl::MutexLock locked(&mu_);
  return state_;
}

bool Spool::HasRoom() {
  absl::MutexLock locked(&mu_);
  if (bytes_ < options_.bytes_max) return true;
  // A disk error here shows itself again, with its message, at the next append.
  if (!WriteAcknowledged().ok() || !Prune(bytes_ - options_.bytes_max + 1).ok()) return false;
  return bytes_ < options_.bytes_max;
}

absl::StatusOr<uint64_t> Spool::Insert(v1::Batch& batch, uint64_t sequence, uint64_t hash_before) {
  batch.set_sequence(sequence);
  batch.clear_rolling_hash();
  const std::string content = batch.SerializeAsString();
  uint64_t hash = XXH64(content.data(), content.size(), hash_before);
  if (hash == 0) hash = 1;
  batch.set_rolling_hash(hash);
  const std::string bytes = batch.SerializeAsString();
  const absl::Status status = database_->Prepare("INSERT INTO batch VALUES(?, ?, ?, ?, ?, ?, NULL)")
                                  .Bind(static_cast<int64_t>(sequence))
                                  .Bind(ToSigned(hash))
                                  .BindBytes(bytes)
                                  .Bind(RowsOf(batch))
                                  .BindBytes(batch.input_position())
                                  .Bind(absl::ToUnixMicros(options_.clock()))
                                  .Run();
  if (!status.ok()) return status;
  return hash;
}

absl::Status Spool::InsertRejected(const std::vector<files::RejectedRow>& rejected) {
  for (const files::RejectedRow& row : rejected) {
    const absl::Status status =
        database_->Prepare("INSERT INTO rejected(at_us, place, content, reason) VALUES(?, ?, ?, ?)")
            .Bind(absl::ToUnixMicros(options_.clock()))
            .BindText(row.where)
            .BindText(row.content)
            .BindText(row.reason)
            .Run();
    if (!status.ok()) return status;
  }
  if (rejected.empty()) return absl::OkStatus();
  return database_->Prepare("DELETE FROM rejected WHERE id <= (SELECT MAX(id) FROM rejected) - ?")
      .Bind(kRejectedKept)
      .Run();
}

absl::Status Spool::Append(v1::Batch batch, const std::vector<files::RejectedRow>& rejected) {
  absl::MutexLock locked(&mu_);
  SpoolTransaction transaction(*database_);
  if (!transaction.status().ok()) return transaction.status();
  const uint64_t sequence = state_.last_sequence + 1;
  const absl::StatusOr<uint64_t> hash = Insert(batch, sequence, last_hash_);
  if (!hash.ok()) return hash.status();
  if (const auto status = InsertRejected(rejected); !status.ok()) return status;
  if (const auto status = transaction.Commit(); !status.ok()) return status;
  state_.last_sequence = sequence;
  state_.input_position = batch.input_position();
  last_hash_ = *hash;
  bytes_ += static_cast<int64_t>(batch.ByteSizeLong());
  return absl::OkStatus();
}

absl::Status Spool::List(const std::vector<files::RejectedRow>& rejected) {
  absl::MutexLock locked(&mu_);
  SpoolTransaction transaction(*database_);
  if (!transaction.status().ok()) return transaction.status();
  if (const auto status = InsertRejected(rejected); !status.ok()) return status;
  return transaction.Commit();
}

absl::StatusOr<v1::Batch> Spool::Load(uint64_t sequence) const {
  Query query = database_->Prepare("SELECT bytes FROM batch WHERE sequence = ?");
  const absl::StatusOr<bool> found = query.Bind(static_cast<int64_t>(sequence)).Step();
  if (!found.ok()) return found.status();
  if (!*found) {
    return absl::NotFoundError(absl::StrCat("spool: sequence ", sequence, " is no longer here"));
  }
  v1::Batch batch;
  if (!batch.ParseFromString(query.Bytes(0))) {
    return absl::DataLossError(absl::StrCat(
        "spool: sequence ", sequence,
        " is damaged: move the spool file away; a new one continues from what the hub has"));
  }
  return batch;
}

absl::StatusOr<v1::Batch> Spool::Get(uint64_t sequence) const {
  absl::MutexLock locked(&mu_);
  return Load(sequence);
}

absl::StatusOr<std::optional<uint64_t>> Spool::HashOf(uint64_t sequence) const {
  if (sequence == 0) return 0;
  if (sequence == state_.last_sequence) return last_hash_;
  Query query = database_->Prepare("SELECT hash FROM batch WHERE sequence = ?");
  const absl::StatusOr<bool> found = query.Bind(static_cast<int64_t>(sequence)).Step();
  if (!found.ok()) return found.status();
  if (!*found) return std::nullopt;
  return static_cast<uint64_t>(query.Int(0));
}

absl::StatusOr<std::optional<uint64_t>> Spool::HashAt(uint64_t sequence) const {
  absl::MutexLock locked(&mu_);
  return HashOf(sequence);
}

absl::StatusOr<int64_t> Spool::RowsMaxAfter(uint64_t sequence) const {
  absl::MutexLock locked(&mu_);
  Query query = database_->Prepare("SELECT COALESCE(MAX(rows), 0) FROM batch WHERE sequence > ?");
  const absl::StatusOr<bool> found = query.Bind(static_cast<int64_t>(sequence)).Step();
  if (!found.ok()) return found.status();
  return query.Int(0);
}

absl::Status Spool::Acknowledge(uint64_t sequence) {
  absl::MutexLock locked(&mu_);
  if (sequence == state_.acked_sequence) return absl::OkStatus();
  const absl::StatusOr<std::optional<uint64_t>> hash = HashOf(sequence);
  if (!hash.ok()) return hash.status();
  if (!*hash) {
    return absl::InternalError(absl::StrCat("the hub acknowledged sequence ", sequence,
                                            ", but this spool ends at ", state_.last_sequence,
                                            ": it will be compared again at the next connection"));
  }
  state_.acked_sequence = sequence;
  state_.acked_at = options_.clock();
  acked_hash_ = **hash;
  acked_unsaved_ = true;
  return absl::OkStatus();
}

absl::Status Spool::WriteAcknowledged() {
  if (!acked_unsaved_) return absl::OkStatus();
  SpoolTransaction transaction(*database_);
  if (!transaction.status().ok()) return transaction.status();
  const auto sequence = static_cast<int64_t>(state_.acked_sequence);
  const int64_t at_us = absl::ToUnixMicros(state_.acked_at);
  const absl::Status statuses[] = {
      database_->Prepare("UPDATE spool SET acked_sequence = ?, acked_hash = ?, acked_at_us = ?")
          .Bind(sequence)
          .Bind(ToSigned(acked_hash_))
          .Bind(at_us)
          .Run(),
      database_
          ->Prepare("UPDATE batch SET acked_at_us = ? WHERE sequence <= ? AND acked_at_us IS NULL")
          .Bind(at_us)
          .Bind(sequence)
          .Run(),
      database_
          ->Prepare("UPDATE batch SET acked_at_us = NULL WHERE sequence > ? AND acked_at_us > 0")
          .Bind(sequence)
          .Run(),
  };
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  if (const auto status = transaction.Commit(); !status.ok()) return status;
  acked_unsaved_ = false;
  return absl::OkStatus();
}

absl::Status Spool::SaveAcknowledged() {
  absl::MutexLock locked(&mu_);
  if (const auto status = WriteAcknowledged(); !status.ok()) return status;
  return Prune(0);
}

absl::Status Spool::Prune(int64_t over_bytes) {
  const int64_t too_old_us = absl::ToUnixMicros(options_.clock() - options_.keep_acked);
  int64_t last_to_drop = 0;
  int64_t freed = 0;
  {
    Query query = database_->Prepare(
        "SELECT sequence, LENGTH(bytes), acked_at_us FROM batch WHERE sequence < ? ORDER BY "
        "sequence");
    query.Bind(static_cast<int64_t>(state_.acked_sequence));
    for (;;) {
      const absl::StatusOr<bool> found = query.Step();
      if (!found.ok()) return found.status();
      const bool drop =
          *found && !query.IsNull(2) && (query.Int(2) < too_old_us || freed < over_bytes);
      if (!drop) break;
      last_to_drop = query.Int(0);
      freed += query.Int(1);
    }
  }
  if (last_to_drop == 0) return absl::OkStatus();
  const absl::Status status =
      database_->Prepare("DELETE FROM batch WHERE sequence <= ?").Bind(last_to_drop).Run();
  if (status.ok()) bytes_ -= freed;
  return status;
}

absl::Status Spool::MeetHub(const std::string& input_position) {
  absl::MutexLock locked(&mu_);
  const absl::Status status = database_->Prepare("UPDATE spool SET met_hub = 1, base_position = ?")
                                  .BindBytes(input_position)
                                  .Run();
  if (!status.ok()) return status;
  state_.met_hub = true;
  state_.base_position = input_position;
  if (state_.last_sequence == 0) state_.input_position = input_position;
  return absl::OkStatus();
}

absl::Status Spool::Renew(const std::string& input_position, std::optional<uint64_t> carry_from,
                          int rows_max) {
  absl::MutexLock locked(&mu_);
  std::vector<v1::Batch> carried;
  if (carry_from) {
    for (uint64_t sequence = *carry_from; sequence <= state_.last_sequence; ++sequence) {
      const absl::StatusOr<v1::Batch> batch = Load(sequence);
      // Acknowledged batches may be gone already; the hub that forgot them cannot get them from
      // here.
      if (absl::IsNotFound(batch.status())) continue;
      if (!batch.ok()) return batch.status();
      std::vector<v1::Batch> parts = CutBatch(*batch, rows_max);
      for (size_t i = 0; i + 1 < parts.size(); ++i) {
        parts[i].set_input_position(carried.empty() ? input_position
                                                    : carried.back().input_position());
      }
      std::move(parts.begin(), parts.end(), std::back_inserter(carried));
    }
  }
  const std::string spool_id = RandomId();
  SpoolTransaction transaction(*database_);
  if (!transaction.status().ok()) return transaction.status();
  const absl::Status statuses[] = {
      database_->Execute("DELETE FROM batch"),
      database_
          ->Prepare("UPDATE spool SET spool_id = ?, met_hub = 1, base_position = ?, "
                    "acked_sequence = 0, acked_hash = 0")
          .BindText(spool_id)
          .BindBytes(input_position)
          .Run(),
  };
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  std::string position = input_position;
  uint64_t sequence = 0, hash = 0;
  int64_t bytes = 0;
  for (v1::Batch& batch : carried) {
    const absl::StatusOr<uint64_t> inserted = Insert(batch, ++sequence, hash);
    if (!inserted.ok()) return inserted.status();
    hash = *inserted;
    bytes += static_cast<int64_t>(batch.ByteSizeLong());
    position = batch.input_position();
  }
  if (const auto status = transaction.Commit(); !status.ok()) return status;
  state_.spool_id = spool_id;
  state_.met_hub = true;
  state_.base_position = input_position;
  state_.last_sequence = sequence;
  state_.acked_sequence = 0;
  state_.input_position = position;
  last_hash_ = hash;
  acked_hash_ = 0;
  bytes_ = bytes;
  acked_unsaved_ = false;
  return absl::OkStatus();
}

absl::Status Spool::NoteError(const std::string& error) {
  absl::MutexLock locked(&mu_);
  state_.last_error = error;
  state_.last_error_at = options_.clock();
  return database_->Prepare("UPDATE spool SET last_error = ?, last_error_at_us = ?")
      .BindText(error)
      .Bind(absl::ToUnixMicros(state_.last_error_at))
      .Run();
}

absl::Status Spool::SetStopped(const std::string& reason) {
  absl::MutexLock locked(&mu_);
  state_.stopped = reason;
  return database_->Prepare("UPDATE spool SET stopped = ?").BindText(reason).Run();
}

}  // namespace onhand::agent
