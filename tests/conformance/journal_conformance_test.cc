#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "storage/memory/memory_store.h"
#include "tests/conformance/backend.h"

namespace onhand::storage {
namespace {

using JournalConformance = ConformanceTest;

std::vector<JournalRow> ReadAll(Store* store, uint64_t first = 1) {
  std::vector<JournalRow> rows;
  const absl::Status status = store->journal().Read(first, [&](const JournalRow& row) {
    rows.push_back(row);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return rows;
}

absl::Status ReadStatus(Store* store, uint64_t first) {
  return store->journal().Read(first, [](const JournalRow&) { return absl::OkStatus(); });
}

TEST_P(JournalConformance, BeginsEmpty) {
  EXPECT_EQ(journal().Head()->revision, 0u);
  EXPECT_EQ(journal().Head()->chain, 0u);
  EXPECT_EQ(*journal().FirstRevision(), 0u);
  EXPECT_TRUE(ReadAll(store_.get()).empty());
  EXPECT_TRUE(journal().Compact(0).ok());
}

TEST_P(JournalConformance, ReadsBackWhatWasAppended) {
  const JournalRow first = RowAfter({}, 7, EveryByte(1000));
  ExpectAppend(store_.get(), {}, first);
  const JournalRow second = RowAfter(HeadAfter(first), 7, "second");
  ExpectAppend(store_.get(), HeadAfter(first), second);

  const auto other = backend_->Open();
  EXPECT_EQ(other->journal().Head()->revision, 2u);
  EXPECT_EQ(other->journal().Head()->chain, second.chain);
  const auto rows = ReadAll(other.get());
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].revision, 1u);
  EXPECT_EQ(rows[0].epoch, first.epoch);
  EXPECT_EQ(rows[0].writer, first.writer);
  EXPECT_EQ(rows[0].committed_at_us, first.committed_at_us);
  EXPECT_EQ(rows[0].chain, first.chain);
  EXPECT_EQ(rows[0].payload, first.payload);
  EXPECT_EQ(rows[1].payload, "second");
}

TEST_P(JournalConformance, KeepsPayloadsOfEverySize) {
  JournalHead head;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{255}, size_t{65'536}, size_t{1} << 20,
                            Journal::kPayloadBytesMax}) {
    const JournalRow row = RowAfter(head, 1, EveryByte(size));
    ExpectAppend(store_.get(), head, row);
    head = HeadAfter(row);
    const auto rows = ReadAll(store_.get(), row.revision);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_TRUE(rows[0].payload == row.payload) << size << " bytes";
  }
}

TEST_P(JournalConformance, ReadsFromAnyRevisionInOrder) {
  AppendRows(store_.get(), {}, 200);
  const auto rows = ReadAll(store_.get(), 100);
  ASSERT_EQ(rows.size(), 101u);
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].revision, 100 + i);
  EXPECT_TRUE(ReadAll(store_.get(), 201).empty());
}

