#include "server/ledger/decide_rules.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"
#include "server/ledger/rule_fields.h"
#include "server/ledger/rule_history.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

constexpr int kChangesMax = 1'000;
constexpr absl::string_view kWhateverIsThere = "*";

absl::Status MismatchedEtag(const std::string& field, const std::string& etag, std::string problem,
                            std::string remedy) {
  return Refuse(absl::StatusCode::kAborted, {.reason = "ETAG_MISMATCH",
                                             .field = field,
                                             .value = etag,
                                             .problem = std::move(problem),
                                             .remedy = std::move(remedy)});
}

// `known` is null for a rule that is not there; an empty etag then means: make it.
absl::Status CheckEtag(const std::string& field, const journal::Rule* known,
                       const std::string& etag) {
  if (etag == kWhateverIsThere) return absl::OkStatus();
  if (known == nullptr) {
    if (etag.empty()) return absl::OkStatus();
    return MismatchedEtag(field, etag, "names a version of a rule that is not there any more",
                          "send no etag to make the rule");
  }
  if (etag == EtagOf(*known)) return absl::OkStatus();
  if (etag.empty()) {
    return MismatchedEtag(field, etag,
                          absl::StrCat("is empty, but rule '", known->rule_id(), "' is there"),
                          "read the rule and send its etag to replace it");
  }
  return MismatchedEtag(field, etag,
                        absl::StrCat("is not the rule's etag any more (", EtagOf(*known),
                                     ", changed by '", known->author(), "')"),
                        "read the rule again and repeat the change");
}

absl::Status UnknownRule(const std::string& field, const std::string& rule_id) {
  return Refuse(absl::StatusCode::kNotFound, {.reason = "UNKNOWN_RULE",
                                              .field = field,
                                              .value = rule_id,
                                              .problem = "is no rule that the hub knows",
                                              .remedy = "list the rules (onhand rule list)"});
}

// A rule that was ended goes on counting when it is made anew: a version names one text for good.
// Once its versions are forgotten it begins again with 1.
uint32_t LastVersionOf(const State& state, int64_t now_us, const std::string& rule_id) {
  const std::vector<RuleVersion>* versions = KeptVersions(state, rule_id, now_us);
  const uint32_t kept = versions == nullptr ? 0 : versions->back().rule.version();
  const journal::Rule* known = state.rules.Find(rule_id);
  return std::max(kept, known == nullptr ? 0 : known->version());
}

// What an older version said. Where nobody had said from when on it holds, its commit was filled
// in; the one that repeats it begins with its own.
journal::Rule Repeated(const std::vector<RuleVersion>& versions, const RuleVersion& wanted) {
  journal::Rule rule = wanted.rule;
  const auto begun =
      std::any_of(versions.begin(), versions.end(), [&rule](const RuleVersion& version) {
        return !version.ended && version.rule.version() == rule.version() &&
               version.rule.changed_us() == rule.effective_from_us();
      });
  if (begun) rule.clear_effective_from_us();
  return rule;
}

// Fields of a change in its request: `rule` and `etag`, or `changes[3].set` and `changes[3].etag`.
struct ChangePath {
  std::string rule;
  std::string etag;
};

absl::StatusOr<RuleVersion> VersionThatSets(const State& state, int64_t now_us,
                                            const ChangePath& path, const v1::Rule& rule,
                                            const std::string& etag) {
  absl::StatusOr<journal::Rule> row = RowOfRule(state, now_us, path.rule, rule);
  if (!row.ok()) return row.status();
  absl::Status status = CheckEtag(path.etag, state.rules.Find(rule.rule_id()), etag);
  if (!status.ok()) return status;
  row->set_version(LastVersionOf(state, now_us, rule.rule_id()) + 1);
  return RuleVersion{.rule = *std::move(row), .ended = false};
}

absl::StatusOr<RuleVersion> VersionThatEnds(const State& state, const ChangePath& path,
                                            const std::string& rule_id, const std::string& etag) {
  const journal::Rule* known = state.rules.Find(rule_id);
  if (known == nullptr) return UnknownRule(path.rule, rule_id);
  if (absl::Status status = CheckEtag(path.etag, known, etag); !status.ok()) return status;
  RuleVersion version{.rule = *known, .ended = true};
  version.rule.clear_changed_us();
  version.rule.clear_revision();
  return version;
}

// Writes who asked and why into versions that passed.
template <class Request>
absl::StatusOr<std::vector<RuleVersion>> Signed(const Request& request,
                                                absl::StatusOr<std::vector<RuleVersion>> versions) {
  if (!versions.ok()) return versions;
  if (absl::Status status = CheckText("author", request.author()); !status.ok()) return status;
  if (absl::Status status = CheckText("reason", request.reason()); !status.ok()) return status;
  for (RuleVersion& version : *versions) {
    version.rule.set_author(request.author());
    version.rule.set_reason(request.reason());
  }
  return versions;
}

