#include "clients/agent/fake_hub.h"

#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace onhand::agent {
namespace {

grpc::Status Refused(grpc::StatusCode code, const std::string& reason) {
  google::rpc::ErrorInfo info;
  info.set_domain("onhand");
  info.set_reason(reason);
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(reason);
  details.add_details()->PackFrom(info);
  return grpc::Status(code, reason, details.SerializeAsString());
}

}  // namespace

// Lives from Report to OnDone, kept by itself and by the hub while it is the newest.
class FakeHub::Stream : public grpc::ServerBidiReactor<v1::ReportRequest, v1::ReportResponse> {
 public:
  explicit Stream(FakeHub* hub) : hub_(hub) {}

  void Begin(std::shared_ptr<Stream> self) {
    self_ = std::move(self);
    StartRead(&request_);
  }

  void End(const grpc::Status& status) {
    {
      absl::MutexLock locked(&mu_);
      if (over_) return;
      over_ = true;
    }
    Finish(status);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      {
        absl::MutexLock locked(&mu_);
        half_closed_ = true;
      }
      Act();
      return;
    }
    if (request_.has_hello()) Greet();
    if (request_.has_batch()) Take();
    if (request_.has_heartbeat()) {
      absl::MutexLock locked(&hub_->mu_);
      hub_->Know(request_.heartbeat().known_through());
      hub_->heartbeat_ = request_.heartbeat();
    }
    {
      absl::MutexLock locked(&mu_);
      if (over_) return;
    }
    StartRead(&request_);
  }

  void OnWriteDone(bool /*ok*/) override {
    {
      absl::MutexLock locked(&mu_);
      writing_ = false;
      to_say_.pop_front();
    }
    Act();
  }

  void OnDone() override { const std::shared_ptr<Stream> keep = std::move(self_); }

 private:
  void Greet() {
    grpc::Status status;
    v1::ReportResponse response;
    *response.mutable_welcome() = hub_->Open(request_.hello(), status);
    if (!status.ok()) return End(status);
    spool_id_ = request_.hello().spool_id();
    std::shared_ptr<Stream> older;
    absl::Duration drain;
    {
      absl::MutexLock locked(&hub_->mu_);
      older = std::exchange(hub_->newest_, self_);
      drain = std::exchange(hub_->drain_, absl::InfiniteDuration());
    }
    if (older) older->End(Refused(grpc::StatusCode::ABORTED, "SOURCE_TAKEN_OVER"));
    Say(response);
    if (drain == absl::InfiniteDuration()) return;
    v1::ReportResponse leave;
    leave.mutable_drain()->set_reconnect_after_ms(
        static_cast<uint32_t>(absl::ToInt64Milliseconds(drain)));
    Say(leave);
  }

  void Take() {
    const Decision decision = hub_->Apply(spool_id_, request_.batch());
    if (!decision.status.ok()) return End(decision.status);
    if (decision.lose_ack) return End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "ack lost"));
    v1::ReportResponse response;
    response.mutable_ack()->set_durable_sequence(hub_->durable_sequence());
    Say(response);
  }

  void Say(const v1::ReportResponse& response) {
    {
      absl::MutexLock locked(&mu_);
      to_say_.push_back(response);
    }
    Act();
  }

  void Act() {
    const v1::ReportResponse* next = nullptr;
    {
      absl::MutexLock locked(&mu_);
      if (over_ || writing_) return;
      if (!to_say_.empty()) {
        writing_ = true;
        next = &to_say_.front();
      } else if (!half_closed_) {
        return;
      }
    }
    if (next) {
      StartWrite(next);
    } else {
      End(grpc::Status::OK);
    }
  }

  FakeHub* const hub_;
  std::shared_ptr<Stream> self_;
  v1::ReportRequest request_;
  std::string spool_id_;
  absl::Mutex mu_;
  std::deque<v1::ReportResponse> to_say_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool half_closed_ ABSL_GUARDED_BY(mu_) = false;
  bool over_ ABSL_GUARDED_BY(mu_) = false;
};

