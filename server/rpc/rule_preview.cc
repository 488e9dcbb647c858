#include "server/rpc/rule_preview.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/ledger/refusal.h"
#include "server/rpc/rule_period.h"

namespace onhand::rpc {
namespace {

// Some milliseconds of work.
constexpr int kSlicesATurn = 8;
constexpr uint32_t kListedMax = 10'000;
constexpr uint32_t kListedDefault = 100;

absl::Status RefuseHiding(const ledger::Preview& preview) {
  return ledger::Refuse(
      absl::StatusCode::kFailedPrecondition,
      {.reason = "CONFIRMATION_NEEDED",
       .field = "confirm_hiding",
       .value = "false",
       .problem = absl::StrFormat(
           "is not enough: it would hide %d of the %d pairs of item and channel that are shown "
           "now, which is more than %g %%",
           preview.hidden_count(), preview.shown_count(), preview.allowed_percent()),
       .remedy = "preview it (onhand rule preview), then send confirm_hiding (--yes)"});
}

}  // namespace

void RunPreview(CallQueue* queue, hub::Hub* hub, std::shared_ptr<ledger::Preview> preview,
                std::function<void()> done) {
  for (int slice = 0; slice < kSlicesATurn; ++slice) {
    const bool more =
        hub->Read([&](const ledger::Ledger& ledger) { return preview->CompareSlice(ledger); });
    if (!more) return done();
  }
  queue->DoAside([queue, hub, preview = std::move(preview), done = std::move(done)] {
    RunPreview(queue, hub, preview, done);
  });
}

void PreviewRules(CallQueue* queue, hub::Hub* hub, const v1::PreviewRulesRequest& request,
                  v1::PreviewRulesResponse* response, Reply reply) {
  if (request.listed_max() > kListedMax) {
    return reply(ledger::Refuse(
        absl::StatusCode::kInvalidArgument,
        {.reason = "BATCH_TOO_LARGE",
         .field = "listed_max",
         .value = absl::StrCat(request.listed_max()),
         .problem = "is more than a preview lists",
         .remedy = absl::StrCat("ask for at most ", kListedMax, "; the totals count all")}));
  }
  ledger::RuleChanges changes = request.changes();
  if (absl::Status status = ReadLocalPeriods(hub, changes); !status.ok()) return reply(status);
  std::vector<std::string> warnings;
  auto versions = hub->Read([&](const ledger::Ledger& ledger) {
    const ledger::State& state = ledger.state();
    auto made = ledger::NewVersionsOf(state, state.counters.time_us, changes);
    if (made.ok()) warnings = ledger::WarningsOf(state, *made);
    return made;
  });
  if (!versions.ok()) return reply(versions.status());
  const auto preview = std::make_shared<ledger::Preview>(
      *std::move(versions), ledger::Preview::Extent::kFull,
      request.listed_max() == 0 ? kListedDefault : request.listed_max());
  RunPreview(queue, hub, preview, [preview, response, reply, warnings = std::move(warnings)] {
    *response = preview->Result();
    response->mutable_warnings()->Add(warnings.begin(), warnings.end());
    reply(absl::OkStatus());
  });
}

void CheckHiding(CallQueue* queue, hub::Hub* hub,
                 absl::StatusOr<std::vector<ledger::RuleVersion>> versions,
                 std::function<void(const absl::Status&)> done) {
  if (!versions.ok()) return done(absl::OkStatus());
  const auto preview = std::make_shared<ledger::Preview>(
      *std::move(versions), ledger::Preview::Extent::kHiding, /*listed_max=*/0);
  RunPreview(queue, hub, preview, [preview, done = std::move(done)] {
    done(preview->IsConfirmationNeeded() ? RefuseHiding(*preview) : absl::OkStatus());
  });
}

}  // namespace onhand::rpc
