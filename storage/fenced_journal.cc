#include "storage/fenced_journal.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace onhand::storage {
namespace {

// Rows deleted in one transaction: an append waits at most for one of them.
constexpr uint64_t kCompactRowsMax = 256;

void CheckAppendable(const JournalHead& head, const JournalRow& row) {
  if (row.revision != head.revision + 1 || row.chain != ChainAfter(head.chain, row)) {
    std::fprintf(
        stderr, "journal: row %llu with chain %llx does not build on head %llu with chain %llx\n",
        static_cast<unsigned long long>(row.revision), static_cast<unsigned long long>(row.chain),
        static_cast<unsigned long long>(head.revision),
        static_cast<unsigned long long>(head.chain));
    std::abort();
  }
  if (row.payload.size() > Journal::kPayloadBytesMax) {
    std::fprintf(stderr, "journal: row %llu has %zu bytes, more than %zu\n",
                 static_cast<unsigned long long>(row.revision), row.payload.size(),
                 Journal::kPayloadBytesMax);
    std::abort();
  }
}

AppendOutcome Unknown(const absl::Status& status, std::string* detail) {
  *detail = status.ToString();
  return AppendOutcome::kUnknown;
}

}  // namespace

AppendOutcome FencedJournal::Append(const JournalHead& head, const JournalRow& row,
                                    std::string* detail) {
  CheckAppendable(head, row);
  absl::StatusOr<Inserted> inserted = Insert(head, row);
  if (!inserted.ok()) return Unknown(inserted.status(), detail);
  switch (*inserted) {
    case Inserted::kOne:
      return AppendOutcome::kAppended;
    case Inserted::kDuplicate:
      return AfterDuplicate(row, detail);
    case Inserted::kNone:
      return AfterNothingInserted(head, detail);
  }
  return Unknown(absl::InternalError("unreachable"), detail);
}

// A driver or proxy may resend an insert: the row that stands can be this very one.
AppendOutcome FencedJournal::AfterDuplicate(const JournalRow& row, std::string* detail) {
  absl::StatusOr<std::optional<Identity>> standing = IdentityOf(row.revision);
  if (!standing.ok()) return Unknown(standing.status(), detail);
  if (!standing->has_value()) {
    // Compacted between the two statements: only a writer beyond this row can have done that.
    *detail = absl::StrCat("revision ", row.revision, " was taken and is compacted by now");
    return AppendOutcome::kFenced;
  }
  if ((*standing)->writer == row.writer && (*standing)->chain == row.chain) {
    return AppendOutcome::kAppended;
  }
  *detail = absl::StrCat("revision ", row.revision, " belongs to writer ", (*standing)->writer);
  return AppendOutcome::kFenced;
}

AppendOutcome FencedJournal::AfterNothingInserted(const JournalHead& head, std::string* detail) {
  absl::StatusOr<uint64_t> first = FirstRevision();
  if (!first.ok()) return Unknown(first.status(), detail);
  if (*first > head.revision) {
    *detail =
        absl::StrCat("the journal begins at revision ", *first, ", above my head ", head.revision);
    return AppendOutcome::kFenced;
  }
  absl::StatusOr<std::optional<Identity>> standing = IdentityOf(head.revision);
  if (!standing.ok()) return Unknown(standing.status(), detail);
  if (standing->has_value() && (*standing)->chain == head.chain) {
    // A cluster node that had not applied my head yet refused the insert; asked again, it has.
    *detail = absl::StrCat("revision ", head.revision, " was not visible to the insert");
    return AppendOutcome::kUnknown;
  }
  *detail = absl::StrCat("revision ", head.revision, " with chain ", head.chain,
                         standing->has_value() ? " has another chain" : " is missing",
                         " in this journal: it is not the one this hub has read");
  return AppendOutcome::kForeignHistory;
}

AppendOutcome FencedJournal::ResolveAppend(const JournalHead& head, const JournalRow& row,
                                           std::string* detail) {
  Disconnect();
  absl::StatusOr<std::optional<Identity>> standing = IdentityOf(row.revision);
  if (!standing.ok()) return Unknown(standing.status(), detail);
  if (standing->has_value()) return AfterDuplicate(row, detail);
  // If the first attempt is still being committed, this one waits for its row and meets it as a
  // duplicate.
  return Append(head, row, detail);
}

absl::Status FencedJournal::GapAt(uint64_t expected_revision, uint64_t found_revision) {
  absl::StatusOr<uint64_t> first = FirstRevision();
  if (!first.ok()) return first.status();
  if (*first > expected_revision) {
    return absl::OutOfRangeError(absl::StrCat("journal: revision ", expected_revision,
                                              " is compacted, the first is ", *first,
                                              ": load an image"));
  }
  return absl::DataLossError(absl::StrCat("journal: revision ", expected_revision,
                                          " is missing, next is ", found_revision,
                                          ": restore from a backup or another copy"));
}

absl::Status FencedJournal::Read(uint64_t first_revision,
                                 absl::FunctionRef<absl::Status(const JournalRow&)> visit) {
  absl::StatusOr<uint64_t> first = FirstRevision();
  if (!first.ok()) return first.status();
  if (first_revision < *first) return GapAt(first_revision, *first);

  uint64_t expected = std::max<uint64_t>(first_revision, 1);
  while (true) {
    uint64_t found_instead = 0;
    absl::StatusOr<int> count = ReadSome(expected, [&](const JournalRow& row) -> absl::Status {
      if (row.revision != expected) {
        found_instead = row.revision;
        return absl::DataLossError("gap");
      }
      ++expected;
      return visit(row);
    });
    // Asked only now: the statement that was reading must be over before another may start.
    if (found_instead != 0) return GapAt(expected, found_instead);
    if (!count.ok()) return count.status();
    if (*count == 0) return absl::OkStatus();
  }
}

absl::Status FencedJournal::Restore(const JournalRow& row) {
  const absl::StatusOr<Inserted> inserted = Insert({}, row);
  if (!inserted.ok()) return inserted.status();
  if (*inserted == Inserted::kOne) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "journal: it has rows: restore into an empty database or a new file");
}

absl::Status FencedJournal::Compact(uint64_t last_revision) {
  absl::StatusOr<JournalHead> head = Head();
  if (!head.ok()) return head.status();
  if (last_revision >= head->revision && last_revision > 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("compact: revision ", last_revision, " is not below the head ", head->revision,
                     ": the head row must stay, choose a lower one"));
  }
  absl::StatusOr<uint64_t> first = FirstRevision();
  if (!first.ok()) return first.status();
  for (uint64_t next = *first; next != 0 && next <= last_revision; next += kCompactRowsMax) {
    absl::Status status = DeleteThrough(std::min(next + kCompactRowsMax - 1, last_revision));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace onhand::storage