class FakeHub::Service : public v1::ReportService::CallbackService {
 public:
  explicit Service(FakeHub* hub) : hub_(hub) {}

  grpc::ServerBidiReactor<v1::ReportRequest, v1::ReportResponse>* Report(
      grpc::CallbackServerContext* /*context*/) override {
    auto stream = std::make_shared<Stream>(hub_);
    Stream* const reactor = stream.get();
    reactor->Begin(std::move(stream));
    return reactor;
  }

  grpc::ServerUnaryReactor* SubmitReport(grpc::CallbackServerContext* context,
                                         const v1::SubmitReportRequest* request,
                                         v1::SubmitReportResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    grpc::Status status;
    hub_->Open(request->hello(), status);
    if (status.ok()) {
      const Decision decision = hub_->Apply(request->hello().spool_id(), request->batch());
      status = decision.status;
      response->set_outcome(decision.already_applied ? v1::REPORT_OUTCOME_ALREADY_APPLIED
                                                     : v1::REPORT_OUTCOME_APPLIED);
    }
    reactor->Finish(status);
    return reactor;
  }

 private:
  FakeHub* const hub_;
};

FakeHub::FakeHub() { Start(); }

FakeHub::~FakeHub() { Stop(); }

std::string FakeHub::address() const { return absl::StrCat("127.0.0.1:", port_); }

void FakeHub::Start() {
  service_ = std::make_unique<Service>(this);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(absl::StrCat("127.0.0.1:", port_), grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  port_ = port;
}

void FakeHub::Stop() {
  if (!server_) return;
  std::shared_ptr<Stream> newest;
  {
    absl::MutexLock locked(&mu_);
    newest = std::move(newest_);
    newest_ = nullptr;
  }
  if (newest) newest->End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "stopping"));
  newest.reset();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
  server_->Wait();
  server_.reset();
  service_.reset();
}

v1::Welcome FakeHub::Open(const v1::Hello& hello, grpc::Status& status) {
  absl::MutexLock locked(&mu_);
  ++hellos_;
  v1::Welcome welcome;
  if (ended_spools_.count(hello.spool_id()) > 0) {
    status = Refused(grpc::StatusCode::FAILED_PRECONDITION, "SPOOL_ENDED");
    return welcome;
  }
  if (hello.spool_id() != spool_id_) {
    if (!spool_id_.empty()) ended_spools_.insert(spool_id_);
    spool_id_ = hello.spool_id();
    applied_.clear();
  }
  welcome.set_durable_sequence(applied_.size());
  welcome.set_rolling_hash(applied_.empty() ? 0 : applied_.back().rolling_hash);
  welcome.set_input_position(input_position_);
  welcome.set_last_spool_id(last_spool_id_);
  welcome.set_batches_in_flight_max(8);
  welcome.set_batch_rows_max(batch_rows_max_);
  if (scaled_clock_) *welcome.mutable_scaled_clock() = *scaled_clock_;
  return welcome;
}

