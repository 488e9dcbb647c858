// What changes of rules would change, asked of a hub: a few slices a turn of the call queue's
// second thread, so that neither the ledger nor other calls wait for long. That thread.
#ifndef ONHAND_SERVER_RPC_RULE_PREVIEW_H_
#define ONHAND_SERVER_RPC_RULE_PREVIEW_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "onhand/v1/rules.pb.h"
#include "server/hub/hub.h"
#include "server/ledger/decide_rules.h"
#include "server/ledger/preview.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/unary_call.h"

namespace onhand::rpc {

// Compares to the end, then calls `done`.
void RunPreview(CallQueue* queue, hub::Hub* hub, std::shared_ptr<ledger::Preview> preview,
                std::function<void()> done);

// Serves PreviewRules. Errors as of DecideBatchChangeRules; BATCH_TOO_LARGE for `listed_max`.
void PreviewRules(CallQueue* queue, hub::Hub* hub, const v1::PreviewRulesRequest& request,
                  v1::PreviewRulesResponse* response, Reply reply);

// Calls done(status) with FAILED_PRECONDITION (CONFIRMATION_NEEDED) if the new versions would hide
// more of what is shown than the chain allows unasked, else with OK: also where they are refused
// for something else, which is the decision's to say.
void CheckHiding(CallQueue* queue, hub::Hub* hub,
                 absl::StatusOr<std::vector<ledger::RuleVersion>> versions,
                 std::function<void(const absl::Status&)> done);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_RULE_PREVIEW_H_
