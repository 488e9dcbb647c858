#include "clients/agent/intake.h"

#include <algorithm>
#include <utility>

#include "spdlog/spdlog.h"

namespace onhand::agent {

Intake::Intake(Source* source, Spool* spool, Bell* bell, Options options)
    : source_(source),
      spool_(spool),
      bell_(bell),
      options_(std::move(options)),
      batch_rows_max_(options_.batch_rows_max) {}

Intake::~Intake() { Stop(); }

void Intake::Start() {
  absl::MutexLock locked(&mu_);
  at_rest_ = false;
  thread_ = std::thread([this] { Run(); });
}

void Intake::Pause() {
  absl::MutexLock locked(&mu_);
  pausing_ = true;
  mu_.Await(absl::Condition(&at_rest_));
  told_everything_ = false;
  known_.clear_known_through();
  if (source_->rereads()) pending_.reset();
}

void Intake::Resume() {
  absl::MutexLock locked(&mu_);
  pausing_ = false;
}

void Intake::Stop() {
  {
    absl::MutexLock locked(&mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Intake::set_batch_rows_max(int rows) {
  absl::MutexLock locked(&mu_);
  batch_rows_max_ = std::max(1, std::min(options_.batch_rows_max, rows));
}

bool Intake::told_everything() const {
  absl::MutexLock locked(&mu_);
  return told_everything_;
}

bool Intake::ended() const {
  absl::MutexLock locked(&mu_);
  return ended_;
}

std::vector<v1::KnownThrough> Intake::KnownThroughAt(uint64_t sequence) const {
  absl::MutexLock locked(&mu_);
  if (sequence < known_after_) return {};
  return {known_.known_through().begin(), known_.known_through().end()};
}

// False: the end. Waits while paused.
bool Intake::WaitForTurn() {
  absl::MutexLock locked(&mu_);
  at_rest_ = pausing_ || stopping_;
  const auto may_run = [this]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !pausing_ || stopping_; };
  mu_.Await(absl::Condition(&may_run));
  at_rest_ = stopping_;
  return !stopping_;
}

void Intake::Rest(absl::Duration duration) {
  absl::MutexLock locked(&mu_);
  const auto called = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return pausing_ || stopping_; };
  mu_.AwaitWithTimeout(absl::Condition(&called), duration);
}

void Intake::Run() {
  std::string last_problem;
  while (WaitForTurn()) {
    const absl::Status status = Step();
    const std::string problem(status.message());
    if (problem != last_problem && !status.ok()) {
      spdlog::error("{}", problem);
      // The spool itself may be what fails.
      if (!spool_->NoteError(problem).ok()) spdlog::error("the spool cannot note the error");
    }
    last_problem = problem;
    if (!status.ok()) Rest(options_.retry);
  }
  if (!source_->rereads()) StoreTheRest();
}

void Intake::StoreTheRest() {
  for (bool more = true; more;) {
    if (!pending_) {
      absl::StatusOr<Chunk> chunk = source_->Read(options_.batch_rows_max, -absl::Seconds(1));
      if (!chunk.ok()) return;
      pending_ = *std::move(chunk);
    }
    const absl::Status status = Store(*pending_);
    if (!status.ok()) {
      spdlog::error("the last rows read are lost: {}", std::string(status.message()));
      return;
    }
    more = HasRows(pending_->news) || !pending_->rejected.empty();
    pending_.reset();
  }
}

absl::Status Intake::Step() {
  if (!pending_) {
    if (!spool_->HasRoom()) {
      Rest(options_.wait);
      return absl::OkStatus();
    }
    int rows_max = 0;
    {
      absl::MutexLock locked(&mu_);
      rows_max = batch_rows_max_;
    }
    absl::StatusOr<Chunk> chunk = source_->Read(rows_max, options_.wait);
    if (!chunk.ok()) return chunk.status();
    pending_ = *std::move(chunk);
    AddProofOfLife(*pending_);
  }
  if (const auto status = Store(*pending_); !status.ok()) return status;
  const bool ended = pending_->ended;
  pending_.reset();
  if (const auto status = source_->Taken(); !status.ok()) return status;
  if (ended) Rest(absl::InfiniteDuration());
  return absl::OkStatus();
}

void Intake::AddProofOfLife(Chunk& chunk) const {
  if (!options_.proof_of_life || !chunk.nothing_left || chunk.ended) return;
  for (const std::string& location : options_.locations) {
    AdvanceKnownThrough(chunk.news, location, chunk.looked_at - *options_.proof_of_life);
  }
}

absl::Status Intake::Store(Chunk& chunk) {
  const SpoolState before = spool_->state();
  const bool position_moved =
      !chunk.news.input_position().empty() && chunk.news.input_position() != before.input_position;
  const bool to_spool = HasRows(chunk.news) || position_moved;
  if (to_spool) {
    if (const auto status = spool_->Append(chunk.news, chunk.rejected); !status.ok()) return status;
  } else if (!chunk.rejected.empty()) {
    if (const auto status = spool_->List(chunk.rejected); !status.ok()) return status;
  }
  for (const files::RejectedRow& row : chunk.rejected)
    spdlog::debug("{}: {}", row.where, row.reason);
  {
    absl::MutexLock locked(&mu_);
    for (const v1::KnownThrough& known : chunk.news.known_through()) {
      AdvanceKnownThrough(known_, known.location_id(), absl::FromUnixMicros(known.at_us()));
    }
    if (chunk.news.known_through_size() > 0)
      known_after_ = before.last_sequence + (to_spool ? 1 : 0);
    if (to_spool) {
      told_everything_ = false;
    } else if (chunk.nothing_left) {
      told_everything_ = true;
    }
    ended_ = chunk.ended;
  }
  bell_->Ring();
  return absl::OkStatus();
}

}  // namespace onhand::agent
