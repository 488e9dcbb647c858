#include "server/hub/projection.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "onhand/v1/audit.pb.h"
#include "server/hub/chain_for_tests.h"
#include "storage/memory/memory_store.h"
#include "storage/open.h"

namespace onhand::hub {
namespace {

using Row = ChainForTests::Row;

class ProjectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(store_->Migrate().ok());
    chain_.SetUp(3, 2);
  }

  std::unique_ptr<Projector> Project(uint64_t epoch = 1, Projector::Options options = {}) {
    return Project(chain_, store_.get(), epoch, options);
  }
  std::unique_ptr<Projector> Project(ChainForTests& chain, storage::Store* store, uint64_t epoch,
                                     Projector::Options options) {
    Projector::View view;
    view.read = [&chain](absl::FunctionRef<void(const ledger::Ledger&)> read) {
      std::shared_lock<std::shared_mutex> lock(chain.mutex());
      read(chain.ledger());
    };
    view.revision = [&chain] { return chain.revision().load(); };
    if (options.period == Projector::Options().period) options.period = absl::Milliseconds(1);
    return std::make_unique<Projector>(store, epoch, view, &progress_, options);
  }
  void CatchUp() {
    const auto projector = Project();
    ASSERT_TRUE(projector->CatchUp().ok());
  }

  std::optional<storage::StockRow> Stock(const std::string& sku, const std::string& location) {
    absl::MutexLock lock(&database_->mutex);
    const auto found = database_->stock.find({sku, location});
    if (found == database_->stock.end()) return std::nullopt;
    return found->second;
  }
  std::vector<storage::MovementRow> Movements() {
    absl::MutexLock lock(&database_->mutex);
    std::vector<storage::MovementRow> rows;
    for (const auto& [key, row] : database_->movements) rows.push_back(row);
    return rows;
  }

  const std::shared_ptr<storage::MemoryDatabase> database_ =
      std::make_shared<storage::MemoryDatabase>();
  const std::unique_ptr<storage::Store> store_ = storage::NewMemoryStore(database_);
  ChainForTests chain_{store_.get()};
  ProjectionProgress progress_;
};

TEST_F(ProjectionTest, TablesSayWhatTheLedgerSays) {
  chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_LEVEL, .quantity = 10}}));
  chain_.Pass(ChainForTests::kSecond);
  chain_.Commit(chain_.Report(
      {{.quantity = 3}, {.item = 2, .kind = v1::MOVEMENT_KIND_SET_ASIDE, .quantity = 2}}));
  CatchUp();

  EXPECT_EQ(Stock("sku-1", "s1")->on_hand, 7);
  EXPECT_EQ(Stock("sku-2", "s1")->unavailable, 2);
  EXPECT_FALSE(Stock("sku-3", "s1").has_value());
  const auto movements = Movements();
  ASSERT_EQ(movements.size(), 3u);
  EXPECT_EQ(movements[0].kind, "LEVEL");
  EXPECT_EQ(movements[1].kind, "SALE");
  EXPECT_EQ(movements[1].quantity, 3);
  EXPECT_EQ(movements[1].sku, "sku-1");
  EXPECT_EQ(movements[1].location_id, "s1");
  EXPECT_EQ(movements[1].source_id, "till");
  EXPECT_EQ(movements[1].occurred_at_us, chain_.now_us());
  EXPECT_EQ(movements[2].ordinal, 1u);
  EXPECT_EQ(progress_.ProjectedThrough(), chain_.head().revision);
  EXPECT_EQ(progress_.revisions_behind.load(), 0u);
  absl::MutexLock lock(&database_->mutex);
  EXPECT_EQ(database_->items.at("sku-1").name, "Item sku-1");
  EXPECT_EQ(database_->locations.at("s1").known_through_us, chain_.now_us());
  EXPECT_EQ(database_->locations.at("s2").known_through_us, std::nullopt);
  EXPECT_EQ(database_->locations.at("s1").state, "OPEN");
}

