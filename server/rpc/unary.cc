#include "server/rpc/unary.h"

#include <memory>
#include <utility>

#include "server/ledger/decide_request.h"
#include "server/ledger/refusal.h"
#include "xxhash.h"

namespace onhand::rpc {

uint64_t ContentHash(const google::protobuf::Message& request) {
  const std::unique_ptr<google::protobuf::Message> content(request.New());
  content->CopyFrom(request);
  if (const auto* field = content->GetDescriptor()->FindFieldByName("request_id")) {
    content->GetReflection()->ClearField(content.get(), field);
  }
  // Two kinds of request may have the same bytes; they are not the same content.
  const std::string& kind = request.GetDescriptor()->full_name();
  const std::string bytes = content->SerializeAsString();
  return XXH64(bytes.data(), bytes.size(), XXH64(kind.data(), kind.size(), 0));
}

namespace {

// With the decision set by the caller.
void SubmitPrepared(hub::Hub* hub, const google::protobuf::Message& request,
                    const std::string& request_id, bool dry_run,
                    google::protobuf::Message* response, Reply reply, hub::Write write) {
  if (!dry_run || !request_id.empty()) {
    absl::StatusOr<std::string> id = ledger::ParseRequestId(request_id);
    if (!id.ok()) return reply(id.status());
    // A check changes nothing, so its answer is not worth keeping.
    if (!dry_run) {
      write.request_id = *std::move(id);
      write.content_hash = ContentHash(request);
    }
  }
  write.call = reply.audited();
  write.done = [reply, response](absl::StatusOr<std::string> answer) {
    absl::Status status = answer.status();
    if (status.ok() && !response->ParseFromString(*answer)) {
      status =
          ledger::Refuse(absl::StatusCode::kDataLoss,
                         {.reason = "ANSWER_UNREADABLE",
                          .field = "request_id",
                          .problem = "was answered before in a form that this program cannot read",
                          .remedy = "read what it changed instead"});
    }
    reply(status);
  };
  hub->Submit(std::move(write));
}

}  // namespace

void Submit(hub::Hub* hub, const google::protobuf::Message& request, const std::string& request_id,
            bool dry_run, google::protobuf::Message* response, Reply reply,
            std::function<absl::StatusOr<std::string>(ledger::Group&)> decide) {
  hub::Write write;
  write.decide = std::move(decide);
  SubmitPrepared(hub, request, request_id, dry_run, response, reply, std::move(write));
}

void Submit(hub::Hub* hub, const google::protobuf::Message& request, const std::string& request_id,
            bool dry_run, google::protobuf::Message* response, Reply reply,
            std::function<absl::StatusOr<std::string>(ledger::Group&, const ledger::RuleBook&)>
                decide_by_rules) {
  hub::Write write;
  write.decide_by_rules = std::move(decide_by_rules);
  SubmitPrepared(hub, request, request_id, dry_run, response, reply, std::move(write));
}

}  // namespace onhand::rpc
