#include "server/gateway/file_door.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "server/gateway/connect_error.h"
#include "server/gateway/file_answer.h"
#include "server/gateway/file_mapping.h"
#include "server/ledger/refusal.h"
#include "server/ledger/validate.h"

namespace onhand::gateway {
namespace {

constexpr char kPrefix[] = "/v1/locations/";
constexpr char kMiddle[] = "/files/";
constexpr size_t kRowsABatch = 5'000;
constexpr size_t kLabelBytesMax = 255;
constexpr absl::Duration kTurnWithin = absl::Seconds(10);
constexpr absl::Duration kVerdictWithin = absl::Seconds(5);

// Calls `start` with a callback, and waits for what that is told.
template <class Result, class Start>
absl::StatusOr<Result> Await(Start&& start) {
  absl::StatusOr<Result> result = absl::InternalError("nothing was told");
  absl::Notification told;
  start([&](absl::StatusOr<Result> outcome) {
    result = std::move(outcome);
    told.Notify();
  });
  told.WaitForNotification();
  return result;
}

// A refusal of a file as a whole begins with its reason: `UNKNOWN_COLUMNS: ...`.
absl::Status FileRefused(const std::string& name, absl::string_view message) {
  const size_t colon = message.find(": ");
  if (colon == absl::string_view::npos) return absl::InvalidArgumentError(message);
  return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                        {.reason = message.substr(0, colon),
                         .field = "file",
                         .value = name,
                         .problem = std::string(message.substr(colon + 2)),
                         .remedy = "nothing of it was taken"});
}

// When the till wrote the file, if the sender says so.
absl::StatusOr<std::optional<absl::Time>> ModifiedOf(const HttpRequest& request) {
  const auto at = request.query.find("modified");
  if (at == request.query.end()) return std::nullopt;
  absl::Time modified;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, at->second, &modified, &error)) {
    return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                          {.reason = "INVALID_TIME",
                           .field = "modified",
                           .value = at->second,
                           .problem = "is not a moment",
                           .remedy = "write it as 2026-11-26T18:30:00+01:00"});
  }
  return std::optional<absl::Time>(modified);
}

// What makes a file the same: its name, its content, and how it is to be read.
uint64_t ContentOf(const std::string& name, const HttpRequest& request, const std::string& bytes) {
  std::string text = name;
  for (const auto& [key, value] : request.query) absl::StrAppend(&text, "\n", key, "=", value);
  absl::StrAppend(&text, "\n\n", bytes);
  return XXH64(text.data(), text.size(), 0);
}

// Moves what a till says onto a clock that runs faster, as the agent does.
void MoveOnto(const hub::ClockScale& scale, files::Export* file) {
  if (scale.factor == 1) return;
  const auto moved = [&](int64_t us) {
    return scale.began_us + (us - scale.began_us) * scale.factor;
  };
  for (files::ReadRow& row : file->rows) {
    row.movement.set_occurred_at_us(moved(row.movement.occurred_at_us()));
  }
  for (auto* moments : {&file->as_of, &file->known_through}) {
    for (auto& [location, at] : *moments) {
      at = absl::FromUnixMicros(moved(absl::ToUnixMicros(at)));
    }
  }
}

// Rows [first, end) of a file, with what the first and the last ones say beside.
v1::Batch BatchOf(const files::Export& file, const std::string& name, size_t first, size_t end) {
  v1::Batch batch;
  const bool is_last = end == file.rows.size();
  if (file.layout.IsSnapshot()) {
    v1::SnapshotPart& part = *batch.add_snapshots();
    if (first == 0) {
      part.mutable_begin()->set_as_of_us(absl::ToUnixMicros(file.as_of.begin()->second));
      part.mutable_begin()->set_label(name.substr(0, kLabelBytesMax));
    }
    for (size_t i = first; i < end; ++i) {
      v1::SnapshotRow& row = *part.add_rows();
      row.set_sku(file.rows[i].movement.sku());
      row.set_quantity(file.rows[i].movement.quantity());
    }
    if (is_last) {
      part.mutable_end()->set_row_count(file.rows.size());
      part.mutable_end()->set_complete(file.complete);
    }
  } else {
    for (size_t i = first; i < end; ++i) *batch.add_movements() = file.rows[i].movement;
  }
  if (!is_last) return batch;
  for (const auto& [location, at] : file.known_through) {
    batch.add_known_through()->set_at_us(absl::ToUnixMicros(at));
  }
  return batch;
}

}  // namespace

bool FileDoor::Covers(const std::string& path) {
  return absl::StartsWith(path, kPrefix) && absl::StrContains(path, kMiddle);
}

