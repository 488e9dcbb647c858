// What the table holds, which of two answers it keeps, and that readers never see half an answer.
#include "clients/cpp/answer_table.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace onhand::client {
namespace {

HeldAnswer AnswerAt(uint64_t revision, int32_t max_quantity, uint32_t telling = 0) {
  return {.status = v1::AVAILABILITY_STATUS_IN_STOCK,
          .orderable = true,
          .max_quantity = max_quantity,
          .revision = revision,
          .telling = telling};
}

TEST(AnswerTableTest, HoldsEveryFieldAsItWasPut) {
  AnswerTable table;
  const HeldAnswer answer{.status = v1::AVAILABILITY_STATUS_BACKORDER,
                          .orderable = true,
                          .max_quantity = 2'147'483'647,
                          .revision = ~uint64_t{0},
                          .available_from_us = -1,
                          .known_through_us = 1'700'000'000'000'001,
                          .cache_until_us = 1'700'000'000'000'002,
                          .as_of_us = 1'700'000'000'000'003,
                          .telling = 4'000'000'000};
  table.Put("sku", answer);
  EXPECT_EQ(table.Find("sku"), answer);
  EXPECT_EQ(table.Find("SKU"), std::nullopt);
  EXPECT_EQ(table.Find("sku "), std::nullopt);
}

TEST(AnswerTableTest, EveryAnswerIsFoundWhileItGrows) {
  AnswerTable table;
  for (int i = 0; i < 20'000; ++i) {
    table.Put(absl::StrCat("sku-", i), AnswerAt(1, i));
    ASSERT_EQ(table.Find(absl::StrCat("sku-", i / 2))->max_quantity, i / 2);
  }
  EXPECT_EQ(table.size(), 20'000u);
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(table.Find(absl::StrCat("sku-", i))->max_quantity, i);
  }
}

TEST(AnswerTableTest, AnOlderRevisionDoesNotReplaceANewerOne) {
  AnswerTable table;
  table.Put("sku", AnswerAt(7, 70));
  table.Put("sku", AnswerAt(6, 60));
  EXPECT_EQ(table.Find("sku")->max_quantity, 70);
  table.Put("sku", AnswerAt(7, 71));
  EXPECT_EQ(table.Find("sku")->max_quantity, 71);
}

TEST(AnswerTableTest, ANewTellingReplacesWhateverItsRevision) {
  AnswerTable table;
  table.Put("sku", AnswerAt(700, 70, 1));
  table.Put("sku", AnswerAt(6, 60, 2));
  EXPECT_EQ(table.Find("sku")->max_quantity, 60);
  table.Put("sku", AnswerAt(800, 80, 1));
  EXPECT_EQ(table.Find("sku")->max_quantity, 60);
}

TEST(AnswerTableTest, WhatANewTellingLeftOutIsDroppedAndMayComeBack) {
  AnswerTable table;
  table.Put("gone", AnswerAt(7, 7, 1));
  table.Put("told", AnswerAt(7, 7, 1));
  table.Put("told", AnswerAt(8, 8, 2));
  table.DropBefore(2);
  EXPECT_EQ(table.Find("gone"), std::nullopt);
  EXPECT_EQ(table.Find("told")->max_quantity, 8);
  EXPECT_EQ(table.size(), 1u);
  // An answer that was asked for before the new telling and comes only now.
  table.Put("gone", AnswerAt(7, 7, 1));
  EXPECT_EQ(table.Find("gone"), std::nullopt);
  table.Put("gone", AnswerAt(9, 9, 2));
  EXPECT_EQ(table.Find("gone")->max_quantity, 9);
}

// Answer n has n in every field, so a mixture of two shows.
TEST(AnswerTableTest, ReadersSeeWholeAnswersInOrderWhileWritersWrite) {
  constexpr int kSkus = 4;
  constexpr int kAnswers = 100'000;
  AnswerTable table;
  std::atomic<bool> over{false};
  std::atomic<int> broken{0};
  std::atomic<int64_t> reads{0};
  std::vector<std::thread> readers;
  readers.reserve(2);
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      std::vector<uint64_t> last(kSkus, 0);
      for (size_t i = 0; !over; i = (i + 1) % kSkus) {
        const std::optional<HeldAnswer> held = table.Find(absl::StrCat("sku-", i));
        if (!held) continue;
        ++reads;
        const auto n = static_cast<int64_t>(held->revision);
        const bool whole = held->max_quantity == n && held->available_from_us == n &&
                           held->known_through_us == n && held->cache_until_us == n &&
                           held->as_of_us == n;
        if (!whole || held->revision < last[i]) ++broken;
        last[i] = held->revision;
      }
    });
  }
  for (int n = 1; n <= kAnswers; ++n) {
    for (int i = 0; i < kSkus; ++i) {
      table.Put(absl::StrCat("sku-", i), {.max_quantity = n,
                                          .revision = static_cast<uint64_t>(n),
                                          .available_from_us = n,
                                          .known_through_us = n,
                                          .cache_until_us = n,
                                          .as_of_us = n});
    }
    // Makes the index grow under the readers.
    if (n % 10 == 0) table.Put(absl::StrCat("other-", n), AnswerAt(1, 1));
  }
  over = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(broken, 0);
  EXPECT_GT(reads, 0);
}

}  // namespace
}  // namespace onhand::client