TEST_F(ProjectionTest, RunningProjectorFollows) {
  const auto projector = Project();
  for (int i = 1; i <= 20; ++i) {
    chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT}}));
    if (i % 5 == 0) {
      ASSERT_TRUE(projector->CatchUp().ok());
      EXPECT_EQ(Stock("sku-1", "s1")->on_hand, i);
    }
  }
  EXPECT_EQ(Movements().size(), 20u);
}

TEST_F(ProjectionTest, CatchingUpDoesNotWaitForThePeriod) {
  const auto projector = Project(1, {.period = absl::InfiniteDuration()});
  for (int i = 1; i <= 20; ++i) {
    chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT}}));
    ASSERT_TRUE(projector->CatchUp().ok());
    EXPECT_EQ(Stock("sku-1", "s1")->on_hand, i);
  }
}

TEST_F(ProjectionTest, FullTurnsFollowEachOtherWithoutThePeriod) {
  for (int i = 0; i < 50; ++i) chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT}}));
  const auto projector = Project(1, {.period = absl::InfiniteDuration(), .rows_max = 3});
  // Nobody asks for them.
  while (progress_.ProjectedThrough() < chain_.head().revision) std::this_thread::yield();
  EXPECT_EQ(Stock("sku-1", "s1")->on_hand, 50);
}

TEST_F(ProjectionTest, SmallBatchesEndWithTheSameTables) {
  for (int i = 0; i < 50; ++i)
    chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT}, {.item = 2}}));
  const auto projector = Project(1, {.rows_max = 3});
  ASSERT_TRUE(projector->CatchUp().ok());
  EXPECT_EQ(Stock("sku-1", "s1")->on_hand, 50);
  EXPECT_EQ(Stock("sku-2", "s1")->on_hand, -50);
  EXPECT_EQ(Movements().size(), 100u);
}

TEST_F(ProjectionTest, RestartGoesOnFromTheWatermarks) {
  chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT, .quantity = 5}}));
  CatchUp();
  chain_.Commit(chain_.Report({{.quantity = 2}}));
  CatchUp();
  EXPECT_EQ(Stock("sku-1", "s1")->on_hand, 3);
  EXPECT_EQ(Movements().size(), 2u);
}

TEST_F(ProjectionTest, MovementsThatLagAreCaughtUpWithoutTouchingTheOthers) {
  for (int i = 0; i < 5; ++i) chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT}}));
  // As after a crash between the two writes.
  storage::ProjectionBatch batch;
  batch.through_revision = chain_.head().revision;
  ASSERT_TRUE(store_->projection().Write(1, batch).ok());
  CatchUp();
  EXPECT_EQ(Movements().size(), 5u);
  EXPECT_FALSE(Stock("sku-1", "s1").has_value());
}

// A hold of two lines, of which one waits for supply.
journal::Fact HeldAt(const std::string& id, v1::ReservationState state) {
  journal::Fact fact;
  journal::Reservation& reservation = *fact.mutable_reservation_changed()->mutable_reservation();
  reservation.set_id(id);
  reservation.set_created_us(ChainForTests::kMinute);
  if (state == v1::RESERVATION_STATE_HELD) reservation.set_expires_us(2 * ChainForTests::kMinute);
  for (uint32_t line_id = 1; line_id <= 2; ++line_id) {
    journal::ReservationLine& line = *reservation.add_lines();
    line.set_line_id(line_id);
    line.set_item(line_id);
    line.set_units(3);
    line.set_location(line_id == 1 ? 1 : 0);
    line.set_promise(line_id == 1 ? v1::LINE_PROMISE_STOCK : v1::LINE_PROMISE_BACKORDER);
    line.set_state(state);
  }
  return fact;
}