// A location's id may hold the middle too; a file's name does not.
std::string FileDoor::LocationIn(const std::string& path) {
  const std::string rest = path.substr(sizeof(kPrefix) - 1);
  return rest.substr(0, rest.rfind(kMiddle));
}

absl::StatusOr<FileDoor::Place> FileDoor::FindPlace(const std::string& location_id) const {
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::StatusOr<Place> {
    const ledger::State& state = ledger.state();
    const absl::StatusOr<uint32_t> location =
        ledger::FindLocation(state, "location_id", location_id);
    if (!location.ok()) return location.status();
    Place place{.id = location_id,
                .location = *location,
                .time_zone = state.locations.Find(*location)->time_zone(),
                .source_id = absl::StrCat("files@", location_id)};
    if (place.time_zone.empty()) place.time_zone = "UTC";
    if (const uint32_t* source = state.source_ids.Find(place.source_id)) {
      place.declared_kinds = state.sources.Find(*source)->opened.declared_kinds();
    }
    return place;
  });
}

HttpResponse FileDoor::Put(HttpRequest& request) {
  const std::string name = request.path.substr(request.path.rfind(kMiddle) + sizeof(kMiddle) - 1);
  const absl::StatusOr<Place> place = FindPlace(LocationIn(request.path));
  if (!place.ok()) return Refused(place.status());
  const absl::StatusOr<std::optional<absl::Time>> modified = ModifiedOf(request);
  if (!modified.ok()) return Refused(modified.status());
  absl::StatusOr<std::string> bytes = request.ReadBody(kFileBytesMax);
  if (!bytes.ok()) return Refused(bytes.status());
  const uint64_t content = ContentOf(name, request, *bytes);
  request.query.erase("modified");
  const absl::StatusOr<files::Mapping> mapping = MappingOf(request.query, place->time_zone);
  if (!mapping.ok()) return Refused(mapping.status());

  const auto free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !taking_; };
  {
    absl::MutexLock lock(&mutex_);
    if (!mutex_.AwaitWithTimeout(absl::Condition(&free), kTurnWithin)) {
      return Refused(ledger::Refuse(absl::StatusCode::kResourceExhausted,
                                    {.reason = "FILES_IN_FLIGHT",
                                     .field = "file",
                                     .value = name,
                                     .problem = "must wait: others are being taken",
                                     .remedy = "send it again in a moment"}));
    }
    taking_ = true;
  }
  const absl::Cleanup done = [this] {
    absl::MutexLock lock(&mutex_);
    taking_ = false;
  };

  const TakenFiles memory = MemoryOf(*place);
  const TakenFile* before = memory.Find(content);
  const absl::Time now = absl::Now();
  // Retried, it is the file that it was when it came first.
  TakenFile taken{.content = content, .taken_us = absl::ToUnixMicros(now)};
  if (before != nullptr) taken = *before;
  const auto read = [&] {
    return files::ReadExport(
        {name, *bytes, modified->value_or(absl::FromUnixMicros(taken.taken_us))}, *mapping,
        {place->id, {place->id}});
  };
  absl::StatusOr<files::Export> file = read();
  if (before != nullptr && file.ok() && file->layout.IsSnapshot() &&
      now - absl::FromUnixMicros(before->taken_us) > kSameSnapshotWithin) {
    taken = {.content = content, .taken_us = absl::ToUnixMicros(now)};
    file = read();
  }
  if (!file.ok()) return Refused(FileRefused(name, file.status().message()));
  MoveOnto(hub_->clock_scale(), &*file);

  Told told{.file = taken, .already = taken.records_told == TakenFile::kAllRecords};
  // Of older ones only the content is known.
  if (memory.IsOld(content) && !file->layout.IsSnapshot()) told.already = true;
  if (!told.already) {
    if (absl::Status status = Tell(*place, name, *file, memory, &told); !status.ok()) {
      return Refused(status);
    }
  }

  FileAnswer answer(place->id, name, *file);
  answer.SetTold(told.already, told.file.revision, told.file.refused, told.problems);
  bool waits = false;
  if (file->layout.IsSnapshot()) {
    const Verdict verdict = VerdictOf(*place, told.file);
    waits = verdict.state != absl::string_view("ACCEPTED");
    answer.SetVerdict(verdict.state, verdict.quarantine_id, verdict.reason, verdict.message);
  }
  HttpResponse response{.status = waits ? 202 : 200, .content_type = "application/json"};
  response.body = answer.ToJson();
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

