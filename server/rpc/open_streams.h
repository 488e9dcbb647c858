// The report streams that are open at this hub: at most one a source, and all of them told when the
// hub is about to stop. Owned by the server; all methods may be called from any thread.
#ifndef ONHAND_SERVER_RPC_OPEN_STREAMS_H_
#define ONHAND_SERVER_RPC_OPEN_STREAMS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace onhand::rpc {

class ReportStream;

class OpenStreams {
 public:
  // Keeps a stream alive until Remove. False if the hub is draining: the stream is to end at once.
  bool Add(std::shared_ptr<ReportStream> stream);
  void Remove(ReportStream* stream);
  // A source said Hello on `stream`; ends the source's older stream, if any, with
  // SOURCE_TAKEN_OVER.
  void TakeOver(uint32_t source, ReportStream* stream);

  size_t size() const;
  // Sources with an open stream.
  absl::flat_hash_set<uint32_t> Sources() const;

  // Ends streams on which nothing was heard for `idle_after`.
  void EndIdle(std::chrono::steady_clock::duration idle_after);
  // Tells every stream, now and to come, to go away.
  void Drain(uint32_t reconnect_after_ms);
  // Waits until no stream is open; false if some still are after `timeout`.
  bool AwaitNone(absl::Duration timeout) const;

 private:
  struct Entry {
    std::shared_ptr<ReportStream> stream;
    uint32_t source = 0;  // 0: has not said Hello yet
  };
  std::vector<std::shared_ptr<ReportStream>> All() const;

  mutable absl::Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<ReportStream*, Entry> streams_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<uint32_t, ReportStream*> by_source_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_OPEN_STREAMS_H_
