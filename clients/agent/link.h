// One Report stream to a hub, as the agent's side of it. Made, used and destroyed by sync's thread
// alone; gRPC's threads only bring its events and ring the bell. One write in flight; the
// destructor cancels what is not ended and waits for gRPC to let go.
#ifndef ONHAND_CLIENTS_AGENT_LINK_H_
#define ONHAND_CLIENTS_AGENT_LINK_H_

#include <deque>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "clients/agent/bell.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"
#include "onhand/v1/report.grpc.pb.h"

namespace onhand::agent {

class Link : public grpc::ClientBidiReactor<v1::ReportRequest, v1::ReportResponse> {
 public:
  // Opens the stream; `token` goes along as bearer token unless it is empty.
  Link(v1::ReportService::Stub* stub, const std::string& token, Bell* bell);
  ~Link() override;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Whether Write may be called: nothing is in flight and the stream stands.
  bool CanWrite() const ABSL_LOCKS_EXCLUDED(mu_);
  void Write(v1::ReportRequest request) ABSL_LOCKS_EXCLUDED(mu_);
  // Nothing more will be written; the hub then answers what is open and ends the stream. Needs
  // CanWrite.
  void FinishWriting() ABSL_LOCKS_EXCLUDED(mu_);
  void Cancel() { context_.TryCancel(); }

  // The next thing that the hub said, if it said more.
  std::optional<v1::ReportResponse> TakeResponse() ABSL_LOCKS_EXCLUDED(mu_);
  // How the stream ended, once it has.
  std::optional<grpc::Status> ended() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void OnWriteDone(bool ok) override;
  void OnWritesDoneDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  void ReleaseHold();

  Bell* const bell_;
  grpc::ClientContext context_;
  v1::ReportRequest request_;    // in flight
  v1::ReportResponse response_;  // being read
  // Lets sync's thread start writes outside of gRPC's callbacks; only that thread gives it back.
  bool holding_ = true;

  mutable absl::Mutex mu_;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool writes_over_ ABSL_GUARDED_BY(mu_) = false;
  bool reads_over_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<v1::ReportResponse> responses_ ABSL_GUARDED_BY(mu_);
  std::optional<grpc::Status> status_ ABSL_GUARDED_BY(mu_);
};

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_LINK_H_
