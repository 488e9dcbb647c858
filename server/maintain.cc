#include "server/maintain.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "server/backup/backup.h"
#include "server/hub/clock.h"
#include "server/hub/hub.h"
#include "server/hub/image.h"
#include "server/rpc/time_zones.h"
#include "server/serve.h"
#include "spdlog/spdlog.h"
#include "storage/open.h"
#include "storage/url.h"

namespace onhand {
namespace {

// How much the journal holds.
struct JournalSize {
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

absl::StatusOr<JournalSize> SizeOf(storage::Journal& journal) {
  const absl::StatusOr<uint64_t> first = journal.FirstRevision();
  if (!first.ok()) return first.status();
  JournalSize size;
  absl::Status read = journal.Read(*first, [&](const storage::JournalRow& row) {
    ++size.rows;
    size.bytes += row.payload.size();
    return absl::OkStatus();
  });
  if (!read.ok()) return read;
  return size;
}

// By the way that a hub itself goes: it leads, so that another one steps down; it stops with an
// image; and what the tables for people still lack stays.
absl::Status TakeImageAndCompact(storage::Store& store) {
  const absl::StatusOr<storage::ProjectionHead> tables = store.projection().Head();
  if (!tables.ok()) return tables.status();
  const uint64_t projected = std::min(tables->through_revision, tables->movements_through_revision);
  hub::HubClock clock(1);
  hub::HubOptions options;
  options.version = kVersion;
  options.confirm_clock = true;  // it decides nothing
  options.offsets_of = rpc::OffsetsOf;
  // Without tables nothing is kept for them.
  options.journal_needed_above = [projected] { return projected == 0 ? UINT64_MAX : projected; };
  absl::StatusOr<std::unique_ptr<hub::Hub>> hub =
      hub::Hub::Start(&store, &clock, std::move(options));
  if (!hub.ok()) return hub.status();
  (*hub)->Stop(/*take_image=*/true);
  return (*hub)->health();
}

absl::StatusOr<std::string> PasswordOf(const StoreConfig& config) {
  if (config.password_file.empty()) return "";
  std::ifstream file(config.password_file);
  std::stringstream content;
  if (!file || !(content << file.rdbuf())) {
    return absl::InvalidArgumentError(
        absl::StrCat("--store-password-file '", config.password_file,
                     "' cannot be read; name a file that holds the password alone"));
  }
  return std::string(absl::StripSuffix(absl::StripSuffix(content.str(), "\n"), "\r"));
}

}  // namespace

int Fail(const absl::Status& status) {
  spdlog::error("{}", std::string(status.message()));
  return status.code() == absl::StatusCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

absl::Status CheckStore(const StoreConfig& config) {
  if (const auto url = storage::ParseStoreUrl(config.url); !url.ok()) return url.status();
  return PasswordOf(config).status();
}

absl::StatusOr<std::unique_ptr<storage::Store>> OpenStore(const StoreConfig& config) {
  const absl::StatusOr<std::string> password = PasswordOf(config);
  if (!password.ok()) return password.status();
  return storage::OpenStore(config.url, *password);
}

int Migrate(const StoreConfig& config) {
  const absl::StatusOr<std::unique_ptr<storage::Store>> store = OpenStore(config);
  if (!store.ok()) return Fail(store.status());
  const absl::StatusOr<std::vector<std::string>> applied = (*store)->Migrate();
  if (!applied.ok()) return Fail(applied.status());
  spdlog::info("{}", applied->empty() ? "the schema is up to date"
                                      : absl::StrCat("migrated: ", absl::StrJoin(*applied, ", ")));
  return kExitDone;
}

int Verify(const StoreConfig& config) {
  const absl::StatusOr<std::unique_ptr<storage::Store>> store = OpenStore(config);
  if (!store.ok()) return Fail(store.status());
  if (absl::Status checked = (*store)->CheckSchema(); !checked.ok()) return Fail(checked);
  const absl::StatusOr<hub::VerifiedImage> verified =
      hub::VerifyImage((*store)->images(), (*store)->journal(), ledger::Settings());
  if (!verified.ok()) return Fail(verified.status());
  if (verified->whole) {
    spdlog::info("the newest image is what the journal says, byte for byte");
  } else {
    spdlog::info(
        "the newest image (revision {}) is of format {}, written by an older version: its stock is "
        "what the journal says; the rest can be compared once this version has written one",
        verified->revision, verified->format);
  }
  return kExitDone;
}

int Backup(const StoreConfig& config, const std::string& to) {
  const absl::StatusOr<std::unique_ptr<storage::Store>> store = OpenStore(config);
  if (!store.ok()) return Fail(store.status());
  const absl::StatusOr<backup::Summary> written = backup::Write(**store, kVersion, to);
  if (!written.ok()) return Fail(written.status());
  spdlog::info("{} holds journal {} up to revision {}: {} images, {} rows, {} bytes", to,
               written->journal_id, written->revision, written->images, written->rows,
               written->bytes);
  return kExitDone;
}

int Restore(const StoreConfig& config, const std::string& from) {
  const absl::StatusOr<std::unique_ptr<storage::StoreLock>> lock =
      storage::StoreLock::Take(config.url);
  if (!lock.ok()) return Fail(lock.status());
  const absl::StatusOr<std::unique_ptr<storage::Store>> store = OpenStore(config);
  if (!store.ok()) return Fail(store.status());
  const absl::StatusOr<backup::Summary> restored =
      backup::Restore(from, ledger::Settings(), **store);
  if (!restored.ok()) return Fail(restored.status());
  const absl::StatusOr<std::string> journal_id = (*store)->JournalId();
  if (!journal_id.ok()) return Fail(journal_id.status());
  spdlog::info("restored up to revision {}, {} rows; the journal's name was {} and is {} now",
               restored->revision, restored->rows, restored->journal_id, *journal_id);
  return kExitDone;
}

int Compact(const StoreConfig& config) {
  const absl::StatusOr<std::unique_ptr<storage::StoreLock>> lock =
      storage::StoreLock::Take(config.url);
  if (!lock.ok()) return Fail(lock.status());
  const absl::StatusOr<std::unique_ptr<storage::Store>> store = OpenStore(config);
  if (!store.ok()) return Fail(store.status());
  if (absl::Status checked = (*store)->CheckSchema(); !checked.ok()) return Fail(checked);
  const absl::StatusOr<JournalSize> before = SizeOf((*store)->journal());
  if (!before.ok()) return Fail(before.status());
  // The second image makes the first one the older: rows up to there go.
  for (int image = 0; image < 2; ++image) {
    if (absl::Status compacted = TakeImageAndCompact(**store); !compacted.ok()) {
      return Fail(compacted);
    }
  }
  if (absl::Status shrunk = (*store)->Shrink(); !shrunk.ok()) return Fail(shrunk);
  const absl::StatusOr<JournalSize> after = SizeOf((*store)->journal());
  if (!after.ok()) return Fail(after.status());
  spdlog::info("the journal had {} rows of {} bytes, and has {} of {} bytes", before->rows,
               before->bytes, after->rows, after->bytes);
  return kExitDone;
}

}  // namespace onhand