TEST_P(JournalConformance, ReadStopsAtTheVisitorsError) {
  AppendRows(store_.get(), {}, 5);
  int seen = 0;
  const absl::Status status = journal().Read(1, [&](const JournalRow& row) {
    ++seen;
    return row.revision == 3 ? absl::CancelledError("enough") : absl::OkStatus();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(seen, 3);
  EXPECT_EQ(ReadAll(store_.get()).size(), 5u);
}

TEST_P(JournalConformance, ReaderSeesAndCompactsWhatTheWriterAppends) {
  const auto reader = store_->OpenJournalReader();
  ASSERT_TRUE(reader.ok()) << reader.status();
  const JournalHead head = AppendRows(store_.get(), {}, 3);
  uint64_t seen = 0;
  const auto count = [&](const JournalRow& row) {
    seen = row.revision;
    return absl::OkStatus();
  };
  EXPECT_TRUE((*reader)->Read(1, count).ok());
  EXPECT_EQ(seen, 3u);

  AppendRows(store_.get(), head, 2);
  EXPECT_TRUE((*reader)->Read(4, count).ok());
  EXPECT_EQ(seen, 5u);
  EXPECT_TRUE((*reader)->Compact(2).ok());
  EXPECT_EQ(ReadAll(store_.get(), 3).size(), 3u);
}

TEST_P(JournalConformance, SecondWriterOfARevisionIsFenced) {
  const auto other = backend_->Open();
  const JournalHead head = AppendRows(store_.get(), {}, 3, 1);
  const JournalRow mine = RowAfter(head, 1, "mine");
  ExpectAppend(store_.get(), head, mine);

  ExpectAppend(other.get(), head, RowAfter(head, 2, "theirs"), AppendOutcome::kFenced);
  EXPECT_EQ(ReadAll(other.get()).back().payload, "mine");
}

TEST_P(JournalConformance, SecondWriterOfTheFirstRowIsFenced) {
  const auto other = backend_->Open();
  ExpectAppend(store_.get(), {}, RowAfter({}, 1));
  ExpectAppend(other.get(), {}, RowAfter({}, 2), AppendOutcome::kFenced);
}

TEST_P(JournalConformance, RacingWritersOneWinsEveryRevision) {
  constexpr int kRevisions = 50;
  const auto other = backend_->Open();
  std::atomic<int> appended{0}, fenced{0};
  // Each writer follows the journal's head and tries to be the next: one of the two must lose each
  // time.
  const auto race = [&](Store* store, uint64_t writer) {
    std::string detail;
    while (true) {
      const auto head = store->journal().Head();
      ASSERT_TRUE(head.ok()) << head.status();
      if (head->revision >= kRevisions) return;
      const JournalRow row = RowAfter(*head, writer);
      AppendOutcome outcome = store->journal().Append(*head, row, &detail);
      while (outcome == AppendOutcome::kUnknown) {
        outcome = store->journal().ResolveAppend(*head, row, &detail);
      }
      ASSERT_NE(static_cast<int>(outcome), static_cast<int>(AppendOutcome::kForeignHistory))
          << detail;
      (outcome == AppendOutcome::kAppended ? appended : fenced)++;
    }
  };
  std::thread first([&] { race(store_.get(), 1); });
  std::thread second([&] { race(other.get(), 2); });
  first.join();
  second.join();

  const auto rows = ReadAll(store_.get());
  EXPECT_EQ(static_cast<size_t>(appended), rows.size());
  uint64_t chain = 0;
  for (const JournalRow& row : rows) {
    EXPECT_EQ(row.chain, ChainAfter(chain, row));
    chain = row.chain;
  }
}

TEST_P(JournalConformance, RepeatedAppendOfTheSameRowStands) {
  const JournalRow row = RowAfter({}, 1);
  ExpectAppend(store_.get(), {}, row);
  // The head is not empty any more, so the insert is refused as fenced; resolving it finds the row
  // itself.
  std::string detail;
  EXPECT_EQ(journal().ResolveAppend({}, row, &detail), AppendOutcome::kAppended);

  const JournalRow next = RowAfter(HeadAfter(row), 1);
  ExpectAppend(store_.get(), HeadAfter(row), next);
  ExpectAppend(store_.get(), HeadAfter(row), next);
  EXPECT_EQ(ReadAll(store_.get()).size(), 2u);
}

TEST_P(JournalConformance, RestartedWriterWithTheSameContentIsFenced) {
  const JournalHead head = AppendRows(store_.get(), {}, 1);
  ExpectAppend(store_.get(), head, RowAfter(head, 1, "same"));
  ExpectAppend(store_.get(), head, RowAfter(head, 2, "same"), AppendOutcome::kFenced);
}

TEST_P(JournalConformance, HeadOfAnotherHistoryIsForeign) {
  const JournalHead head = AppendRows(store_.get(), {}, 3);
  const JournalHead wrong_chain = {head.revision, head.chain + 1};
  ExpectAppend(store_.get(), wrong_chain, RowAfter(wrong_chain, 1), AppendOutcome::kForeignHistory);
  const JournalHead beyond = {head.revision + 5, head.chain};
  ExpectAppend(store_.get(), beyond, RowAfter(beyond, 1), AppendOutcome::kForeignHistory);
  EXPECT_EQ(journal().Head()->revision, 3u);
}

TEST_P(JournalConformance, EmptiedJournalIsForeignToAWriterWithAHead) {
  const JournalHead head = {4, 1234};
  ExpectAppend(store_.get(), head, RowAfter(head, 1), AppendOutcome::kForeignHistory);
}

TEST_P(JournalConformance, WriterPausedAcrossACompactionIsFenced) {
  const auto other = backend_->Open();
  const JournalHead paused = AppendRows(store_.get(), {}, 3, 1);
  AppendRows(other.get(), paused, 5, 2);
  ASSERT_TRUE(other->journal().Compact(6).ok());

  ExpectAppend(store_.get(), paused, RowAfter(paused, 1), AppendOutcome::kFenced);
  std::string detail;
  EXPECT_EQ(journal().ResolveAppend(paused, RowAfter(paused, 1), &detail), AppendOutcome::kFenced);
  ExpectAppend(store_.get(), {}, RowAfter({}, 1), AppendOutcome::kFenced);
  EXPECT_EQ(*journal().FirstRevision(), 7u);
  EXPECT_EQ(journal().Head()->revision, 8u);
}

TEST_P(JournalConformance, ResolvingARowThatDoesNotStandAppendsIt) {
  const JournalHead head = AppendRows(store_.get(), {}, 2);
  std::string detail;
  EXPECT_EQ(journal().ResolveAppend(head, RowAfter(head, 1), &detail), AppendOutcome::kAppended);
  EXPECT_EQ(journal().Head()->revision, 3u);
}

TEST_P(JournalConformance, ResolvingARowThatAnotherWroteIsFenced) {
  const JournalHead head = AppendRows(store_.get(), {}, 2);
  const auto other = backend_->Open();
  ExpectAppend(other.get(), head, RowAfter(head, 2));
  std::string detail;
  EXPECT_EQ(journal().ResolveAppend(head, RowAfter(head, 1), &detail), AppendOutcome::kFenced);
}

TEST_P(JournalConformance, GapIsDataLoss) {
  AppendRows(store_.get(), {}, 150);
  backend_->DropJournalRow(130);
  int seen = 0;
  const absl::Status status = journal().Read(1, [&](const JournalRow&) {
    ++seen;
    return absl::OkStatus();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("130"));
  EXPECT_EQ(seen, 129);
  EXPECT_EQ(ReadStatus(store_.get(), 130).code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(ReadStatus(store_.get(), 131).ok());
}

TEST_P(JournalConformance, CompactDropsRowsUpToARevision) {
  const JournalHead head = AppendRows(store_.get(), {}, 600);
  ASSERT_TRUE(journal().Compact(599).ok());
  EXPECT_EQ(*journal().FirstRevision(), 600u);
  EXPECT_EQ(ReadAll(store_.get(), 600).size(), 1u);
  EXPECT_EQ(ReadStatus(store_.get(), 599).code(), absl::StatusCode::kOutOfRange);
  EXPECT_TRUE(journal().Compact(10).ok());
  AppendRows(store_.get(), head, 1);
}

TEST_P(JournalConformance, CompactRefusesTheHeadRow) {
  AppendRows(store_.get(), {}, 3);
  for (const uint64_t revision : {3, 4}) {
    EXPECT_EQ(journal().Compact(revision).code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(*journal().FirstRevision(), 1u);
}

TEST_P(JournalConformance, PartsWorkInThreeThreadsAtOnce) {
  std::thread images([&] {
    for (int block = 0; block < 20; ++block) {
      ASSERT_TRUE(store_->images().PutBlock(1, block, EveryByte(100'000)).ok());
    }
  });
  std::thread tables([&] {
    for (uint64_t revision = 1; revision <= 20; ++revision) {
      ProjectionBatch batch;
      batch.through_revision = revision;
      for (int i = 0; i < 200; ++i) {
        batch.stock.push_back({.sku = std::to_string(i), .location_id = "s", .revision = revision});
      }
      ASSERT_TRUE(store_->projection().Write(1, batch).ok());
    }
  });
  AppendRows(store_.get(), {}, 100);
  images.join();
  tables.join();
  EXPECT_EQ(journal().Head()->revision, 100u);
}

INSTANTIATE_ON_ALL_BACKENDS(JournalConformance);

class MemoryAccidents : public ::testing::TestWithParam<MemoryDatabase::Accident> {};

TEST_P(MemoryAccidents, OutcomeIsFoundAfterALostConnection) {
  const auto database = std::make_shared<MemoryDatabase>();
  const auto store = NewMemoryStore(database);
  ASSERT_TRUE(store->Migrate().ok());
  {
    absl::MutexLock lock(&database->mutex);
    database->next_insert = GetParam();
  }
  const JournalRow row = RowAfter({}, 1);
  ExpectAppend(store.get(), {}, row, AppendOutcome::kUnknown);
  std::string detail;
  EXPECT_EQ(store->journal().ResolveAppend({}, row, &detail), AppendOutcome::kAppended);
  EXPECT_EQ(ReadAll(store.get()).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Both, MemoryAccidents,
                         ::testing::Values(MemoryDatabase::Accident::kLostBeforeCommit,
                                           MemoryDatabase::Accident::kLostAfterCommit));

}  // namespace
}  // namespace onhand::storage
