// The import of past sales: one at a time, kept in this hub's memory until it is finished or an
// hour old. An older one makes room when the next begins, and so does one of which nothing was
// heard for a minute: whoever broke his import off begins again without waiting. Owned by the
// insight service. Start, Add and Finish run on the call queue's second thread; the lesson is
// computed on a thread of its own, so that it holds up nobody, and its facts go through the hub a
// few at a time.
#ifndef ONHAND_SERVER_RPC_SALES_IMPORT_H_
#define ONHAND_SERVER_RPC_SALES_IMPORT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "onhand/v1/insights.pb.h"
#include "server/hub/clock.h"
#include "server/hub/hub.h"
#include "server/ledger/past_sales.h"
#include "server/rpc/unary.h"

namespace onhand::rpc {

class SalesImports {
 public:
  // Hub and clock outlive it.
  SalesImports(hub::Hub* hub, hub::Clock* clock) : hub_(hub), clock_(clock) {}
  ~SalesImports();

  absl::Status Start(const v1::StartSalesImportRequest& request,
                     v1::StartSalesImportResponse* response);
  absl::Status Add(const v1::AddPastSalesRequest& request, v1::AddPastSalesResponse* response);
  void Finish(const v1::FinishSalesImportRequest& request, v1::FinishSalesImportResponse* response,
              Reply reply);

 private:
  struct Import {
    std::string id;
    int64_t begun_us = 0;
    int64_t heard_us = 0;   // of its last part
    bool answered = false;  // a Finish has looked at it and left it
    absl::flat_hash_set<uint64_t> parts;
    ledger::PastSales sales;
  };

  // The import of this id, if it is not too old; null if there is none.
  Import* Find(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // On the import's own thread.
  void Teach(Import* import, const v1::FinishSalesImportRequest& request,
             v1::FinishSalesImportResponse* response, Reply reply);
  ledger::LessonBefore Before(absl::Span<const ledger::PastHour> sorted) const;
  // Adds a lesson's facts, a group each, but for the last one. Waits until they are durable.
  absl::Status Tell(const ledger::Lesson& lesson);
  // It is over: the import goes if `done`.
  void End(bool done);

  hub::Hub* const hub_;
  hub::Clock* const clock_;
  absl::Mutex mutex_;
  std::unique_ptr<Import> import_ ABSL_GUARDED_BY(mutex_);
  // Its sales belong to the import's thread meanwhile.
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t started_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread teacher_ ABSL_GUARDED_BY(mutex_);  // of the import that was finished last
};

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_SALES_IMPORT_H_
