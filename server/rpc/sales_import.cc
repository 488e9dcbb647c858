#include "server/rpc/sales_import.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/decide_request.h"
#include "server/ledger/refusal.h"
#include "server/ledger/validate.h"

namespace onhand::rpc {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kHalfDay_s = 43'200;
constexpr int64_t kBrokenOff_us = int64_t{60} * kMicrosPerSecond;
constexpr int64_t kKept_us = int64_t{3'600} * kMicrosPerSecond;
constexpr int64_t kDay_us = int64_t{86'400} * kMicrosPerSecond;
constexpr int kSalesMax = 10'000;
constexpr int64_t kUnitsMax = 1'000'000;
// 2000-01-01: what comes from before is a wrong unit of time.
constexpr int64_t kEarliest_us = int64_t{946'684'800} * kMicrosPerSecond;
// Under one lock.
constexpr int kSalesPerSlice = 2'000;
constexpr int kPositionsPerSlice = 8'192;

absl::Status UnknownImport(const std::string& import_id) {
  return ledger::Refuse(
      absl::StatusCode::kNotFound,
      {.reason = "UNKNOWN_IMPORT",
       .field = "import_id",
       .value = import_id,
       .problem = "is no import under way: it is finished, an hour old, was silent for a minute "
                  "while another began, or is of a hub that was restarted",
       .remedy = "start the import again"});
}

absl::Status UnderWay(std::string problem, std::string remedy) {
  return ledger::Refuse(
      absl::StatusCode::kResourceExhausted,
      {.reason = "IMPORT_UNDER_WAY", .problem = std::move(problem), .remedy = std::move(remedy)});
}

void RefuseRow(int index, absl::string_view reason, std::string message,
               v1::AddPastSalesResponse* response) {
  v1::RefusedPastSale& refused = *response->add_refused();
  refused.set_index(static_cast<uint32_t>(index));
  refused.set_reason(std::string(reason));
  refused.set_message(std::move(message));
}

// Adds a row, or says why not.
void TakeRow(const ledger::State& state, int64_t now_us, int index, const v1::PastSale& sale,
             ledger::PastSales* sales, v1::AddPastSalesResponse* response) {
  const ledger::CodeTarget* target = state.Resolve(sale.sku(), 0);
  if (target == nullptr) {
    return RefuseRow(index, "UNKNOWN_ITEM",
                     absl::StrCat("sku '", sale.sku(), "': is no item; import the catalog first"),
                     response);
  }
  const uint32_t* location = state.location_ids.Find(sale.location_id());
  if (location == nullptr) {
    return RefuseRow(index, "UNKNOWN_LOCATION",
                     absl::StrCat("location_id '", sale.location_id(),
                                  "': is no location; import the locations first"),
                     response);
  }
  const bool in_range = sale.units() >= -kUnitsMax && sale.units() <= kUnitsMax;
  const int64_t units = in_range ? sale.units() * int64_t{target->pack_factor} : 0;
  if (!in_range || !ledger::IsUnits(units)) {
    return RefuseRow(index, "QUANTITY_OUT_OF_RANGE",
                     absl::StrCat("units ", sale.units(), ": send -1,000,000 to 1,000,000"),
                     response);
  }
  const int64_t at_us = sale.has_sold_at() ? ledger::MicrosOf(sale.sold_at()) : 0;
  if (at_us < kEarliest_us || at_us > now_us + kDay_us) {
    return RefuseRow(index, "INVALID_MOMENT",
                     absl::StrCat("sold_at ", at_us / kMicrosPerSecond,
                                  " s: send a moment between the year 2000 and now"),
                     response);
  }
  if (sales == nullptr) return;
  int64_t at_s = at_us / kMicrosPerSecond;
  // By its noon a local day is itself whatever the offset.
  if (sale.whole_day())
    at_s = state.learned().LocationOf(*location).clock.DayStart(at_s) + kHalfDay_s;
  sales->Add(target->item, *location, at_s, units, sale.whole_day());
}

void FillAnswer(const ledger::Lesson& lesson, v1::FinishSalesImportResponse* response) {
  response->set_position_count(lesson.position_count);
  response->set_item_count(lesson.item_count);
  response->set_location_count(lesson.location_count);
  *response->mutable_first_sale_at() = ledger::TimestampOf(lesson.first_sale_s * kMicrosPerSecond);
  *response->mutable_last_sale_at() = ledger::TimestampOf(lesson.last_sale_s * kMicrosPerSecond);
  response->set_unit_count(lesson.unit_count);
}

}  // namespace

SalesImports::~SalesImports() {
  std::thread teacher;
  {
    absl::MutexLock lock(&mutex_);
    teacher = std::move(teacher_);
  }
  if (teacher.joinable()) teacher.join();
}

SalesImports::Import* SalesImports::Find(const std::string& id) {
  if (import_ == nullptr || import_->id != id) return nullptr;
  if (!finishing_ && clock_->NowUs() - import_->begun_us > kKept_us) import_.reset();
  return import_.get();
}

absl::Status SalesImports::Start(const v1::StartSalesImportRequest& /*request*/,
                                 v1::StartSalesImportResponse* response) {
  absl::MutexLock lock(&mutex_);
  // One that a Finish left here was only rehearsed, or could not be taught: the next may replace
  // it.
  if (import_ != nullptr && Find(import_->id) != nullptr && (finishing_ || !import_->answered)) {
    const int64_t silent_us = clock_->NowUs() - import_->heard_us;
    if (finishing_) return UnderWay("another import is being finished", "try again in a minute");
    if (silent_us < kBrokenOff_us) {
      return UnderWay(absl::StrCat("another import sends its sales: it was heard of ",
                                   silent_us / kMicrosPerSecond, " s ago"),
                      "wait for it; if it was broken off, try again when a minute has passed "
                      "since, and it makes room");
    }
  }
  import_ = std::make_unique<Import>();
  import_->begun_us = import_->heard_us = clock_->NowUs();
  // The epoch tells this hub's imports from those before a restart.
  const uint64_t epoch =
      hub_->Read([](const ledger::Ledger& ledger) { return ledger.state().counters.epoch; });
  import_->id = absl::StrCat("sales-", epoch, "-", ++started_);
  response->set_import_id(import_->id);
  return absl::OkStatus();
}

absl::Status SalesImports::Add(const v1::AddPastSalesRequest& request,
                               v1::AddPastSalesResponse* response) {
  if (request.sales_size() > kSalesMax) {
    return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                          {.reason = "BATCH_TOO_LARGE",
                           .field = "sales",
                           .value = absl::StrCat(request.sales_size()),
                           .problem = "are more than 10,000 rows",
                           .remedy = "send them in parts"});
  }
  absl::MutexLock lock(&mutex_);
  Import* import = Find(request.import_id());
  if (import == nullptr) return UnknownImport(request.import_id());
  if (finishing_) return UnderWay("the import is being finished", "wait for its answer");
  if (import->sales.full()) {
    return ledger::Refuse(
        absl::StatusCode::kInvalidArgument,
        {.reason = "BATCH_TOO_LARGE",
         .field = "sales",
         .problem = absl::StrCat("the import holds ", ledger::PastSales::kHoursMax,
                                 " hours of sales already"),
         .remedy = "send the last year only: older sales teach nothing"});
  }
  import->heard_us = clock_->NowUs();
  // A part that came before is judged again, for the same answer, and not added.
  ledger::PastSales* sales = import->parts.insert(request.part()).second ? &import->sales : nullptr;
  for (int first = 0; first < request.sales_size(); first += kSalesPerSlice) {
    const int end = std::min(first + kSalesPerSlice, request.sales_size());
    hub_->Read([&](const ledger::Ledger& ledger) {
      for (int i = first; i < end; ++i)
        TakeRow(ledger.state(), clock_->NowUs(), i, request.sales(i), sales, response);
    });
  }
  return absl::OkStatus();
}

void SalesImports::Finish(const v1::FinishSalesImportRequest& request,
                          v1::FinishSalesImportResponse* response, Reply reply) {
  const bool asks_only = request.dry_run() && request.request_id().empty();
  absl::StatusOr<std::string> id =
      asks_only ? std::string() : ledger::ParseRequestId(request.request_id());
  if (!id.ok()) return reply(id.status());
  if (absl::Status checked = ledger::CheckText("author", request.author(), ledger::kIdBytesMax);
      !checked.ok())
    return reply(checked);
  Import* import = nullptr;
  std::thread before;
  {
    absl::MutexLock lock(&mutex_);
    import = Find(request.import_id());
    if (import != nullptr && finishing_) {
      return reply(UnderWay("the import is being finished", "ask again with the same request id"));
    }
    const bool answered = hub_->Read([&](const ledger::Ledger& ledger) {
      return ledger.state().answers.Contains(absl::string_view(*id));
    });
    if (answered) import = nullptr;
    if (import != nullptr) {
      finishing_ = true;
      // Under the lock: the new thread may be over before this one goes on.
      before = std::exchange(teacher_, std::thread([this, import, &request, response, reply] {
                               Teach(import, request, response, reply);
                             }));
    }
  }
  // It has given its import back, and only its answer may still be on its way.
  if (before.joinable()) before.join();
  if (import != nullptr) return;
  // Nothing to finish: but it may be the same question again, and then this gives its answer.
  const std::string& import_id = request.import_id();
  if (request.dry_run()) return reply(UnknownImport(import_id));
  return Submit(hub_, request, request.request_id(), false, response, reply,
                [import_id](ledger::Group&) { return UnknownImport(import_id); });
}

void SalesImports::Teach(Import* import, const v1::FinishSalesImportRequest& request,
                         v1::FinishSalesImportResponse* response, Reply reply) {
  const absl::Span<const ledger::PastHour> sorted = import->sales.Sorted();
  const ledger::Lesson lesson = ledger::Teach(sorted, Before(sorted));
  absl::Status status;
  if (!lesson.is_enough() || lesson.facts.empty()) {
    status = ledger::Refuse(absl::StatusCode::kFailedPrecondition,
                            {.reason = "INVALID_IMPORT",
                             .field = "import_id",
                             .value = request.import_id(),
                             .problem = "has less than a week of sales",
                             .remedy = "add more of the past: eight weeks teach well"});
  }
  if (status.ok() && request.dry_run()) {
    FillAnswer(lesson, response);
  } else if (status.ok()) {
    status = Tell(lesson);
  }
  if (!status.ok() || request.dry_run()) {
    End(/*done=*/false);
    return reply(status);
  }
  absl::Notification told;
  v1::FinishSalesImportResponse answer;
  FillAnswer(lesson, &answer);
  // The last fact is added with the answer: until then nothing says that all is told.
  hub::Write write;
  write.request_id = *ledger::ParseRequestId(request.request_id());
  write.content_hash = ContentHash(request);
  write.decide = [&](ledger::Group& group) -> absl::StatusOr<std::string> {
    group.Add(lesson.facts.back());
    answer.set_revision(group.revision());
    return answer.SerializeAsString();
  };
  write.done = [&](absl::StatusOr<std::string> bytes) {
    status = bytes.status();
    if (status.ok()) response->ParseFromString(*bytes);
    told.Notify();
  };
  hub_->Submit(std::move(write));
  told.WaitForNotification();
  End(status.ok());
  reply(status);
}

ledger::LessonBefore SalesImports::Before(absl::Span<const ledger::PastHour> sorted) const {
  ledger::LessonBefore before;
  uint32_t item_end = 0;
  hub_->Read([&](const ledger::Ledger& ledger) {
    before.chain = ledger.state().learned().chain;
    before.locations = ledger.state().learned().locations;
    before.item_rate.reserve(ledger.state().learned().items.size());
    for (const ledger::ItemLearning& item : ledger.state().learned().items)
      before.item_rate.push_back(item.rate);
    item_end = ledger.state().positions.item_end();
  });
  for (size_t next = 0; next < sorted.size();) {
    hub_->Read([&](const ledger::Ledger& ledger) {
      const ledger::PositionTable& positions = ledger.state().positions;
      for (size_t looked_at = 0; looked_at < kPositionsPerSlice && next < sorted.size();) {
        const uint32_t item = sorted[next].item;
        const ledger::PositionTable::ItemPositions of_item = positions.Of(item);
        for (size_t i = 0; i < of_item.cells.size(); ++i) {
          if (of_item.cells[i].on_hand > 0) before.stocked.push_back({item, of_item.locations[i]});
        }
        looked_at += 1 + of_item.cells.size();
        while (next < sorted.size() && sorted[next].item == item) ++next;
      }
    });
  }
  return before;
}

absl::Status SalesImports::Tell(const ledger::Lesson& lesson) {
  for (size_t i = 0; i + 1 < lesson.facts.size(); ++i) {
    absl::Notification told;
    absl::Status status;
    hub::Write write;
    write.decide = [&](ledger::Group& group) -> absl::StatusOr<std::string> {
      group.Add(lesson.facts[i]);
      return std::string();
    };
    write.done = [&](absl::StatusOr<std::string> outcome) {
      status = outcome.status();
      told.Notify();
    };
    hub_->Submit(std::move(write));
    told.WaitForNotification();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void SalesImports::End(bool done) {
  absl::MutexLock lock(&mutex_);
  finishing_ = false;
  if (done) {
    import_.reset();
  } else {
    import_->answered = true;
  }
}

}  // namespace onhand::rpc
