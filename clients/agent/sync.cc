#include "clients/agent/sync.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/agent/scaled_clock.h"
#include "clients/cpp/refusal.h"
#include "grpcpp/create_channel.h"
#include "spdlog/spdlog.h"

namespace onhand::agent {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(500);
constexpr int kRedirectFailuresMax = 3;
constexpr uint32_t kInFlightDefault = 8;
constexpr int kRowsDefault = 10'000;

std::shared_ptr<grpc::Channel> MakeChannel(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  // Finds a hub that is gone without a word; heartbeats keep the hub from asking.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  // Sync waits by itself, with jitter; the channel shall try when it is told to.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

// The hub will not take this source until somebody changes something here.
bool IsFinal(const std::string& reason, bool once) {
  if (reason == "SOURCE_RETIRED" || reason == "INVALID_HELLO") return true;
  return once && reason == "UNKNOWN_LOCATION";
}

}  // namespace

Sync::Sync(Options options, Source* source, Spool* spool, Intake* intake, Bell* bell)
    : options_(std::move(options)),
      source_(source),
      spool_(spool),
      intake_(intake),
      bell_(bell),
      backoff_(options_.backoff_first, options_.backoff_max) {}

void Sync::Stop() {
  stopping_ = true;
  bell_->Ring();
}

std::string Sync::Token() const {
  return options_.token == nullptr ? std::string() : options_.token->text();
}

void Sync::Connect(const std::string& address) {
  address_ = address;
  failures_in_a_row_ = 0;
  stub_ = v1::ReportService::NewStub(MakeChannel(address, options_.credentials));
}

absl::Status Sync::StartIntakeAt(const std::string& position) {
  const absl::StatusOr<bool> recognized = source_->Seek(position);
  if (!recognized.ok()) return recognized.status();
  if (!intake_started_) intake_->Start();
  intake_started_ = true;
  return absl::OkStatus();
}

SyncResult Sync::Run() {
  const SpoolState state = spool_->state();
  if (!state.stopped.empty()) return {SyncEnd::kTakenOver, state.stopped};
  Connect(options_.hub);
  if (state.met_hub || !source_->rereads()) {
    const absl::Status status = StartIntakeAt(state.input_position);
    if (!status.ok()) return {SyncEnd::kRefused, std::string(status.message())};
  }

  SyncResult result;
  while (!stopping_) {
    FollowRedirect();
    const Talk talk = Converse();
    if (talk.result) {
      result = *talk.result;
      break;
    }
    if (!talk.error.ok()) {
      const std::string problem = client::Describe(talk.error);
      spdlog::warn("hub {}: {}", address_, problem);
      // The reason why it comes back later; the spool's own errors show at its next append.
      (void)spool_->NoteError(absl::StrCat("hub ", address_, ": ", problem));
      if (++failures_in_a_row_ >= kRedirectFailuresMax && address_ != options_.hub) {
        Connect(options_.hub);
      }
    }
    if (stopping_) break;
    StayAway(talk.come_back_after ? *talk.come_back_after : backoff_.Next());
  }
  intake_->Stop();
  if (const auto status = spool_->SaveAcknowledged(); !status.ok()) {
    spdlog::warn("{}", std::string(status.message()));
  }
  return result;
}

void Sync::FollowRedirect() {
  if (!redirected_to_) return;
  const std::string to = *std::exchange(redirected_to_, std::nullopt);
  if (!options_.stays_on_this_machine || client::IsThisMachine(to)) return Connect(to);
  spdlog::error(
      "hub {} sends this source to {}, which would show its token to the network: leave "
      "--insecure out",
      address_, to);
}

void Sync::StayAway(absl::Duration duration) {
  const absl::Time until = absl::Now() + duration;
  while (!stopping_ && absl::Now() < until) bell_->Wait(std::min(kLook, until - absl::Now()));
}

v1::Hello Sync::MakeHello() const {
  v1::Hello hello = options_.hello;
  hello.set_spool_id(stand_in_spool_id_.value_or(spool_->state().spool_id));
  const absl::Time now = absl::Now();
  const int64_t seconds = absl::ToUnixSeconds(now);
  hello.mutable_sent_at()->set_seconds(seconds);
  hello.mutable_sent_at()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(now - absl::FromUnixSeconds(seconds))));
  return hello;
}

