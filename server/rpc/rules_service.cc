#include "server/rpc/rules_service.h"

#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/decide_rules.h"
#include "server/ledger/refusal.h"
#include "server/ledger/rule_history.h"
#include "server/rpc/paging.h"
#include "server/rpc/rule_period.h"
#include "server/rpc/rule_preview.h"
#include "server/rpc/unary.h"

namespace onhand::rpc {
namespace {

// Rules may tell their periods in local time, which is read before the decision.
template <class Request>
absl::Status ReadPeriods(hub::Hub* hub, Request& request) {
  if constexpr (requires { ReadLocalPeriods(hub, request); }) return ReadLocalPeriods(hub, request);
  return absl::OkStatus();
}

// The handler of a change of rules. What is found out before the decision is refused by it, so that
// a request which was answered once gets that answer again, whatever holds today.
template <class Decide>
auto ChangeOf(CallQueue* queue, hub::Hub* hub, Decide decide) {
  return [queue, hub, decide]<class Request, class Response>(const Request& request,
                                                             Response* response, Reply reply) {
    const auto read = std::make_shared<Request>(request);
    const absl::Status period = ReadPeriods(hub, *read);
    const auto submit = [hub, decide, &request, response, reply, read](const absl::Status& found) {
      SubmitWrite(
          hub, request, response, reply,
          [read, found, decide](ledger::Group& group, const Request&) -> absl::StatusOr<Response> {
            if (!found.ok()) return found;
            return decide(group, *read);
          });
    };
    bool dry_run = false;
    if constexpr (requires { request.dry_run(); }) dry_run = request.dry_run();
    if (!period.ok() || dry_run || request.confirm_hiding()) return submit(period);
    CheckHiding(queue, hub, hub->Read([&](const ledger::Ledger& ledger) {
      const ledger::State& state = ledger.state();
      return ledger::NewVersionsOf(state, state.counters.time_us, *read);
    }),
                submit);
  };
}

// A version's place as the key of a page.
std::string KeyOf(const ledger::VersionPlace& place) {
  std::string key(sizeof(place.revision) + sizeof(place.version), '\0');
  std::memcpy(key.data(), &place.revision, sizeof(place.revision));
  std::memcpy(key.data() + sizeof(place.revision), &place.version, sizeof(place.version));
  return absl::StrCat(key, place.ended ? "e" : "s", place.rule_id);
}
std::optional<ledger::VersionPlace> PlaceOf(const std::string& key) {
  ledger::VersionPlace place;
  constexpr size_t kVersionAt = sizeof(place.revision);
  constexpr size_t kEndedAt = kVersionAt + sizeof(place.version);
  if (key.size() <= kEndedAt) return std::nullopt;
  std::memcpy(&place.revision, key.data(), sizeof(place.revision));
  std::memcpy(&place.version, key.data() + kVersionAt, sizeof(place.version));
  place.ended = key[kEndedAt] == 'e';
  place.rule_id = key.substr(kEndedAt + 1);
  return place;
}

}  // namespace

void RulesService::Serve(CallQueue* queue) {
  ServeUnary(queue, &service_, &Service::RequestSetRule,
             ChangeOf(queue, hub_, ledger::DecideSetRule));
  ServeUnary(queue, &service_, &Service::RequestDeleteRule,
             ChangeOf(queue, hub_, ledger::DecideDeleteRule));
  ServeUnary(queue, &service_, &Service::RequestGetRule,
             std::bind_front(&RulesService::GetRule, this));
  ServeUnary(queue, &service_, &Service::RequestListRules,
             std::bind_front(&RulesService::ListRules, this));
  ServeUnary(queue, &service_, &Service::RequestBatchChangeRules,
             ChangeOf(queue, hub_, ledger::DecideBatchChangeRules));
  ServeUnary(queue, &service_, &Service::RequestListRuleVersions,
             std::bind_front(&RulesService::ListRuleVersions, this));
  ServeUnary(queue, &service_, &Service::RequestRollbackRule,
             ChangeOf(queue, hub_, ledger::DecideRollbackRule));
  ServeUnary(queue, &service_, &Service::RequestPreviewRules,
             [queue, hub = hub_](const v1::PreviewRulesRequest& request,
                                 v1::PreviewRulesResponse* response, Reply reply) {
               PreviewRules(queue, hub, request, response, reply);
             });
}

absl::Status RulesService::GetRule(const v1::GetRuleRequest& request,
                                   v1::GetRuleResponse* response) {
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    const ledger::journal::Rule* rule = ledger.state().rules.Find(request.rule_id());
    if (rule == nullptr) {
      return ledger::Refuse(absl::StatusCode::kNotFound, {.reason = "UNKNOWN_RULE",
                                                          .field = "rule_id",
                                                          .value = request.rule_id(),
                                                          .problem = "is not a rule in force",
                                                          .remedy = "list the rules"});
    }
    *response->mutable_rule() = ledger::RuleOf(ledger.state(), *rule);
    return absl::OkStatus();
  });
}

absl::Status RulesService::ListRules(const v1::ListRulesRequest& request,
                                     v1::ListRulesResponse* response) {
  const absl::StatusOr<Page> page = ReadPage(request.page_size(), request.page_token(), "rules");
  if (!page.ok()) return page.status();
  hub_->Read([&](const ledger::Ledger& ledger) {
    const ledger::State& state = ledger.state();
    const std::vector<std::string> ids =
        KeysAfter(state.rules, std::optional<std::string>(page->after), page->size + 1,
                  [](const ledger::journal::Rule&) { return true; });
    for (size_t i = 0; i < std::min(ids.size(), page->size); ++i) {
      *response->add_rules() = ledger::RuleOf(state, *state.rules.Find(ids[i]));
    }
    if (ids.size() > page->size)
      response->set_next_page_token(PageToken("rules", ids[page->size - 1]));
  });
  return absl::OkStatus();
}

absl::Status RulesService::ListRuleVersions(const v1::ListRuleVersionsRequest& request,
                                            v1::ListRuleVersionsResponse* response) {
  const std::string list = absl::StrCat("rule versions\n", request.rule_id());
  const absl::StatusOr<Page> page = ReadPage(request.page_size(), request.page_token(), list);
  if (!page.ok()) return page.status();
  const std::optional<ledger::VersionPlace> after = PlaceOf(page->after);
  if (!page->after.empty() && !after.has_value()) return RefusePageToken(request.page_token());
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    const ledger::State& state = ledger.state();
    if (!request.rule_id().empty() && !state.rule_versions.Contains(request.rule_id())) {
      return ledger::Refuse(absl::StatusCode::kNotFound,
                            {.reason = "UNKNOWN_RULE",
                             .field = "rule_id",
                             .value = request.rule_id(),
                             .problem = "never was a rule",
                             .remedy = "list all versions by leaving it empty"});
    }
    const std::vector<const ledger::RuleVersion*> versions =
        ledger::VersionsBehind(state, request.rule_id(), after, page->size + 1);
    for (size_t i = 0; i < std::min(versions.size(), page->size); ++i) {
      v1::RuleVersion& shown = *response->add_versions();
      *shown.mutable_rule() = ledger::RuleOf(state, versions[i]->rule);
      shown.set_ended(versions[i]->ended);
    }
    if (versions.size() > page->size) {
      response->set_next_page_token(
          PageToken(list, KeyOf(ledger::PlaceOf(*versions[page->size - 1]))));
    }
    return absl::OkStatus();
  });
}

}  // namespace onhand::rpc
