// A chain of a few stores for tests of what lives beside the sequencer: rows are appended to a
// journal and applied to a ledger as the sequencer does it, one thread, under the lock.
#ifndef ONHAND_SERVER_HUB_CHAIN_FOR_TESTS_H_
#define ONHAND_SERVER_HUB_CHAIN_FOR_TESTS_H_

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <utility>

#include "onhand/v1/types.pb.h"
#include "server/hub/journal_record.h"
#include "server/ledger/ledger.h"
#include "server/ledger/rows.h"
#include "storage/store.h"

namespace onhand::hub {

namespace journal = ::onhand::journal::v1;

class ChainForTests {
 public:
  static constexpr int64_t kSecond = 1'000'000;
  static constexpr int64_t kMinute = 60 * kSecond;

  explicit ChainForTests(storage::Store* store) : store_(store), ledger_(ledger::Settings{}) {}

  ledger::Ledger& ledger() { return ledger_; }
  std::shared_mutex& mutex() { return mutex_; }
  std::atomic<uint64_t>& revision() { return revision_; }
  const storage::JournalHead& head() const { return head_; }
  int64_t now_us() const { return now_us_; }
  void Pass(int64_t us) { now_us_ += us; }

  // Appends and applies one row; its payload's size.
  size_t Commit(const journal::Record& record) {
    storage::JournalRow row{
        .revision = head_.revision + 1, .epoch = 1, .writer = 7, .committed_at_us = now_us_};
    row.payload = EncodeRecord(record);
    row.chain = storage::ChainAfter(head_.chain, row);
    std::string detail;
    EXPECT_EQ(store_->journal().Append(head_, row, &detail), storage::AppendOutcome::kAppended)
        << detail;
    head_ = {row.revision, row.chain};
    {
      std::unique_lock<std::shared_mutex> lock(mutex_);
      EXPECT_TRUE(
          ledger_.ApplyFacts({row.revision, row.epoch, now_us_}, record, 0, record.facts_size())
              .ok());
      ledger_.EndSlice();
    }
    revision_.store(row.revision, std::memory_order_release);
    return row.payload.size();
  }
  size_t Commit(journal::Fact fact) {
    journal::Record record;
    *record.add_facts() = std::move(fact);
    return Commit(record);
  }

  // Items 1 .. items ("sku-1" ...), locations 1 .. locations ("s1" ...), channel 0 ("web"), source
  // 1 ("till").
  void SetUp(uint32_t items, uint32_t locations) {
    journal::Record record;
    for (uint32_t id = 1; id <= items; ++id) {
      *record.add_facts() = ItemSet(id, "sku-" + std::to_string(id));
    }
    for (uint32_t id = 1; id <= locations; ++id) {
      journal::Location* location = record.add_facts()->mutable_location_set()->mutable_location();
      location->set_id(id);
      location->set_location_id("s" + std::to_string(id));
      location->set_time_zone("Europe/Berlin");
    }
    journal::Channel* channel = record.add_facts()->mutable_channel_set()->mutable_channel();
    channel->set_channel_id("web");
    channel->set_kind(v1::CHANNEL_KIND_SHIP);
    journal::SourceOpened* source = record.add_facts()->mutable_source_opened();
    source->set_source(1);
    source->set_source_id("till");
    source->set_spool(1);
    source->set_spool_id("spool");
    for (uint32_t id = 1; id <= locations; ++id) source->add_locations(id);
    Commit(record);
  }

  static journal::Fact ItemSet(uint32_t id, const std::string& sku) {
    journal::Fact fact;
    journal::Item* item = fact.mutable_item_set()->mutable_item();
    item->set_id(id);
    item->set_sku(sku);
    item->set_name("Item " + sku);
    item->set_published(true);
    fact.mutable_item_set()->set_by_catalog(true);
    return fact;
  }