TEST_F(ProjectionTest, CompactedJournalMakesItWriteEveryTableAnew) {
  for (int i = 0; i < 5; ++i) chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT}}));
  journal::Record rule;
  rule.add_facts()->mutable_rule_set()->mutable_rule()->set_rule_id("floor");
  chain_.Commit(rule);
  chain_.Commit(HeldAt(std::string(16, 'r'), v1::RESERVATION_STATE_HELD));
  chain_.Commit(chain_.Report({{.quantity = 1}}));
  ASSERT_TRUE(store_->journal().Compact(chain_.head().revision - 1).ok());
  CatchUp();

  EXPECT_EQ(Stock("sku-1", "s1")->on_hand, 4);
  EXPECT_EQ(Movements().size(), 1u);
  EXPECT_EQ(progress_.ProjectedThrough(), chain_.head().revision);
  absl::MutexLock lock(&database_->mutex);
  EXPECT_EQ(database_->items.size(), 3u);
  EXPECT_EQ(database_->locations.size(), 2u);
  EXPECT_EQ(database_->rules.size(), 1u);
  EXPECT_EQ(database_->reservations.size(), 2u);
}

TEST_F(ProjectionTest, AReservationsLinesSayWhatTheyAreNow) {
  const std::string id(16, 'r');
  const auto projector = Project();
  chain_.Commit(HeldAt(id, v1::RESERVATION_STATE_HELD));
  ASSERT_TRUE(projector->CatchUp().ok());
  const auto lines = [&] {
    absl::MutexLock lock(&database_->mutex);
    std::vector<storage::ReservationRow> rows;
    for (const auto& [key, row] : database_->reservations) rows.push_back(row);
    return rows;
  };
  ASSERT_EQ(lines().size(), 2u);
  EXPECT_EQ(lines()[0].reservation_id, "72727272-7272-7272-7272-727272727272");
  EXPECT_EQ(lines()[0].sku, "sku-1");
  EXPECT_EQ(lines()[0].location_id, "s1");
  EXPECT_EQ(lines()[0].state, "HELD");
  EXPECT_EQ(lines()[0].expires_at_us, 2 * ChainForTests::kMinute);
  EXPECT_EQ(lines()[1].location_id, "");
  EXPECT_EQ(lines()[1].promise, "BACKORDER");
  chain_.Commit(HeldAt(id, v1::RESERVATION_STATE_COMMITTED));
  ASSERT_TRUE(projector->CatchUp().ok());
  ASSERT_EQ(lines().size(), 2u);
  EXPECT_EQ(lines()[0].state, "COMMITTED");
  EXPECT_EQ(lines()[0].expires_at_us, std::nullopt);
}

TEST_F(ProjectionTest, LaterEpochEndsIt) {
  ASSERT_TRUE(store_->projection().WriteMovements(2, 0, {}).ok());
  const auto projector = Project(1);
  EXPECT_TRUE(absl::IsFailedPrecondition(projector->CatchUp()));
  EXPECT_TRUE(absl::IsFailedPrecondition(projector->status()));
  EXPECT_FALSE(Stock("sku-1", "s1").has_value());
}

TEST_F(ProjectionTest, EndedRuleKeepsItsDefinition) {
  journal::Record set;
  journal::Rule* rule = set.add_facts()->mutable_rule_set()->mutable_rule();
  rule->set_rule_id("floor");
  rule->set_chain_floor(5);
  rule->set_version(3);
  rule->set_author("Ann");
  chain_.Commit(set);
  const auto projector = Project();
  ASSERT_TRUE(projector->CatchUp().ok());
  journal::Record ended;
  ended.add_facts()->mutable_rule_ended()->set_rule_id("floor");
  chain_.Commit(ended);
  ASSERT_TRUE(projector->CatchUp().ok());

  absl::MutexLock lock(&database_->mutex);
  const storage::RuleRow& row = database_->rules.at("floor");
  EXPECT_TRUE(row.ended);
  EXPECT_EQ(row.version, 3u);
  EXPECT_NE(row.definition_json.find("\"chainFloor\":{\"units\":5}"), std::string::npos)
      << row.definition_json;
  ASSERT_EQ(database_->audits.size(), 2u);
  EXPECT_EQ(database_->audits.begin()->second.action, "SET_RULE");
  EXPECT_EQ(database_->audits.begin()->second.subject, "floor");
  EXPECT_EQ(database_->audits.begin()->second.author, "Ann");
}