absl::StatusOr<std::vector<RuleVersion>> Only(absl::StatusOr<RuleVersion> version) {
  if (!version.ok()) return version.status();
  return std::vector<RuleVersion>{*std::move(version)};
}

void AddFacts(Group& group, const std::vector<RuleVersion>& versions) {
  for (const RuleVersion& version : versions) {
    journal::Fact fact;
    if (version.ended) {
      journal::RuleEnded& ended = *fact.mutable_rule_ended();
      ended.set_rule_id(version.rule.rule_id());
      ended.set_author(version.rule.author());
      ended.set_reason(version.rule.reason());
    } else {
      *fact.mutable_rule_set()->mutable_rule() = version.rule;
    }
    group.Add(std::move(fact));
  }
}

template <class Response>
void Warn(const State& state, const std::vector<RuleVersion>& versions, Response& response) {
  for (std::string& warning : WarningsOf(state, versions)) {
    response.add_warnings(std::move(warning));
  }
}

// The rule as it stands, or as it would stand after a dry run: then without etag.
v1::Rule RuleAfter(const State& state, const RuleVersion& version, bool dry_run) {
  if (!dry_run) return RuleOf(state, *state.rules.Find(version.rule.rule_id()));
  v1::Rule rule = RuleOf(state, version.rule);
  rule.clear_etag();
  return rule;
}

}  // namespace

absl::StatusOr<std::vector<RuleVersion>> NewVersionsOf(const State& state, int64_t now_us,
                                                       const RuleChanges& changes) {
  if (changes.empty()) {
    return RefuseRule("changes", "", "are none", "send at least one change");
  }
  if (changes.size() > kChangesMax) {
    return Refuse(absl::StatusCode::kInvalidArgument,
                  {.reason = "BATCH_TOO_LARGE",
                   .field = "changes",
                   .value = absl::StrCat(changes.size()),
                   .problem = "are too many",
                   .remedy = absl::StrCat("send at most ", kChangesMax, " in one request")});
  }
  std::vector<RuleVersion> versions;
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < changes.size(); ++i) {
    const v1::RuleChange& change = changes.Get(i);
    const std::string field = absl::StrCat("changes[", i, "]");
    if (change.change_case() == v1::RuleChange::CHANGE_NOT_SET) {
      return RefuseRule(field, "", "neither sets nor ends a rule", "give it set or delete_rule_id");
    }
    ChangePath path{.rule = absl::StrCat(field, change.has_set() ? ".set" : ".delete_rule_id"),
                    .etag = absl::StrCat(field, ".etag")};
    absl::StatusOr<RuleVersion> version =
        change.has_set() ? VersionThatSets(state, now_us, path, change.set(), change.etag())
                         : VersionThatEnds(state, path, change.delete_rule_id(), change.etag());
    if (!version.ok()) return version.status();
    if (!seen.insert(version->rule.rule_id()).second) {
      if (change.has_set()) path.rule += ".rule_id";
      return RefuseRule(path.rule, version->rule.rule_id(), "is changed twice",
                        "change each rule once in a request");
    }
    versions.push_back(*std::move(version));
  }
  return versions;
}

absl::StatusOr<std::vector<RuleVersion>> NewVersionsOf(const State& state, int64_t now_us,
                                                       const v1::BatchChangeRulesRequest& request) {
  return Signed(request, NewVersionsOf(state, now_us, request.changes()));
}

absl::StatusOr<std::vector<RuleVersion>> NewVersionsOf(const State& state, int64_t now_us,
                                                       const v1::SetRuleRequest& request) {
  const ChangePath path{.rule = "rule", .etag = "etag"};
  return Signed(request,
                Only(VersionThatSets(state, now_us, path, request.rule(), request.etag())));
}

absl::StatusOr<std::vector<RuleVersion>> NewVersionsOf(const State& state, int64_t,
                                                       const v1::DeleteRuleRequest& request) {
  const ChangePath path{.rule = "rule_id", .etag = "etag"};
  return Signed(request, Only(VersionThatEnds(state, path, request.rule_id(), request.etag())));
}

absl::StatusOr<std::vector<RuleVersion>> NewVersionsOf(const State& state, int64_t now_us,
                                                       const v1::RollbackRuleRequest& request) {
  const std::vector<RuleVersion>* versions = KeptVersions(state, request.rule_id(), now_us);
  if (versions == nullptr) return UnknownRule("rule_id", request.rule_id());
  const auto wanted = std::find_if(
      versions->rbegin(), versions->rend(),
      [&](const RuleVersion& version) { return version.rule.version() == request.version(); });
  if (wanted == versions->rend()) {
    return Refuse(
        absl::StatusCode::kNotFound,
        {.reason = "UNKNOWN_VERSION",
         .field = "version",
         .value = absl::StrCat(request.version()),
         .problem = absl::StrCat("is no version of '", request.rule_id(), "' that the hub keeps"),
         .remedy = absl::StrCat("send ", versions->front().rule.version(), " to ",
                                versions->back().rule.version())});
  }
  // Through its public form, so that it is checked against today's catalog, and names that were
  // changed since lead where they lead now.
  const ChangePath path{.rule = "rule", .etag = "etag"};
  return Signed(request,
                Only(VersionThatSets(state, now_us, path,
                                     RuleOf(state, Repeated(*versions, *wanted)), request.etag())));
}

