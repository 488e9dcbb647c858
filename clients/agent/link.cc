#include "clients/agent/link.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace onhand::agent {

Link::Link(v1::ReportService::Stub* stub, const std::string& token, Bell* bell) : bell_(bell) {
  if (!token.empty()) context_.AddMetadata("authorization", absl::StrCat("Bearer ", token));
  stub->async()->Report(&context_, this);
  AddHold();
  StartRead(&response_);
  StartCall();
}

Link::~Link() {
  context_.TryCancel();
  ReleaseHold();
  absl::MutexLock locked(&mu_);
  const auto ended = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return status_.has_value(); };
  mu_.Await(absl::Condition(&ended));
}

bool Link::CanWrite() const {
  absl::MutexLock locked(&mu_);
  return !writing_ && !writes_over_ && !reads_over_;
}

void Link::Write(v1::ReportRequest request) {
  request_ = std::move(request);
  {
    absl::MutexLock locked(&mu_);
    writing_ = true;
  }
  StartWrite(&request_);
}

void Link::FinishWriting() {
  {
    absl::MutexLock locked(&mu_);
    writes_over_ = true;
  }
  StartWritesDone();
}

std::optional<v1::ReportResponse> Link::TakeResponse() {
  absl::MutexLock locked(&mu_);
  if (responses_.empty()) return std::nullopt;
  v1::ReportResponse response = std::move(responses_.front());
  responses_.pop_front();
  return response;
}

std::optional<grpc::Status> Link::ended() {
  bool reads_over = false;
  {
    absl::MutexLock locked(&mu_);
    if (status_) return status_;
    reads_over = reads_over_;
  }
  // After the last read nothing will be written any more, so gRPC may finish.
  if (reads_over) ReleaseHold();
  return std::nullopt;
}

void Link::ReleaseHold() {
  if (!holding_) return;
  holding_ = false;
  RemoveHold();
}

void Link::OnWriteDone(bool ok) {
  {
    absl::MutexLock locked(&mu_);
    writing_ = false;
    if (!ok) writes_over_ = true;
  }
  bell_->Ring();
}

void Link::OnWritesDoneDone(bool /*ok*/) {}

void Link::OnReadDone(bool ok) {
  {
    absl::MutexLock locked(&mu_);
    if (ok) {
      responses_.push_back(std::move(response_));
    } else {
      reads_over_ = true;
    }
  }
  bell_->Ring();
  // The hub's answers are few: one or less a batch, and batches are bounded by what is
  // unacknowledged.
  if (ok) StartRead(&response_);
}

void Link::OnDone(const grpc::Status& status) {
  absl::MutexLock locked(&mu_);
  status_ = status;
  // Inside the lock: the destructor may run as soon as it is free.
  bell_->Ring();
}

}  // namespace onhand::agent