TEST_F(ProjectionTest, ChangesOfTheChainAndOfSupplyAreAudited) {
  journal::Record record;
  journal::ChainSet& set = *record.add_facts()->mutable_chain_set();
  set.mutable_chain()->set_time_zone("Europe/Berlin");
  set.mutable_chain()->set_confirm_hiding_percent(5);
  set.set_author("Ann");
  set.set_reason("moved");
  for (const int64_t units : {40, 0}) {
    journal::IncomingSet& incoming = *record.add_facts()->mutable_incoming_set();
    incoming.set_reference("PO-1");
    incoming.set_item(2);
    incoming.set_location(1);
    incoming.set_units(units);
    incoming.set_due_us(chain_.now_us());
    incoming.set_author("Bob");
  }
  chain_.Commit(record);
  CatchUp();
  absl::MutexLock lock(&database_->mutex);
  std::vector<std::string> audits;
  for (const auto& [key, row] : database_->audits) {
    audits.push_back(absl::StrCat(row.author, ": ", row.action, " ", row.subject, " ", row.reason));
  }
  EXPECT_EQ(audits, (std::vector<std::string>{
                        "Ann: SET_CHAIN time zone Europe/Berlin, confirm hiding 5 % moved",
                        "Bob: SET_INCOMING sku-2, s1, PO-1, 40 units ",
                        "Bob: CLOSE_INCOMING sku-2, s1, PO-1, 0 units "}));
}

TEST_F(ProjectionTest, AnAuditedCallIsToldByItsChanges) {
  journal::Record record;
  journal::Rule* rule = record.add_facts()->mutable_rule_set()->mutable_rule();
  rule->set_rule_id("floor");
  rule->set_chain_floor(5);
  journal::Location* location = record.add_facts()->mutable_location_set()->mutable_location();
  *location = *chain_.ledger().state().locations.Find(1);
  location->set_name("Anew");
  journal::Audited& audited = *record.add_facts()->mutable_audited();
  audited.set_facts(2);
  audited.set_principal("ana-laptop");
  audited.set_peer("203.0.113.7:51234");
  audited.set_method("onhand.v1.RuleService/SetRule");
  audited.set_author("Ann");
  audited.set_change_count(2);
  for (const v1::AuditSubject subject : {v1::AUDIT_SUBJECT_RULE, v1::AUDIT_SUBJECT_LOCATION}) {
    journal::AuditChange& change = *audited.add_changes();
    change.set_subject(subject);
    change.set_subject_id(subject == v1::AUDIT_SUBJECT_RULE ? "floor" : "s1");
    change.set_action("DID");
    change.set_before_json("{}");
    change.set_after_json("{\"name\":\"Anew\"}");
  }
  chain_.Commit(record);
  CatchUp();
  absl::MutexLock lock(&database_->mutex);
  ASSERT_EQ(database_->audits.size(), 2u);  // and not the rule once more, as its fact says it
  const storage::AuditRow& row = database_->audits.rbegin()->second;
  EXPECT_EQ(row.subject, "location s1");
  EXPECT_EQ(row.ordinal, 1u);
  EXPECT_EQ(row.principal, "ana-laptop");
  EXPECT_EQ(row.peer, "203.0.113.7:51234");
  EXPECT_EQ(row.method, "onhand.v1.RuleService/SetRule");
  EXPECT_EQ(row.before_json, "{}");
  EXPECT_EQ(row.after_json, "{\"name\":\"Anew\"}");
  EXPECT_EQ(row.author, "Ann");
}

