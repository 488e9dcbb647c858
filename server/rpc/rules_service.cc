#include "server/rpc/rules_service.h"

#include <functional>
#include <string>

#include "server/ledger/catalog_view.h"
#include "server/ledger/decide_rules.h"
#include "server/ledger/refusal.h"
#include "server/rpc/paging.h"
#include "server/rpc/unary.h"

namespace onhand::rpc {

void RulesService::Serve(CallQueue* queue) {
  ServeUnary(queue, &service_, &Service::RequestSetRule, WriteOf(hub_, ledger::DecideSetRule));
  ServeUnary(queue, &service_, &Service::RequestDeleteRule,
             WriteOf(hub_, ledger::DecideDeleteRule));
  ServeUnary(queue, &service_, &Service::RequestGetRule,
             std::bind_front(&RulesService::GetRule, this));
  ServeUnary(queue, &service_, &Service::RequestListRules,
             std::bind_front(&RulesService::ListRules, this));
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

}  // namespace onhand::rpc