v1::Hello FileDoor::HelloOf(const Place& place, const files::Export& file) const {
  v1::Hello hello;
  hello.set_source_id(place.source_id);
  hello.set_spool_id("door");
  hello.add_location_ids(place.id);
  hello.set_agent("file door");
  // A source is what it was ever sent: where only stock comes, the hub infers the sales, and where
  // sales come too it does not.
  if (file.layout.Has(files::Field::kKind) || place.declared_kinds == 0u) return hello;
  uint32_t kinds = place.declared_kinds.value_or(0) | 1u << file.layout.kind;
  if (file.layout.kind == v1::MOVEMENT_KIND_SALE) kinds |= 1u << v1::MOVEMENT_KIND_RETURN;
  for (int kind = 0; kind < 32; ++kind) {
    if ((kinds >> kind & 1) != 0) hello.add_declared_kinds(static_cast<v1::MovementKind>(kind));
  }
  return hello;
}

TakenFiles FileDoor::MemoryOf(const Place& place) const {
  return hub_->Read([&](const ledger::Ledger& ledger) {
    const uint32_t* source = ledger.state().source_ids.Find(place.source_id);
    if (source == nullptr) return TakenFiles();
    return TakenFiles::Parse(ledger.state().sources.Find(*source)->input_position);
  });
}

absl::Status FileDoor::Tell(const Place& place, const std::string& name, const files::Export& file,
                            TakenFiles memory, Told* told) {
  const v1::Hello hello = HelloOf(place, file);
  const auto opened =
      Await<ledger::OpenedSource>([&](auto done) { hub_->OpenSource(hello, std::move(done)); });
  if (!opened.ok()) return opened.status();
  const auto report = [&](const v1::Batch& batch) {
    return Await<hub::ReportResult>([&](auto done) {
      hub_->SubmitReport({.source = opened->source,
                          .spool = opened->spool,
                          .clock_correction_us = opened->clock_correction_us,
                          .batch = &batch,
                          .done = std::move(done)});
    });
  };

  const std::vector<files::ReadRow>& rows = file.rows;
  uint64_t sequence = opened->durable_sequence;
  size_t next = 0;
  if (file.layout.IsSnapshot()) told->file.records_told = 0;  // one that broke off begins anew
  while (next < rows.size() && rows[next].record <= told->file.records_told) ++next;
  if (next == 0) told->file.sequence = sequence + 1;
  v1::Batch batch;
  do {
    const size_t first = next;
    next = std::min(rows.size(), first + kRowsABatch);
    batch = BatchOf(file, name, first, next);
    batch.set_sequence(++sequence);
    told->file.records_told =
        next == rows.size() ? TakenFile::kAllRecords : static_cast<uint32_t>(rows[next - 1].record);
    memory.Put(told->file);
    batch.set_input_position(memory.ToPosition());
    absl::StatusOr<hub::ReportResult> result = report(batch);
    if (!result.ok()) return result.status();
    told->file.revision = result->revision;
    for (v1::RowProblem& problem : result->decision.problems) {
      ++told->file.refused;
      problem.set_row(static_cast<uint32_t>(rows[first + problem.row()].line));
      told->problems.push_back(std::move(problem));
    }
  } while (next < rows.size());

  // A batch cannot hold what became of it. Without this one the file is known to be told all the
  // same.
  batch.Clear();
  batch.set_sequence(++sequence);
  memory.Put(told->file);
  batch.set_input_position(memory.ToPosition());
  report(batch).IgnoreError();
  return absl::OkStatus();
}

FileDoor::Verdict FileDoor::VerdictOf(const Place& place, const TakenFile& file) const {
  const absl::Time deadline = absl::Now() + kVerdictWithin;
  for (;;) {
    const std::optional<Verdict> verdict =
        hub_->Read([&](const ledger::Ledger& ledger) -> std::optional<Verdict> {
          const ledger::State& state = ledger.state();
          const uint32_t* source = state.source_ids.Find(place.source_id);
          const ledger::Staging* staging =
              source == nullptr
                  ? nullptr
                  : state.staging.Find(ledger::SourceLocation{*source, place.location});
          // Done with, or a later one has come.
          if (staging == nullptr || staging->begun.sequence() != file.sequence) return Verdict();
          if (staging->phase == ledger::Staging::Phase::kApplying) return Verdict();
          if (staging->phase != ledger::Staging::Phase::kQuarantined) return std::nullopt;
          Verdict waits{.state = "QUARANTINED", .quarantine_id = staging->quarantine_id};
          if (const auto* entry = state.quarantine.Find(staging->quarantine_id)) {
            waits.reason = entry->reason();
            waits.message = entry->message();
          }
          return waits;
        });
    if (verdict.has_value()) return *verdict;
    if (absl::Now() > deadline) return {.state = "JUDGING"};
    absl::SleepFor(absl::Milliseconds(5));
  }
}

}  // namespace onhand::gateway