Sync::Talk Sync::Converse() {
  // Read anew: a hub that ended the last stream may ask for the token that replaced it.
  Link link(stub_.get(), Token(), bell_);
  const absl::StatusOr<v1::Welcome> welcome = Greet(link);
  if (!welcome.ok()) {
    const std::optional<grpc::Status> ended = link.ended();
    if (ended) return AfterEnd(*ended);
    Talk talk;
    if (!stopping_) talk.error = welcome.status();
    return talk;
  }
  Talk talk;
  talk.error = AdoptClock(*welcome);
  if (!talk.error.ok()) return talk;
  const absl::StatusOr<Agreement> agreement = Agree(*welcome);
  if (!agreement.ok()) {
    talk.error = agreement.status();
    if (absl::IsInvalidArgument(agreement.status())) {
      talk.result = {SyncEnd::kRefused, std::string(agreement.status().message())};
    }
    return talk;
  }
  if (*agreement == Agreement::kRenewed) {
    talk.come_back_after = absl::ZeroDuration();
    return talk;
  }
  backoff_.Reset();
  failures_in_a_row_ = 0;
  return Exchange(link, *welcome);
}

absl::StatusOr<v1::Welcome> Sync::Greet(Link& link) {
  v1::ReportRequest request;
  *request.mutable_hello() = MakeHello();
  link.Write(std::move(request));
  const absl::Time deadline = absl::Now() + options_.answer;
  while (!stopping_ && absl::Now() < deadline) {
    while (const auto response = link.TakeResponse()) {
      if (response->has_welcome()) return response->welcome();
      if (response->has_redirect()) {
        redirected_to_ = response->redirect().address();
        return absl::UnavailableError("the hub sends this source to another hub");
      }
    }
    if (link.ended()) return absl::UnavailableError("the hub ended the stream");
    bell_->Wait(kLook);
  }
  return absl::DeadlineExceededError("the hub did not answer Hello in time: check --hub");
}

absl::Status Sync::AdoptClock(const v1::Welcome& welcome) {
  hub_clock_.reset();
  if (!welcome.has_scaled_clock()) return absl::OkStatus();
  if (!IsLoopback(address_)) {
    return absl::FailedPreconditionError(
        "the hub runs on a scaled clock, which is for demonstrations on one machine: start it "
        "without --clock-scale");
  }
  hub_clock_ = welcome.scaled_clock();
  return absl::OkStatus();
}

absl::StatusOr<v1::Batch> Sync::BatchForHub(uint64_t sequence) const {
  absl::StatusOr<v1::Batch> batch = spool_->Get(sequence);
  if (batch.ok() && hub_clock_) Restamp(*hub_clock_, *batch);
  return batch;
}

absl::StatusOr<bool> Sync::SpoolContinues(const v1::Welcome& welcome) {
  const uint64_t durable = welcome.durable_sequence();
  const SpoolState state = spool_->state();
  if (must_renew_ || stand_in_spool_id_ || durable > state.last_sequence) return false;
  // Another agent with this spool, or a hub restored to before it: the first batch would not follow
  // on.
  if (durable == 0 && welcome.input_position() != state.base_position) return false;
  const absl::StatusOr<std::optional<uint64_t>> hash = spool_->HashAt(durable);
  if (!hash.ok()) return hash.status();
  if (!*hash || (durable > 0 && **hash != welcome.rolling_hash())) return false;
  if (durable < state.last_sequence) {
    const absl::StatusOr<std::optional<uint64_t>> next = spool_->HashAt(durable + 1);
    if (!next.ok()) return next.status();
    // Dropped after a day: a hub restored from an older backup.
    if (!*next) return false;
  }
  const absl::StatusOr<int64_t> rows_max = spool_->RowsMaxAfter(durable);
  if (!rows_max.ok()) return rows_max.status();
  return *rows_max <= batch_rows_max_;
}