TEST_F(ProjectionTest, RenamedItemLeavesNoStockUnderItsOldSku) {
  chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT, .quantity = 5}}));
  CatchUp();
  journal::Fact renamed;
  renamed.mutable_item_renamed()->set_item(1);
  renamed.mutable_item_renamed()->set_new_sku("new-1");
  chain_.Commit(renamed);
  CatchUp();
  EXPECT_EQ(Stock("new-1", "s1")->on_hand, 5);
  EXPECT_EQ(Stock("sku-1", "s1")->on_hand, 0);
  absl::MutexLock lock(&database_->mutex);
  EXPECT_TRUE(database_->items.at("new-1").published);
  EXPECT_FALSE(database_->items.at("sku-1").published);
}

TEST_F(ProjectionTest, MergedItemMovesItsStockAndItsMovementsSaySo) {
  chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT, .quantity = 5},
                               {.item = 2, .kind = v1::MOVEMENT_KIND_RECEIPT, .quantity = 4}}));
  journal::Fact merged;
  merged.mutable_items_merged()->set_item(1);
  merged.mutable_items_merged()->set_duplicate(2);
  merged.mutable_items_merged()->set_occurred_us(chain_.now_us());
  merged.mutable_items_merged()->set_ordinal(1);
  merged.mutable_items_merged()->add_location(1);
  merged.mutable_items_merged()->add_on_hand(4);
  merged.mutable_items_merged()->add_unavailable(0);
  CatchUp();
  chain_.Commit(merged);
  CatchUp();
  EXPECT_EQ(Stock("sku-1", "s1")->on_hand, 9);
  EXPECT_EQ(Stock("sku-2", "s1")->on_hand, 0);
  EXPECT_EQ(Movements().back().kind, "ADJUSTMENT");
  EXPECT_EQ(Movements().back().quantity, 4);
}

TEST_F(ProjectionTest, DisplayChangesAreKeptOneByOne) {
  for (const v1::AvailabilityStatus status :
       {v1::AVAILABILITY_STATUS_HIDDEN, v1::AVAILABILITY_STATUS_IN_STOCK}) {
    journal::Fact fact;
    fact.mutable_display_changed()->set_item(1);
    fact.mutable_display_changed()->set_status(status);
    fact.mutable_display_changed()->set_salable(4);
    fact.mutable_display_changed()->set_rule_id("floor");
    fact.mutable_display_changed()->set_rule_version(7);
    chain_.Commit(fact);
  }
  CatchUp();
  absl::MutexLock lock(&database_->mutex);
  ASSERT_EQ(database_->display_changes.size(), 2u);
  const storage::DisplayChangeRow& first = database_->display_changes.begin()->second;
  EXPECT_EQ(first.status, "HIDDEN");
  EXPECT_EQ(first.channel_id, "web");
  EXPECT_EQ(first.sku, "sku-1");
  EXPECT_EQ(first.rule_id, "floor");
  EXPECT_EQ(first.rule_version, 7u);
}

TEST_F(ProjectionTest, MovementsPastTheirTimeAreDropped) {
  chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT}}));
  chain_.Pass(100 * ChainForTests::kMinute);
  chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT}}));
  chain_.Pass(100 * ChainForTests::kMinute);
  chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT}}));
  {
    const auto projector = Project(1, {.movements_kept = absl::Minutes(150)});
    ASSERT_TRUE(projector->CatchUp().ok());
    // The drop follows the writes within the same look.
    chain_.Commit(journal::Record());
    ASSERT_TRUE(projector->CatchUp().ok());
  }
  EXPECT_EQ(Movements().size(), 2u);
}

TEST_F(ProjectionTest, RowThatIsDurableButNotAppliedWaits) {
  chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT}}));
  const uint64_t applied = chain_.head().revision;
  chain_.Commit(chain_.Report({{.kind = v1::MOVEMENT_KIND_RECEIPT}}));
  chain_.revision().store(applied);
  CatchUp();
  EXPECT_EQ(progress_.ProjectedThrough(), applied);
  EXPECT_EQ(Movements().size(), 1u);
  chain_.revision().store(applied + 1);
  CatchUp();
  EXPECT_EQ(Stock("sku-1", "s1")->on_hand, 2);
  EXPECT_EQ(Movements().size(), 2u);
}