std::vector<std::string> WarningsOf(const State& state, const std::vector<RuleVersion>& versions) {
  absl::flat_hash_set<absl::string_view> empty;
  for (const RuleVersion& version : versions) {
    if (!version.ended && !version.rule.category().empty()) empty.insert(version.rule.category());
  }
  std::vector<std::string> warnings;
  if (empty.empty()) return warnings;
  state.items.ForEach([&](uint32_t, const journal::Item& item) {
    if (item.merged_into() != 0) return;
    absl::string_view category = item.category();
    while (!empty.empty() && !category.empty()) {
      empty.erase(category);
      const size_t slash = category.rfind('/');
      category = category.substr(0, slash == absl::string_view::npos ? 0 : slash);
    }
  });
  for (const RuleVersion& version : versions) {
    if (version.ended || !empty.contains(version.rule.category())) continue;
    warnings.push_back(absl::StrCat("rule '", version.rule.rule_id(), "': no item is in category '",
                                    version.rule.category(),
                                    "' yet; the rule holds for none until one is"));
  }
  return warnings;
}

absl::StatusOr<v1::SetRuleResponse> DecideSetRule(Group& group, const v1::SetRuleRequest& request) {
  const auto versions = NewVersionsOf(group.state(), group.now_us(), request);
  if (!versions.ok()) return versions.status();
  v1::SetRuleResponse response;
  if (!request.dry_run()) {
    AddFacts(group, *versions);
    response.set_revision(group.revision());
  }
  *response.mutable_rule() = RuleAfter(group.state(), versions->front(), request.dry_run());
  Warn(group.state(), *versions, response);
  return response;
}

absl::StatusOr<v1::DeleteRuleResponse> DecideDeleteRule(Group& group,
                                                        const v1::DeleteRuleRequest& request) {
  const auto versions = NewVersionsOf(group.state(), group.now_us(), request);
  if (!versions.ok()) return versions.status();
  AddFacts(group, *versions);
  v1::DeleteRuleResponse response;
  response.set_revision(group.revision());
  return response;
}

absl::StatusOr<v1::BatchChangeRulesResponse> DecideBatchChangeRules(
    Group& group, const v1::BatchChangeRulesRequest& request) {
  const auto versions = NewVersionsOf(group.state(), group.now_us(), request);
  if (!versions.ok()) return versions.status();
  v1::BatchChangeRulesResponse response;
  if (!request.dry_run()) {
    AddFacts(group, *versions);
    response.set_revision(group.revision());
  }
  for (const RuleVersion& version : *versions) {
    if (version.ended) continue;
    *response.add_rules() = RuleAfter(group.state(), version, request.dry_run());
  }
  Warn(group.state(), *versions, response);
  return response;
}

absl::StatusOr<v1::RollbackRuleResponse> DecideRollbackRule(
    Group& group, const v1::RollbackRuleRequest& request) {
  const auto versions = NewVersionsOf(group.state(), group.now_us(), request);
  if (!versions.ok()) return versions.status();
  AddFacts(group, *versions);
  v1::RollbackRuleResponse response;
  *response.mutable_rule() = RuleAfter(group.state(), versions->front(), /*dry_run=*/false);
  Warn(group.state(), *versions, response);
  response.set_revision(group.revision());
  return response;
}

void RescopeRules(Group& group, uint32_t from_item, uint32_t to_item, const std::string& reason) {
  std::vector<RuleVersion> versions;
  group.state().rules.ForEach([&](const std::string& rule_id, const journal::Rule& rule) {
    if (!rule.has_item() || rule.item() != from_item) return;
    RuleVersion& version = versions.emplace_back(RuleVersion{.rule = rule, .ended = false});
    version.rule.set_item(to_item);
    version.rule.set_version(LastVersionOf(group.state(), group.now_us(), rule_id) + 1);
    version.rule.clear_author();
    version.rule.set_reason(reason);
  });
  // The table has no order, and facts need one.
  std::sort(versions.begin(), versions.end(), [](const RuleVersion& a, const RuleVersion& b) {
    return a.rule.rule_id() < b.rule.rule_id();
  });
  AddFacts(group, versions);
}

}  // namespace onhand::ledger