absl::StatusOr<Sync::Agreement> Sync::Agree(const v1::Welcome& welcome) {
  batch_rows_max_ =
      welcome.batch_rows_max() > 0 ? static_cast<int>(welcome.batch_rows_max()) : kRowsDefault;
  intake_->set_batch_rows_max(batch_rows_max_);

  const SpoolState state = spool_->state();
  const bool is_new = !state.met_hub && !stand_in_spool_id_ && welcome.durable_sequence() == 0;
  if (is_new && source_->rereads()) {
    if (const auto status = spool_->MeetHub(welcome.input_position()); !status.ok()) return status;
    if (const auto status = StartIntakeAt(welcome.input_position()); !status.ok()) return status;
    return Agreement::kAgreed;
  }
  const absl::StatusOr<bool> continues = SpoolContinues(welcome);
  if (!continues.ok()) return continues.status();
  if (!*continues) {
    if (const auto status = Renew(welcome); !status.ok()) return status;
    return Agreement::kRenewed;
  }
  if (!state.met_hub) {
    if (const auto status = spool_->MeetHub(state.input_position); !status.ok()) return status;
  }
  if (const auto status = spool_->Acknowledge(welcome.durable_sequence()); !status.ok())
    return status;
  return Agreement::kAgreed;
}

absl::Status Sync::Renew(const v1::Welcome& welcome) {
  if (intake_started_) intake_->Pause();
  const SpoolState state = spool_->state();
  bool recognized = false;
  if (source_->rereads()) {
    const absl::StatusOr<bool> sought = source_->Seek(welcome.input_position());
    if (!sought.ok()) return sought.status();
    recognized = *sought;
  }
  std::optional<uint64_t> carry_from;
  if (!recognized) {
    const absl::StatusOr<std::optional<uint64_t>> from =
        FirstUnknownToHub(welcome.durable_sequence());
    if (!from.ok()) {
      // Nothing is decided yet: the source stays where it was.
      if (source_->rereads()) {
        const absl::StatusOr<bool> back = source_->Seek(state.input_position);
        if (!back.ok()) return back.status();
      }
      if (intake_started_) intake_->Resume();
      return from.status();
    }
    carry_from = *from;
  }
  if (const auto status = spool_->Renew(welcome.input_position(), carry_from, batch_rows_max_);
      !status.ok()) {
    return status;
  }
  must_renew_ = false;
  stand_in_spool_id_.reset();
  const SpoolState renewed = spool_->state();
  spdlog::warn(
      "spool {} (up to {}) and the hub (up to {}) do not fit together: spool {} continues where "
      "the hub "
      "is, with {} batches carried over",
      state.spool_id, state.last_sequence, welcome.durable_sequence(), renewed.spool_id,
      renewed.last_sequence);
  if (source_->rereads()) {
    if (const auto status = StartIntakeAt(renewed.input_position); !status.ok()) return status;
  }
  intake_->Resume();
  return absl::OkStatus();
}

// The first unacknowledged batch whose content the hub does not have under this spool_id; nullopt:
// it has them all.
absl::StatusOr<std::optional<uint64_t>> Sync::FirstUnknownToHub(uint64_t durable_sequence) {
  const SpoolState state = spool_->state();
  if (stand_in_spool_id_) {
    if (state.acked_sequence == state.last_sequence) return std::nullopt;
    spdlog::warn(
        "the hub has closed spool {}: its last {} batches are sent again and may count twice",
        state.spool_id, state.last_sequence - state.acked_sequence);
    return state.acked_sequence + 1;
  }
  // The hub was restored: what it once acknowledged and what is still here is carried over.
  if (durable_sequence < state.acked_sequence) return durable_sequence + 1;
  for (uint64_t sequence = state.acked_sequence + 1; sequence <= state.last_sequence; ++sequence) {
    if (sequence > durable_sequence) return sequence;
    const absl::StatusOr<v1::Batch> batch = BatchForHub(sequence);
    if (!batch.ok()) return batch.status();
    v1::SubmitReportRequest request;
    *request.mutable_hello() = MakeHello();
    *request.mutable_batch() = *batch;
    v1::SubmitReportResponse response;
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + options_.answer));
    if (const std::string token = Token(); !token.empty()) {
      context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
    }
    const absl::Status status =
        client::StatusFromGrpc(stub_->SubmitReport(&context, request, &response));
    if (client::RefusalOf(status).reason == "SEQUENCE_REUSED") return sequence;
    if (!status.ok()) return status;
  }
  return std::nullopt;
}

