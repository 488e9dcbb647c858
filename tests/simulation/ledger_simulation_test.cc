// The ledger under random chains of requests: the size of batches must not matter, nor a restart in
// the middle, nor which source is heard first. ONHAND_SEED repeats a run, ONHAND_SIMULATION_ROUNDS
// sizes it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/decide_catalog.h"
#include "server/ledger/decide_quarantine.h"
#include "server/ledger/decide_report.h"
#include "server/ledger/decide_request.h"
#include "server/ledger/decide_rules.h"
#include "server/ledger/decide_stock.h"
#include "server/ledger/encode.h"
#include "server/ledger/ledger.h"
#include "server/ledger/refusal.h"

namespace onhand::ledger {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kStart = 1'700'000'000 * kSecond;
constexpr int kItems = 12;
constexpr int kLocations = 4;
constexpr int kSources = 5;

uint64_t Seed() {
  const char* const given = std::getenv("ONHAND_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "ONHAND_SEED=" << seed << std::endl;
  return seed;
}

int Rounds(int by_default) {
  const char* const given = std::getenv("ONHAND_SIMULATION_ROUNDS");
  return given != nullptr ? std::atoi(given) : by_default;
}

std::string Sku(uint64_t i) { return absl::StrCat("item-", i % kItems); }
std::string LocationId(uint64_t i) { return absl::StrCat("location-", i % kLocations); }
std::string SourceId(uint64_t i) { return absl::StrCat("source-", (i * 7) % kSources); }

// A request decides into a group and returns its answer as text, refusals included.
using Request = std::function<std::string(Group&)>;

std::string Shown(const absl::Status& status) {
  return absl::StrCat(status.code(), " ", ReasonOf(status));
}
template <class Response>
std::string Shown(const absl::StatusOr<Response>& response) {
  if (!response.ok()) return Shown(response.status());
  // Revisions depend on how requests were batched, and nothing else may.
  static const std::regex kRevision("revision: [0-9]+");
  return std::regex_replace(response->ShortDebugString(), kRevision, "");
}
std::string Shown(const absl::StatusOr<ReportDecision>& decision) {
  if (!decision.ok()) return Shown(decision.status());
  std::string text = absl::StrCat(decision->already_applied, " ", decision->durable_sequence);
  for (const v1::RowProblem& problem : decision->problems)
    absl::StrAppend(&text, " ", problem.ShortDebugString());
  return text;
}

// A ledger with the time of its own.
struct Chain {
  Chain() : ledger(std::make_unique<Ledger>(Settings{})) {}

  // Decides the requests as one group and applies it.
  std::vector<std::string> Run(const std::vector<Request>& requests, int64_t now_us) {
    const RowMoment row{ledger->state().counters.revision + 1, 1, now_us};
    Group group(&ledger->state(), row);
    std::vector<std::string> answers;
    answers.reserve(requests.size());
    for (const Request& request : requests) answers.push_back(request(group));
    if (group.fact_count() == 0) return answers;
    const journal::Record& record = group.record();
    EXPECT_TRUE(ledger->ApplyFacts(row, record, 0, record.facts_size()).ok());
    ledger->EndSlice();
    rows.push_back({row, record});
    return answers;
  }
  // Writes the whole state as bytes and goes on with what was read back.
  void Restart() {
    const std::string tables = EncodeTables(ledger->state());
    std::vector<std::string> segments;
    for (uint32_t i = 0; i < SegmentCount(ledger->state()); ++i)
      segments.push_back(EncodeSegment(ledger->state(), i));
    ledger = std::make_unique<Ledger>(Settings{});
    ASSERT_TRUE(DecodeTables(tables, ledger->mutable_state()).ok());
    for (const std::string& segment : segments)
      ASSERT_TRUE(DecodeSegment(segment, ledger->mutable_state()).ok());
    ledger->Rebuild();
  }

  std::unique_ptr<Ledger> ledger;
  std::vector<std::pair<RowMoment, journal::Record>> rows;
};

std::vector<Request> Founding() {
  std::vector<Request> requests;
  for (int i = 0; i < kLocations; ++i) {
    v1::BatchUpsertLocationsRequest request;
    request.add_locations()->set_location_id(LocationId(static_cast<uint64_t>(i)));
    request.mutable_locations(0)->set_time_zone("UTC");
    requests.push_back([request](Group& group) {
      return Shown(DecideUpsertLocations(group, request, [](absl::string_view) { return true; }));
    });
  }
  v1::BatchUpsertItemsRequest items;
  for (int i = 0; i < kItems - 2; ++i) {
    v1::Item& item = *items.add_items();
    item.set_sku(Sku(static_cast<uint64_t>(i)));
    item.set_published(true);
  }
  requests.push_back([items](Group& group) { return Shown(DecideUpsertItems(group, items)); });
  for (int i = 0; i < kSources; ++i) {
    v1::Hello hello;
    hello.set_source_id(SourceId(static_cast<uint64_t>(i)));
    hello.set_spool_id("spool-1");
    hello.add_location_ids(LocationId(static_cast<uint64_t>(i)));
    if (i % 2 == 1) hello.add_declared_kinds(v1::MOVEMENT_KIND_LEVEL);
    requests.push_back([hello](Group& group) {
      const auto opened = DecideHello(group, hello);
      return opened.ok() ? absl::StrCat(opened->source, " ", opened->durable_sequence)
                         : Shown(opened.status());
    });
  }
  return requests;
}

// Makes requests whose content depends on the seed alone.
class RequestMaker {
 public:
  explicit RequestMaker(uint64_t seed) : random_(seed) {}

  Request Next(int64_t now_us) {
    switch (random_() % 12) {
      case 0:
        return Adjust(now_us);
      case 1:
        return Upsert();
      case 2:
        return Rule();
      case 3:
        return Quarantine();
      case 4:
        return RenameOrMerge();
      case 5:
        return Snapshot(now_us);
      default:
        return Report(now_us);
    }
  }

  v1::Movement RandomMovement(int64_t now_us, bool deltas_only) {
    static constexpr v1::MovementKind kKinds[] = {
        v1::MOVEMENT_KIND_SALE,       v1::MOVEMENT_KIND_RECEIPT, v1::MOVEMENT_KIND_RETURN,
        v1::MOVEMENT_KIND_ADJUSTMENT, v1::MOVEMENT_KIND_SALE,    v1::MOVEMENT_KIND_SET_ASIDE,
        v1::MOVEMENT_KIND_PUT_BACK,   v1::MOVEMENT_KIND_LEVEL,   v1::MOVEMENT_KIND_LEVEL,
        v1::MOVEMENT_KIND_COUNT};
    v1::Movement movement;
    movement.set_sku(Sku(random_()));
    movement.set_kind(kKinds[random_() % (deltas_only ? 5 : std::size(kKinds))]);
    movement.set_quantity(static_cast<int64_t>(random_() % 9));
    // Now and then something that must be quarantined.
    if (random_() % 40 == 0) movement.set_quantity(-5);
    if (random_() % 60 == 0) movement.set_quantity(999'999'999);
    movement.set_occurred_at_us(now_us - static_cast<int64_t>(random_() % 50) * kHour / 4);
    return movement;
  }

 private:
  Request Report(int64_t now_us) {
    const uint64_t which = random_() % kSources;
    v1::Batch batch;
    const bool again = random_() % 6 == 0 && sequences_[which] > 0;
    if (again && !sent_[which].empty()) {
      batch = sent_[which][random_() % sent_[which].size()];
      if (random_() % 3 == 0) batch.set_rolling_hash(batch.rolling_hash() + 1);
    } else {
      batch.set_sequence(++sequences_[which]);
      batch.set_rolling_hash(random_() | 1);
      batch.add_known_through()->set_at_us(now_us -
                                           static_cast<int64_t>(random_() % 100) * kSecond);
      const int rows = static_cast<int>(random_() % 8);
      for (int i = 0; i < rows; ++i) *batch.add_movements() = RandomMovement(now_us, false);
      sent_[which].push_back(batch);
    }
    return ReportRequest(which, batch);
  }
  Request Snapshot(int64_t now_us) {
    const uint64_t which = random_() % kSources;
    v1::Batch batch;
    batch.set_sequence(++sequences_[which]);
    batch.set_rolling_hash(random_() | 1);
    v1::SnapshotPart& part = *batch.add_snapshots();
    if (random_() % 5 != 0)
      part.mutable_begin()->set_as_of_us(now_us - static_cast<int64_t>(random_() % 10) * kHour);
    for (int i = 0; i < kItems; ++i) {
      if (random_() % 3 == 0) continue;
      part.add_rows()->set_sku(Sku(static_cast<uint64_t>(i)));
      part.mutable_rows(part.rows_size() - 1)->set_quantity(static_cast<int64_t>(random_() % 20));
    }
    if (random_() % 4 != 0)
      part.mutable_end()->set_row_count(static_cast<uint64_t>(part.rows_size()));
    return ReportRequest(which, batch);
  }
  static Request ReportRequest(uint64_t which, const v1::Batch& batch) {
    return [which, batch](Group& group) {
      const uint32_t source = *group.state().source_ids.Find(SourceId(which));
      return Shown(DecideReport(group, source, 1, 0, batch));
    };
  }
  Request Adjust(int64_t now_us) {
    v1::AdjustRequest request;
    request.set_sku(Sku(random_()));
    request.set_location_id(LocationId(random_()));
    request.set_kind(random_() % 2 == 0 ? v1::MOVEMENT_KIND_COUNT : v1::MOVEMENT_KIND_ADJUSTMENT);
    request.set_quantity(static_cast<int64_t>(random_() % 30));
    if (random_() % 3 == 0)
      request.mutable_occurred_at()->set_seconds((now_us - 40 * kHour) / kSecond);
    return [request](Group& group) { return Shown(DecideAdjust(group, request)); };
  }
  Request Upsert() {
    v1::BatchUpsertItemsRequest request;
    v1::Item& item = *request.add_items();
    item.set_sku(Sku(random_()));
    item.set_published(random_() % 2 == 0);
    item.set_name(absl::StrCat("name ", random_() % 3));
    if (random_() % 4 == 0) item.add_aliases()->set_code(absl::StrCat("alias-", random_() % 4));
    return [request](Group& group) { return Shown(DecideUpsertItems(group, request)); };
  }
  Request RenameOrMerge() {
    if (random_() % 2 == 0) {
      v1::RenameItemRequest request;
      request.set_sku(Sku(random_()));
      request.set_new_sku(Sku(random_()));
      return [request](Group& group) { return Shown(DecideRenameItem(group, request)); };
    }
    v1::MergeItemsRequest request;
    request.set_sku(Sku(random_()));
    request.set_duplicate_sku(Sku(random_()));
    return [request](Group& group) { return Shown(DecideMergeItems(group, request)); };
  }
  Request Rule() {
    v1::SetRuleRequest request;
    request.mutable_rule()->set_rule_id(absl::StrCat("rule-", random_() % 3));
    request.mutable_rule()->mutable_buffer()->set_units(static_cast<int32_t>(random_() % 4));
    request.set_etag(random_() % 2 == 0 ? "*" : "");
    return [request](Group& group) {
      const auto answer = DecideSetRule(group, request);
      return answer.ok() ? std::to_string(answer->rule().version()) : Shown(answer.status());
    };
  }
  Request Quarantine() {
    const uint64_t nth = random_() % 5;
    const uint64_t how = random_() % 3;
    return [nth, how](Group& group) -> std::string {
      std::vector<uint64_t> ids;
      group.state().quarantine.ForEach(
          [&](uint64_t id, const journal::QuarantineEntry&) { ids.push_back(id); });
      if (ids.empty()) return "nothing in quarantine";
      std::sort(ids.begin(), ids.end());
      const uint64_t id = ids[nth % ids.size()];
      if (how == 0) {
        v1::AcceptQuarantinedRequest request;
        request.set_quarantine_id(id);
        return Shown(DecideAcceptQuarantined(group, request));
      }
      if (how == 1) {
        v1::RetryQuarantinedRequest request;
        request.set_quarantine_id(id);
        return Shown(DecideRetryQuarantined(group, request));
      }
      v1::DropQuarantinedRequest request;
      request.set_quarantine_id(id);
      return Shown(DecideDropQuarantined(group, request));
    };
  }

  std::mt19937_64 random_;
  std::map<uint64_t, uint64_t> sequences_;
  std::map<uint64_t, std::vector<v1::Batch>> sent_;
};

// What must be alike however requests were batched: everything but revisions.
std::string WithoutRevisions(Ledger& ledger) {
  State& state = ledger.mutable_state();
  state.counters.revision = 0;
  for (const uint32_t key : state.items.SortedKeys()) state.items.Mutable(key).set_revision(0);
  for (const uint32_t key : state.locations.SortedKeys())
    state.locations.Mutable(key).set_revision(0);
  for (const std::string& key : state.rules.SortedKeys()) state.rules.Mutable(key).set_revision(0);
  for (const std::string& key : state.rule_versions.SortedKeys()) {
    for (RuleVersion& version : state.rule_versions.Mutable(key)) version.rule.set_revision(0);
  }
  return EncodeState(state);
}

TEST(LedgerSimulationTest, OneBatchOfManyEqualsManyBatchesOfOne) {
  const uint64_t seed = Seed();
  for (int round = 0; round < Rounds(60); ++round) {
    RequestMaker maker(seed + static_cast<uint64_t>(round));
    std::mt19937_64 random(seed * 31 + static_cast<uint64_t>(round));
    Chain one;
    Chain many;
    one.Run(Founding(), kStart);
    many.Run(Founding(), kStart);
    int64_t now_us = kStart;
    for (int step = 0; step < 40; ++step) {
      now_us += static_cast<int64_t>(random() % (3 * kHour));
      std::vector<Request> requests;
      for (uint64_t i = 0; i < 1 + random() % 8; ++i) requests.push_back(maker.Next(now_us));
      const std::vector<std::string> answers = one.Run(requests, now_us);
      for (size_t i = 0; i < requests.size(); ++i) {
        ASSERT_EQ(many.Run({requests[i]}, now_us)[0], answers[i])
            << "request " << i << " of step " << step << ", round " << round
            << ", ONHAND_SEED=" << seed;
      }
    }
    ASSERT_EQ(WithoutRevisions(*one.ledger), WithoutRevisions(*many.ledger))
        << "round " << round << ", ONHAND_SEED=" << seed;
  }
}

TEST(LedgerSimulationTest, RestartAndReplayAreByteEqual) {
  const uint64_t seed = Seed();
  for (int round = 0; round < Rounds(60); ++round) {
    RequestMaker maker(seed + static_cast<uint64_t>(round));
    std::mt19937_64 random(seed * 37 + static_cast<uint64_t>(round));
    Chain straight;
    Chain restarted;
    straight.Run(Founding(), kStart);
    restarted.Run(Founding(), kStart);
    int64_t now_us = kStart;
    for (int step = 0; step < 40; ++step) {
      now_us += static_cast<int64_t>(random() % (3 * kHour));
      std::vector<Request> requests;
      for (uint64_t i = 0; i < 1 + random() % 8; ++i) requests.push_back(maker.Next(now_us));
      ASSERT_EQ(restarted.Run(requests, now_us), straight.Run(requests, now_us));
      if (random() % 4 == 0) restarted.Restart();
      ASSERT_EQ(EncodeState(restarted.ledger->state()), EncodeState(straight.ledger->state()))
          << "step " << step << ", round " << round << ", ONHAND_SEED=" << seed;
    }
    Ledger replayed{Settings{}};
    for (const auto& [row, record] : straight.rows) {
      ASSERT_TRUE(replayed.ApplyFacts(row, record, 0, record.facts_size()).ok());
      replayed.EndSlice();
    }
    ASSERT_EQ(EncodeState(replayed.state()), EncodeState(straight.ledger->state()))
        << "round " << round << ", ONHAND_SEED=" << seed;
  }
}

TEST(LedgerSimulationTest, InterleavingOfSourcesDoesNotMatter) {
  const uint64_t seed = Seed();
  for (int round = 0; round < Rounds(200); ++round) {
    RequestMaker maker(seed + static_cast<uint64_t>(round));
    std::mt19937_64 random(seed * 41 + static_cast<uint64_t>(round));
    // Each source's batches in its own order; nothing too late, out of range or unknown.
    std::vector<std::vector<v1::Batch>> batches(kSources);
    for (int which = 0; which < kSources; ++which) {
      for (uint64_t sequence = 1; sequence <= 6; ++sequence) {
        v1::Batch batch;
        batch.set_sequence(sequence);
        for (int i = 0; i < 5; ++i) {
          v1::Movement movement = maker.RandomMovement(kStart + 20 * kHour, false);
          movement.set_sku(Sku(random() % (kItems - 2)));
          movement.set_quantity(static_cast<int64_t>(random() % 9));
          *batch.add_movements() = movement;
        }
        batches[static_cast<size_t>(which)].push_back(batch);
      }
    }
    std::string first_numbers;
    for (int order = 0; order < 3; ++order) {
      Chain chain;
      std::vector<Request> founding = Founding();
      // The sources' dense ids differ from order to order, too.
      std::shuffle(founding.end() - kSources, founding.end(), random);
      chain.Run(founding, kStart);
      std::vector<size_t> next(kSources, 0);
      int64_t now_us = kStart + 20 * kHour;
      for (int left = kSources * 6; left > 0;) {
        const size_t which = random() % kSources;
        if (next[which] == 6) continue;
        const v1::Batch batch = batches[which][next[which]++];
        now_us += static_cast<int64_t>(random() % (600 * kSecond));
        chain.Run({[&](Group& group) {
                    return Shown(DecideReport(
                        group, *group.state().source_ids.Find(SourceId(which)), 1, 0, batch));
                  }},
                  now_us);
        --left;
      }
      ASSERT_EQ(chain.ledger->state().quarantine.size(), 0u);
      std::string numbers;
      for (int item = 0; item < kItems - 2; ++item) {
        for (int location = 0; location < kLocations; ++location) {
          const State& state = chain.ledger->state();
          absl::StrAppend(
              &numbers, " ",
              PositionOf(state, state.Resolve(Sku(static_cast<uint64_t>(item)), 0)->item,
                         *state.location_ids.Find(LocationId(static_cast<uint64_t>(location))))
                  .on_hand());
        }
      }
      if (order == 0) first_numbers = numbers;
      ASSERT_EQ(numbers, first_numbers)
          << "round " << round << ", order " << order << ", ONHAND_SEED=" << seed;
    }
  }
}

}  // namespace
}  // namespace onhand::ledger
