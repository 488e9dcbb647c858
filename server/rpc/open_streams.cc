#include "server/rpc/open_streams.h"

#include <utility>

#include "server/ledger/refusal.h"
#include "server/rpc/report_stream.h"

namespace onhand::rpc {

bool OpenStreams::Add(std::shared_ptr<ReportStream> stream) {
  absl::MutexLock lock(&mutex_);
  ReportStream* key = stream.get();
  streams_[key].stream = std::move(stream);
  return !draining_;
}

void OpenStreams::Remove(ReportStream* stream) {
  Entry removed;  // destroyed after the lock
  absl::MutexLock lock(&mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  removed = std::move(found->second);
  streams_.erase(found);
  const auto named = by_source_.find(removed.source);
  if (named != by_source_.end() && named->second == stream) by_source_.erase(named);
}

void OpenStreams::TakeOver(uint32_t source, ReportStream* stream) {
  std::shared_ptr<ReportStream> older;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return;
    found->second.source = source;
    ReportStream*& holder = by_source_[source];
    if (holder != nullptr && holder != stream) older = streams_.at(holder).stream;
    holder = stream;
  }
  if (older == nullptr) return;
  older->End(ledger::Refuse(
      absl::StatusCode::kAborted,
      {.reason = "SOURCE_TAKEN_OVER",
       .field = "hello.source_id",
       .problem = "opened a newer stream, so this one ended",
       .remedy = "make sure that only one agent runs for this source, then start it again"}));
}

size_t OpenStreams::size() const {
  absl::MutexLock lock(&mutex_);
  return streams_.size();
}

absl::flat_hash_set<uint32_t> OpenStreams::Sources() const {
  absl::MutexLock lock(&mutex_);
  absl::flat_hash_set<uint32_t> sources;
  for (const auto& [source, stream] : by_source_) sources.insert(source);
  return sources;
}

std::vector<std::shared_ptr<ReportStream>> OpenStreams::All() const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::shared_ptr<ReportStream>> all;
  all.reserve(streams_.size());
  for (const auto& [key, entry] : streams_) all.push_back(entry.stream);
  return all;
}

void OpenStreams::EndIdle(std::chrono::steady_clock::duration idle_after) {
  for (const auto& stream : All()) stream->EndIfIdle(idle_after);
}

void OpenStreams::Drain(uint32_t reconnect_after_ms) {
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
  }
  for (const auto& stream : All()) stream->Drain(reconnect_after_ms);
}

bool OpenStreams::AwaitNone(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(
                                     +[](const absl::flat_hash_map<ReportStream*, Entry>* streams) {
                                       return streams->empty();
                                     },
                                     &streams_),
                                 timeout);
}

}  // namespace onhand::rpc