Sync::Talk Sync::Exchange(Link& link, const v1::Welcome& welcome) {
  const uint64_t in_flight_max =
      welcome.batches_in_flight_max() > 0 ? welcome.batches_in_flight_max() : kInFlightDefault;
  next_sequence_ = welcome.durable_sequence() + 1;
  last_sent_ = last_heard_ = absl::Now();
  spdlog::info("connected to hub {}: it has {} of {}", address_, welcome.durable_sequence(),
               spool_->state().last_sequence);
  if (hub_clock_) {
    spdlog::info("the hub's clock runs {} times as fast: moments are moved onto it",
                 hub_clock_->scale());
  }

  Talk talk;
  bool leaving = false;
  while (!leaving) {
    while (const auto response = link.TakeResponse()) {
      last_heard_ = absl::Now();
      if (const auto status = Hear(*response, talk); !status.ok()) {
        talk.error = status;
        return talk;
      }
    }
    if (const auto ended = link.ended()) {
      Talk after = AfterEnd(*ended);
      // What Drain or Redirect said holds; the end that follows it is no failure.
      return talk.come_back_after ? talk : after;
    }
    const absl::Time now = absl::Now();
    if (now - last_saved_ > absl::Seconds(1)) {
      last_saved_ = now;
      if (const auto status = spool_->SaveAcknowledged(); !status.ok()) {
        talk.error = status;
        return talk;
      }
    }
    if (stopping_) intake_->Stop();
    const bool done = (options_.once || intake_->ended()) && EverythingAcknowledged();
    if (done) talk.result = SyncResult{};
    leaving = stopping_ || done || talk.come_back_after.has_value();
    if (leaving) break;
    if (next_sequence_ > spool_->state().acked_sequence + 1 &&
        now - last_heard_ > options_.silence) {
      talk.error = absl::DeadlineExceededError("the hub acknowledged nothing for too long");
      return talk;
    }
    SendNext(link, in_flight_max, /*only_known=*/false);
    bell_->Wait(kLook);
  }
  SayFarewell(link);
  return talk;
}

void Sync::SendNext(Link& link, uint64_t in_flight_max, bool only_known) {
  if (!link.CanWrite()) return;
  const SpoolState state = spool_->state();
  const bool may_send = next_sequence_ <= state.last_sequence &&
                        next_sequence_ <= state.acked_sequence + in_flight_max;
  v1::ReportRequest request;
  if (may_send && !only_known) {
    absl::StatusOr<v1::Batch> batch = BatchForHub(next_sequence_);
    if (!batch.ok()) {
      spdlog::error("{}", std::string(batch.status().message()));
      link.Cancel();
      return;
    }
    *request.mutable_batch() = *std::move(batch);
    ++next_sequence_;
  } else if (only_known || absl::Now() - last_sent_ >= options_.heartbeat) {
    // A claim about time must not overtake the rows that it is about.
    request.mutable_heartbeat();
    for (const v1::KnownThrough& known : intake_->KnownThroughAt(state.acked_sequence)) {
      *request.mutable_heartbeat()->add_known_through() = known;
    }
    if (hub_clock_) Restamp(*hub_clock_, *request.mutable_heartbeat());
  } else {
    return;
  }
  last_sent_ = absl::Now();
  link.Write(std::move(request));
}

