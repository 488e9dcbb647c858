#include "server/hub/hub.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/hub/image.h"
#include "server/hub/sequencer.h"
#include "server/ledger/decide_request.h"
#include "server/ledger/refusal.h"

namespace onhand::hub {
namespace {

// A wall clock this far behind the last row, or ahead of it, is more likely wrong than right.
constexpr int64_t kBehindMaxUs = int64_t{5} * 60 * 1'000'000;
constexpr int64_t kAheadMaxUs = int64_t{30} * 24 * 3600 * 1'000'000;

absl::Status CheckClock(int64_t now_us, int64_t last_row_us, bool confirmed) {
  if (last_row_us == 0 || confirmed) return absl::OkStatus();
  const int64_t ahead_us = now_us - last_row_us;
  if (ahead_us >= -kBehindMaxUs && ahead_us <= kAheadMaxUs) return absl::OkStatus();
  return ledger::Refuse(
      absl::StatusCode::kFailedPrecondition,
      {.reason = "CLOCK_SUSPECT",
       .field = "wall clock",
       .value = absl::StrCat(ahead_us / 1'000'000, " s from the journal's last row"),
       .problem = "is more likely wrong than right",
       .remedy = "set this machine's clock, or confirm it with serve --confirm-clock"});
}

uint64_t RandomWriter() {
  std::random_device device;
  return static_cast<uint64_t>(device()) << 32 | device();
}

}  // namespace

Hub::Hub(storage::Store* store, Clock* clock, HubOptions options)
    : store_(store), clock_(clock), options_(std::move(options)), ledger_(options_.settings) {}

absl::StatusOr<std::unique_ptr<Hub>> Hub::Start(storage::Store* store, Clock* clock,
                                                HubOptions options) {
  if (absl::Status checked = store->CheckSchema(); !checked.ok()) return checked;
  absl::StatusOr<std::string> journal_id = store->JournalId();
  if (!journal_id.ok()) return journal_id.status();

  std::unique_ptr<Hub> hub(new Hub(store, clock, std::move(options)));
  hub->journal_id_ = *std::move(journal_id);
  const absl::StatusOr<LoadedImage> loaded = LoadImage(store->images(), hub->ledger_);
  if (!loaded.ok()) return loaded.status();
  ImageWriter::Options image_options;
  image_options.needed_above = hub->options_.journal_needed_above;
  hub->image_writer_ = std::make_unique<ImageWriter>(store, &hub->ledger_, &hub->mutex_, *loaded,
                                                     std::move(image_options));
  const absl::StatusOr<storage::JournalHead> end = store->journal().Head();
  if (!end.ok()) return end.status();
  storage::JournalHead head{loaded->header.revision, loaded->header.chain};
  if (absl::Status replayed =
          ReplayJournal(store->journal(), end->revision, head, hub->ledger_,
                        [&](size_t bytes) { hub->image_writer_->CountReplayed(bytes); });
      !replayed.ok()) {
    return replayed;
  }
  const ledger::Counters& counters = hub->ledger_.state().counters;
  if (absl::Status checked =
          CheckClock(clock->NowUs(), counters.time_us, hub->options_.confirm_clock);
      !checked.ok()) {
    return checked;
  }
  hub->revision_.store(head.revision, std::memory_order_release);
  hub->sequencer_ = std::make_unique<Sequencer>(hub.get(), hub->image_writer_.get(), head,
                                                counters.epoch + 1, RandomWriter());
  if (absl::Status started = hub->sequencer_->Start(); !started.ok()) return started;
  return hub;
}

Hub::~Hub() {
  if (sequencer_ != nullptr) Stop();
}

void Hub::Stop(bool take_image) {
  sequencer_->Stop();
  if (take_image && image_writer_->Wait().ok() && sequencer_->health().ok()) {
    if (image_writer_->Begin(sequencer_->head())) image_writer_->Wait().IgnoreError();
  }
}

void Hub::AskImage() { image_writer_->Ask(); }

uint64_t Hub::image_revision() const { return image_writer_->sealed_revision(); }

void Hub::Submit(Write write) {
  auto done =
      std::make_shared<std::function<void(absl::StatusOr<std::string>)>>(std::move(write.done));
  const bool reads_rules = write.decide_by_rules != nullptr;
  auto decide = [this, write = std::move(write), done](ledger::Group& group) -> Sequencer::Finish {
    absl::StatusOr<std::string> answer;
    bool answered = false;
    if (!write.request_id.empty()) {
      absl::StatusOr<std::optional<std::string>> first =
          ledger::FindAnswer(group, write.request_id, write.content_hash);
      if (!first.ok()) {
        answer = first.status();
        answered = true;
      } else if (first->has_value()) {
        answer = **std::move(first);
        answered = true;
      }
    }
    if (!answered) {
      const int facts_before = group.fact_count();
      ledger::AuditTrail trail(&group, &write.call);
      // On the thread that applies: the book does not change meanwhile.
      answer = write.decide_by_rules != nullptr ? write.decide_by_rules(group, ledger_.rule_book())
                                                : write.decide(group);
      if (answer.ok() && !write.call.method.empty()) trail.Tell(write.request_id);
      if (answer.ok() && !write.request_id.empty() && group.fact_count() > facts_before) {
        ledger::KeepAnswer(group, write.request_id, write.content_hash, *answer,
                           write.call.principal);
      }
    }
    return [done, answer = std::move(answer)](const absl::Status& outcome) mutable {
      (*done)(outcome.ok() ? std::move(answer) : absl::StatusOr<std::string>(outcome));
    };
  };
  sequencer_->Submit({std::move(decide), reads_rules},
                     [done](absl::Status refused) { (*done)(std::move(refused)); });
}

void Hub::OpenSource(const v1::Hello& hello,
                     std::function<void(absl::StatusOr<ledger::OpenedSource>)> done) {
  auto shared_done = std::make_shared<decltype(done)>(std::move(done));
  v1::Hello heard = hello;
  if (clock_scale().factor != 1) heard.clear_sent_at();
  sequencer_->Submit(
      {[hello = std::move(heard), shared_done](ledger::Group& group) -> Sequencer::Finish {
        return [shared_done,
                opened = ledger::DecideHello(group, hello)](const absl::Status& outcome) mutable {
          (*shared_done)(outcome.ok() ? std::move(opened)
                                      : absl::StatusOr<ledger::OpenedSource>(outcome));
        };
      }},
      [shared_done](absl::Status refused) { (*shared_done)(std::move(refused)); });
}

void Hub::SubmitHeartbeat(uint32_t source, const v1::Heartbeat& heartbeat,
                          int64_t clock_correction_us) {
  sequencer_->Submit({[=](ledger::Group& group) -> Sequencer::Finish {
                       ledger::DecideHeartbeat(group, source, clock_correction_us, heartbeat);
                       return [](const absl::Status&) {};
                     }},
                     [](absl::Status) {});
}

void Hub::SubmitReport(ReportWrite report) { sequencer_->SubmitReport(std::move(report)); }

void Hub::set_on_applied(OnApplied on_applied) {
  sequencer_->set_on_applied(std::move(on_applied));
}

absl::Status Hub::health() const { return sequencer_->health(); }

}  // namespace onhand::hub