  struct Row {
    uint32_t item = 1;
    uint32_t location = 1;
    v1::MovementKind kind = v1::MOVEMENT_KIND_SALE;
    int64_t quantity = 1;
    int64_t ago_us = 0;
  };
  // The next batch of source 1.
  journal::Fact Report(std::initializer_list<Row> rows) { return Report(rows.begin(), rows.end()); }
  template <class Iterator>
  journal::Fact Report(Iterator first, Iterator last) {
    journal::Fact fact;
    journal::Report* report = fact.mutable_report();
    report->set_source(1);
    report->set_spool(1);
    report->set_sequence(++sequence_);
    report->set_rolling_hash(sequence_ * 0x9E3779B97F4A7C15u);
    report->set_input_position("at " + std::to_string(sequence_));
    journal::LocationMoment* moment = report->add_known_through();
    moment->set_location(first->location);
    moment->set_at_us(now_us_);
    ledger::RowWriter writer(report->mutable_rows());
    uint32_t number = 0;
    for (; first != last; ++first) {
      writer.Add(first->item, first->location, first->kind, first->quantity,
                 now_us_ - first->ago_us, number++);
    }
    return fact;
  }

  // A record of everything that happens in a chain, by chance.
  journal::Record SomethingHappens(std::mt19937& random, uint32_t items, uint32_t locations) {
    journal::Record record;
    std::vector<Row> rows(1 + random() % 20);
    for (Row& row : rows) {
      row.item = 1 + random() % items;
      row.location = 1 + random() % locations;
      row.kind = static_cast<v1::MovementKind>(1 + random() % 10);
      row.quantity = static_cast<int64_t>(random() % 50);
      row.ago_us = static_cast<int64_t>(random() % 600) * kSecond;
    }
    *record.add_facts() = Report(rows.begin(), rows.end());
    journal::RequestAnswered* answered = record.add_facts()->mutable_request_answered();
    answered->set_request_id(RequestId(random()));
    answered->set_content_hash(random());
    answered->set_answer("answer " + std::to_string(random() % 1000));
    journal::DisplayChanged* display = record.add_facts()->mutable_display_changed();
    display->set_item(1 + random() % items);
    display->set_status(1 + random() % 6);
    journal::QuarantineEntry* entry = record.add_facts()->mutable_quarantined()->mutable_entry();
    entry->set_quarantine_id(++quarantined_);
    entry->set_sku("ghost");
    entry->set_held_until_us(now_us_ + kMinute);
    journal::Rule* rule = record.add_facts()->mutable_rule_set()->mutable_rule();
    rule->set_rule_id("rule-" + std::to_string(random() % 9));
    rule->set_chain_floor(static_cast<int32_t>(random() % 9));
    if (random() % 4 == 0) {
      journal::SnapshotBegun* begun = record.add_facts()->mutable_snapshot_begun();
      begun->set_source(1);
      begun->set_location(1 + random() % locations);
      begun->set_as_of_us(now_us_);
      journal::SnapshotStaged* staged = record.add_facts()->mutable_snapshot_staged();
      staged->set_source(1);
      staged->set_location(begun->location());
      staged->add_item(1 + random() % items);
      staged->add_quantity(static_cast<int64_t>(random() % 9));
    }
    Pass(static_cast<int64_t>(random() % 240) * kMinute / 4);
    return record;
  }

 private:
  // A UUIDv7 of now.
  std::string RequestId(uint32_t chance) const {
    std::string id(16, '\0');
    const int64_t now_ms = now_us_ / 1000;
    for (size_t i = 0; i < 6; ++i) id[i] = static_cast<char>(now_ms >> (8 * (5 - i)));
    for (size_t i = 12; i < 16; ++i) id[i] = static_cast<char>(chance >> (8 * (15 - i)));
    return id;
  }

  storage::Store* const store_;
  std::shared_mutex mutex_;
  ledger::Ledger ledger_;
  std::atomic<uint64_t> revision_{0};
  storage::JournalHead head_;
  int64_t now_us_ = 1'700'000'000 * kSecond;
  uint64_t sequence_ = 0;
  uint64_t quarantined_ = 0;
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_CHAIN_FOR_TESTS_H_