absl::Status Sync::Hear(const v1::ReportResponse& response, Talk& talk) {
  if (response.has_ack()) return HearAck(response.ack());
  if (response.has_drain()) {
    // Twice as long at most: a thousand agents shall not come back in one moment.
    const absl::Duration after = absl::Milliseconds(response.drain().reconnect_after_ms());
    talk.come_back_after = after + client::Backoff(after, after).Next();
    spdlog::info("hub {} is about to stop; coming back in {}", address_,
                 absl::FormatDuration(*talk.come_back_after));
  }
  if (response.has_redirect()) {
    spdlog::info("hub {} sends this source to {}", address_, response.redirect().address());
    talk.come_back_after = absl::ZeroDuration();
    redirected_to_ = response.redirect().address();
  }
  return absl::OkStatus();
}

absl::Status Sync::HearAck(const v1::Ack& ack) {
  std::vector<files::RejectedRow> kept_out;
  for (const v1::RowProblem& problem : ack.problems()) {
    spdlog::warn("the hub quarantined row {} of sequence {} ({}): {}", problem.row(),
                 problem.sequence(), problem.reason(), problem.message());
    kept_out.push_back({absl::StrCat("hub quarantine ", problem.quarantine_id()),
                        absl::StrCat("sequence ", problem.sequence(), " row ", problem.row()),
                        absl::StrCat(problem.reason(), ": ", problem.message())});
  }
  if (!kept_out.empty()) {
    if (const auto status = spool_->List(kept_out); !status.ok()) return status;
  }
  // An older acknowledgement may come after a newer one's batch; it says nothing new.
  if (ack.durable_sequence() <= spool_->state().acked_sequence) return absl::OkStatus();
  return spool_->Acknowledge(ack.durable_sequence());
}

void Sync::SayFarewell(Link& link) {
  bool told_time = false;
  bool finished = false;
  Talk ignored;
  const absl::Time deadline = absl::Now() + options_.farewell;
  while (absl::Now() < deadline && !link.ended()) {
    if (link.CanWrite() && !told_time) {
      SendNext(link, 0, /*only_known=*/true);
      told_time = true;
    } else if (link.CanWrite() && !finished) {
      link.FinishWriting();
      finished = true;
    }
    while (const auto response = link.TakeResponse()) {
      // A failing spool shows itself again at the next start; the hub's Welcome repeats what is
      // lost here.
      if (response->has_ack()) (void)HearAck(response->ack());
    }
    bell_->Wait(absl::Milliseconds(50));
  }
}

Sync::Talk Sync::AfterEnd(const grpc::Status& ended) {
  Talk talk;
  talk.error = client::StatusFromGrpc(ended);
  if (talk.error.ok()) {
    talk.error = absl::UnavailableError("the hub ended the stream");
    return talk;
  }
  const std::string reason = client::RefusalOf(talk.error).reason;
  if (reason == "SOURCE_TAKEN_OVER") {
    const std::string message =
        absl::StrCat("another agent reports as source \"", options_.hello.source_id(), "\" since ",
                     absl::FormatTime(absl::Now(), absl::UTCTimeZone()),
                     ": make sure that only one runs, then start this one with --take-over");
    if (const auto status = spool_->SetStopped(message); !status.ok()) {
      spdlog::error("{}", std::string(status.message()));
    }
    talk.result = SyncResult{SyncEnd::kTakenOver, message};
  } else if (reason == "SEQUENCE_REUSED") {
    must_renew_ = true;
  } else if (reason == "SPOOL_ENDED") {
    stand_in_spool_id_ = RandomId();
  } else if (IsFinal(reason, options_.once)) {
    talk.result = SyncResult{SyncEnd::kRefused, client::Describe(talk.error)};
  }
  return talk;
}

bool Sync::EverythingAcknowledged() const {
  const bool told = intake_->ended() || intake_->told_everything();
  const SpoolState state = spool_->state();
  return told && state.acked_sequence == state.last_sequence;
}

}  // namespace onhand::agent
