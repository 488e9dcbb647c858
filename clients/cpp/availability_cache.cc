#include "clients/cpp/availability_cache.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "clients/cpp/refusal.h"
#include "clients/cpp/timestamp.h"

namespace onhand::client {
namespace {

int64_t Micros(bool is_set, const google::protobuf::Timestamp& moment) {
  return is_set ? absl::ToUnixMicros(FromProto(moment)) : 0;
}

absl::Time Moment(int64_t us) { return us == 0 ? absl::InfinitePast() : absl::FromUnixMicros(us); }

}  // namespace

AvailabilityCache::AvailabilityCache(Connection* hub, AvailabilityCacheOptions options)
    : options_(std::move(options)),
      watched_skus_(options_.watch.skus().begin(), options_.watch.skus().end()),
      batcher_(hub, options_.watch.channel_id(), options_.watch.location_id()),
      heard_us_(absl::ToUnixMicros(absl::Now())) {
  WatcherOptions watch{.watch = options_.watch, .first_backoff = options_.first_backoff};
  watch.watch.set_initial(true);
  watch.watch.clear_resume_token();
  WatchListener* const listener = this;
  watcher_ = std::make_unique<Watcher>(hub, listener, std::move(watch));
}

AvailabilityCache::~AvailabilityCache() { watcher_->Stop(); }

absl::StatusOr<CachedAnswer> AvailabilityCache::Get(absl::string_view sku) {
  // Before the answer is looked up: it may be newer than this says, never older.
  const int64_t stream_as_of_us = as_of_us_.load(std::memory_order_acquire);
  const std::optional<HeldAnswer> held = table_.Find(sku);
  if (held && MayTell(*held)) return Told(*held, stream_as_of_us);
  return Ask(std::string(sku));
}

std::optional<CachedAnswer> AvailabilityCache::Peek(absl::string_view sku) const {
  const int64_t stream_as_of_us = as_of_us_.load(std::memory_order_acquire);
  const std::optional<HeldAnswer> held = table_.Find(sku);
  if (!held) return std::nullopt;
  return Told(*held, stream_as_of_us);
}

bool AvailabilityCache::AwaitComplete(absl::Duration timeout) {
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithTimeout(absl::Condition(&complete_), timeout);
}

absl::Time AvailabilityCache::LedgerNow() const {
  return absl::Now() + absl::Microseconds(ledger_ahead_us_.load(std::memory_order_relaxed));
}

// The clock is read only while the stream is down: that is the larger part of an answer's time.
bool AvailabilityCache::MayTell(const HeldAnswer& held) const {
  if (live_.load(std::memory_order_acquire)) return true;
  const absl::Time heard_at = absl::FromUnixMicros(heard_us_.load(std::memory_order_relaxed));
  if (absl::Now() - heard_at <= options_.stale_bound) return true;
  return LedgerNow() < Moment(held.cache_until_us);
}

CachedAnswer AvailabilityCache::Told(const HeldAnswer& held, int64_t stream_as_of_us) {
  return {.status = held.status,
          .orderable = held.orderable,
          .max_quantity = held.max_quantity,
          .revision = held.revision,
          .available_from = Moment(held.available_from_us),
          .known_through = Moment(held.known_through_us),
          .cache_until = Moment(held.cache_until_us),
          .as_of = Moment(std::max(held.as_of_us, stream_as_of_us))};
}

HeldAnswer AvailabilityCache::Held(const v1::Availability& answer, absl::Time as_of,
                                   uint32_t telling) {
  return {.status = answer.status(),
          .orderable = answer.orderable(),
          .max_quantity = answer.max_quantity(),
          .revision = answer.revision(),
          .available_from_us = Micros(answer.has_available_from(), answer.available_from()),
          .known_through_us = Micros(answer.has_known_through(), answer.known_through()),
          .cache_until_us = Micros(answer.has_cache_until(), answer.cache_until()),
          .as_of_us = absl::ToUnixMicros(as_of),
          .telling = telling};
}

// With a category the stream alone knows what is in it.
bool AvailabilityCache::Watches(const std::string& sku) const {
  if (!options_.watch.category().empty()) return table_.Find(sku).has_value();
  return watched_skus_.empty() || watched_skus_.contains(sku);
}

absl::StatusOr<CachedAnswer> AvailabilityCache::Ask(const std::string& sku) {
  if (std::optional<CachedAnswer> known = FindUnwatched(sku)) return *known;
  const uint32_t telling = telling_.load(std::memory_order_acquire);
  const absl::Time asked_at = LedgerNow();
  const absl::StatusOr<v1::Availability> answer = batcher_.Get(sku, options_.timeout);
  if (!answer.ok()) {
    if (RefusalOf(answer.status()).reason != "UNKNOWN_ITEM") return answer.status();
    const CachedAnswer unknown{
        .status = v1::AVAILABILITY_STATUS_HIDDEN, .as_of = asked_at, .unknown = true};
    KeepUnwatched(sku, unknown, asked_at + options_.unknown_for);
    return unknown;
  }
  const HeldAnswer held = Held(*answer, asked_at, telling);
  const CachedAnswer told = Told(held, 0);
  if (answer->sku() == sku && Watches(sku)) {
    table_.Put(sku, held);
  } else {
    KeepUnwatched(sku, told, told.cache_until);
  }
  return told;
}

std::optional<CachedAnswer> AvailabilityCache::FindUnwatched(const std::string& sku) {
  const absl::Time now = LedgerNow();
  absl::MutexLock lock(&mu_);
  const auto found = unwatched_.find(sku);
  if (found == unwatched_.end() || found->second.until <= now) return std::nullopt;
  return found->second.answer;
}

void AvailabilityCache::KeepUnwatched(const std::string& sku, const CachedAnswer& answer,
                                      absl::Time until) {
  const absl::Time now = LedgerNow();
  if (until <= now) return;
  absl::MutexLock lock(&mu_);
  if (unwatched_.size() >= options_.unwatched_max) {
    absl::erase_if(unwatched_, [now](const auto& entry) { return entry.second.until <= now; });
    // Somebody asks for more SKUs than there is room for; which of them come again nobody knows.
    if (unwatched_.size() >= options_.unwatched_max) unwatched_.clear();
  }
  unwatched_[sku] = {answer, until};
}

void AvailabilityCache::OnAnswer(const v1::Availability& answer, absl::Time as_of, bool) {
  table_.Put(answer.sku(), Held(answer, as_of, telling_.load(std::memory_order_relaxed)));
}

void AvailabilityCache::OnAnew() { telling_.fetch_add(1, std::memory_order_acq_rel); }

void AvailabilityCache::OnComplete() {
  table_.DropBefore(telling_.load(std::memory_order_relaxed));
  absl::MutexLock lock(&mu_);
  complete_ = true;
}

void AvailabilityCache::OnProgress(absl::Time as_of) {
  ledger_ahead_us_.store(absl::ToInt64Microseconds(as_of - absl::Now()), std::memory_order_relaxed);
  as_of_us_.store(absl::ToUnixMicros(as_of), std::memory_order_release);
}

void AvailabilityCache::OnState(const WatchState& state) {
  if (state.phase == WatchPhase::kStale) {
    heard_us_.store(absl::ToUnixMicros(state.since), std::memory_order_relaxed);
  }
  live_.store(state.phase == WatchPhase::kLive, std::memory_order_release);
}

}  // namespace onhand::client