FakeHub::Decision FakeHub::Apply(const std::string& spool_id, const v1::Batch& batch) {
  absl::MutexLock locked(&mu_);
  Decision decision;
  const uint64_t sequence = batch.sequence();
  if (spool_id != spool_id_) {
    decision.status = Refused(grpc::StatusCode::FAILED_PRECONDITION, "SPOOL_ENDED");
  } else if (sequence == 0 || sequence > applied_.size() + 1) {
    decision.status = Refused(grpc::StatusCode::FAILED_PRECONDITION, "SEQUENCE_GAP");
  } else if (static_cast<uint32_t>(batch.movements_size()) > batch_rows_max_) {
    decision.status = Refused(grpc::StatusCode::INVALID_ARGUMENT, "BATCH_TOO_LARGE");
  } else if (sequence <= applied_.size()) {
    decision.already_applied = true;
    if (applied_[sequence - 1].rolling_hash != batch.rolling_hash()) {
      decision.status = Refused(grpc::StatusCode::ABORTED, "SEQUENCE_REUSED");
    }
  }
  if (!decision.status.ok() || decision.already_applied) return decision;

  Know(batch.known_through());
  movements_.insert(movements_.end(), batch.movements().begin(), batch.movements().end());
  for (const v1::SnapshotPart& part : batch.snapshots()) {
    auto& staged = staged_[part.location_id()];
    if (part.has_begin()) staged.clear();
    for (const v1::SnapshotRow& row : part.rows()) staged[row.sku()] = row.quantity();
    if (!part.has_end()) continue;
    if (part.end().row_count() == staged.size()) snapshots_[part.location_id()] = staged;
    complete_[part.location_id()] = part.end().complete();
    staged.clear();
  }
  applied_.push_back(
      {batch.rolling_hash(), batch.input_position(), static_cast<size_t>(batch.movements_size())});
  input_position_ = batch.input_position();
  last_spool_id_ = spool_id_;
  if (lose_acks_ > 0) {
    --lose_acks_;
    decision.lose_ack = true;
  }
  return decision;
}

void FakeHub::Know(const google::protobuf::RepeatedPtrField<v1::KnownThrough>& known) {
  for (const v1::KnownThrough& moment : known) {
    int64_t& newest = known_[moment.location_id()];
    newest = std::max(newest, moment.at_us());
  }
}

std::vector<v1::Movement> FakeHub::movements() const {
  absl::MutexLock locked(&mu_);
  return movements_;
}

int64_t FakeHub::Units(const std::string& sku) const {
  absl::MutexLock locked(&mu_);
  int64_t units = 0;
  for (const v1::Movement& movement : movements_) {
    if (movement.sku() == sku) units += movement.quantity();
  }
  return units;
}

std::map<std::string, int64_t> FakeHub::Snapshot(const std::string& location) const {
  absl::MutexLock locked(&mu_);
  const auto found = snapshots_.find(location);
  return found == snapshots_.end() ? std::map<std::string, int64_t>() : found->second;
}

bool FakeHub::snapshot_complete(const std::string& location) const {
  absl::MutexLock locked(&mu_);
  return complete_.at(location);
}

int64_t FakeHub::KnownThrough(const std::string& location) const {
  absl::MutexLock locked(&mu_);
  const auto found = known_.find(location);
  return found == known_.end() ? 0 : found->second;
}

int64_t FakeHub::HeartbeatOf(const std::string& location) const {
  absl::MutexLock locked(&mu_);
  for (const v1::KnownThrough& moment : heartbeat_.known_through()) {
    if (moment.location_id() == location) return moment.at_us();
  }
  return 0;
}

uint64_t FakeHub::durable_sequence() const {
  absl::MutexLock locked(&mu_);
  return applied_.size();
}

std::set<std::string> FakeHub::spool_ids() const {
  absl::MutexLock locked(&mu_);
  std::set<std::string> ids = ended_spools_;
  ids.insert(spool_id_);
  return ids;
}

int FakeHub::hellos() const {
  absl::MutexLock locked(&mu_);
  return hellos_;
}

void FakeHub::LoseAcks(int count) {
  absl::MutexLock locked(&mu_);
  lose_acks_ = count;
}

void FakeHub::DrainNext(absl::Duration after) {
  absl::MutexLock locked(&mu_);
  drain_ = after;
}

void FakeHub::set_batch_rows_max(uint32_t rows) {
  absl::MutexLock locked(&mu_);
  batch_rows_max_ = rows;
}

void FakeHub::set_scaled_clock(const v1::ScaledClock& clock) {
  absl::MutexLock locked(&mu_);
  scaled_clock_ = clock;
}

void FakeHub::ForgetNewest(uint64_t count) {
  absl::MutexLock locked(&mu_);
  for (; count > 0 && !applied_.empty(); --count) {
    movements_.resize(movements_.size() - applied_.back().movements);
    applied_.pop_back();
  }
  input_position_ = applied_.empty() ? "" : applied_.back().input_position;
}

}  // namespace onhand::agent