// The tables of both kinds of store as text.
std::vector<std::string> Dump(storage::MemoryDatabase& database) {
  absl::MutexLock lock(&database.mutex);
  std::vector<std::string> rows;
  for (const auto& [key, row] : database.stock) {
    rows.push_back(
        absl::StrCat(row.sku, "|", row.location_id, "|", row.on_hand, "|", row.unavailable));
  }
  for (const auto& [key, row] : database.movements) {
    rows.push_back(absl::StrCat(row.revision, "|", row.ordinal, "|", row.sku, "|", row.location_id,
                                "|", row.kind, "|", row.quantity, "|", row.occurred_at_us));
  }
  for (const auto& [key, row] : database.display_changes) {
    rows.push_back(absl::StrCat(row.revision, "|", row.ordinal, "|", row.sku, "|", row.status));
  }
  for (const auto& [key, row] : database.rules)
    rows.push_back(absl::StrCat(row.rule_id, "|", row.definition_json));
  return rows;
}

std::vector<std::string> Dump(const std::string& tables_path) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(tables_path.c_str(), &database), SQLITE_OK);
  std::vector<std::string> rows;
  const auto add = [](void* to, int columns, char** values, char**) {
    std::string row;
    for (int i = 0; i < columns; ++i) absl::StrAppend(&row, i > 0 ? "|" : "", values[i]);
    static_cast<std::vector<std::string>*>(to)->push_back(row);
    return 0;
  };
  const char* const kQueries[] = {
      "SELECT sku, location_id, on_hand, unavailable FROM stock ORDER BY sku, location_id",
      "SELECT revision, ordinal, sku, location_id, kind, quantity, occurred_at_us FROM movement "
      "ORDER BY revision, ordinal",
      "SELECT revision, ordinal, sku, status FROM display_change ORDER BY revision, ordinal",
      "SELECT rule_id, definition_json FROM rule ORDER BY rule_id"};
  for (const char* query : kQueries) {
    EXPECT_EQ(sqlite3_exec(database, query, add, &rows, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
  }
  sqlite3_close(database);
  return rows;
}

TEST_F(ProjectionTest, SqliteHoldsTheSameTablesWhileFactsGoOn) {
  const std::string path = ::testing::TempDir() + "/projection_test.db";
  const auto remove = [&] {
    for (const char* suffix : {"", "-wal", "-shm", "-tables", "-tables-wal", "-tables-shm"}) {
      std::filesystem::remove(path + suffix);
    }
  };
  remove();
  const auto opened = storage::OpenStore("sqlite:" + path, "");
  ASSERT_TRUE(opened.ok()) << opened.status();
  storage::Store* sqlite = opened->get();
  ASSERT_TRUE(sqlite->Migrate().ok());
  ChainForTests other(sqlite);
  other.SetUp(3, 2);
  ProjectionProgress progress;
  {
    const auto here = Project(1, {.rows_max = 40});
    const auto there = std::make_unique<Projector>(
        sqlite, 1,
        Projector::View{.read =
                            [&](absl::FunctionRef<void(const ledger::Ledger&)> read) {
                              std::shared_lock<std::shared_mutex> lock(other.mutex());
                              read(other.ledger());
                            },
                        .revision = [&] { return other.revision().load(); }},
        &progress, Projector::Options{.period = absl::Milliseconds(1), .rows_max = 70});
    std::mt19937 random(1);
    std::mt19937 same(1);
    for (int i = 0; i < 60; ++i) {
      chain_.Commit(chain_.SomethingHappens(random, 3, 2));
      other.Commit(other.SomethingHappens(same, 3, 2));
    }
    ASSERT_TRUE(here->CatchUp().ok());
    ASSERT_TRUE(there->CatchUp().ok());
  }
  const std::vector<std::string> rows = Dump(path + "-tables");
  EXPECT_GT(rows.size(), 400u);
  EXPECT_EQ(rows, Dump(*database_));
  remove();
}

}  // namespace
}  // namespace onhand::hub
