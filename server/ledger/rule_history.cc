#include "server/ledger/rule_history.h"

#include <algorithm>
#include <tuple>

namespace onhand::ledger {
namespace {

// One rule's versions that were not taken yet, the newest last.
struct Remaining {
  const std::vector<RuleVersion>* versions;
  size_t count;

  const RuleVersion& newest() const { return (*versions)[count - 1]; }
};

// Puts the rule whose newest version comes first at a heap's front.
bool ComesLater(const Remaining& a, const Remaining& b) {
  return ComesBefore(PlaceOf(b.newest()), PlaceOf(a.newest()));
}

}  // namespace

VersionPlace PlaceOf(const RuleVersion& version) {
  return {.revision = version.rule.revision(),
          .rule_id = version.rule.rule_id(),
          .version = version.rule.version(),
          .ended = version.ended};
}

bool ComesBefore(const VersionPlace& a, const VersionPlace& b) {
  return std::tie(b.revision, a.rule_id, b.version, b.ended) <
         std::tie(a.revision, b.rule_id, a.version, a.ended);
}

const std::vector<RuleVersion>* KeptVersions(const State& state, const std::string& rule_id,
                                             int64_t now_us) {
  const std::vector<RuleVersion>* versions = state.rule_versions.Find(rule_id);
  if (versions == nullptr || versions->empty()) return nullptr;
  const RuleVersion& newest = versions->back();
  const bool forgotten =
      newest.ended && newest.rule.changed_us() <= now_us - State::kEndedRuleKept_us;
  return forgotten ? nullptr : versions;
}

std::vector<const RuleVersion*> VersionsBehind(const State& state, const std::string& rule_id,
                                               const std::optional<VersionPlace>& after,
                                               size_t count) {
  std::vector<Remaining> rules;
  const auto add = [&](const std::vector<RuleVersion>& versions) {
    // A rule's versions lie oldest first, so those behind a place are the first ones.
    const auto end = after.has_value()
                         ? std::partition_point(versions.begin(), versions.end(),
                                                [&](const RuleVersion& version) {
                                                  return ComesBefore(*after, PlaceOf(version));
                                                })
                         : versions.end();
    if (end == versions.begin()) return;
    rules.push_back({&versions, static_cast<size_t>(end - versions.begin())});
  };
  if (rule_id.empty()) {
    state.rule_versions.ForEach(
        [&](const std::string&, const std::vector<RuleVersion>& versions) { add(versions); });
  } else if (const std::vector<RuleVersion>* versions = state.rule_versions.Find(rule_id)) {
    add(*versions);
  }
  std::make_heap(rules.begin(), rules.end(), ComesLater);
  std::vector<const RuleVersion*> found;
  while (found.size() < count && !rules.empty()) {
    std::pop_heap(rules.begin(), rules.end(), ComesLater);
    Remaining& rule = rules.back();
    found.push_back(&rule.newest());
    if (--rule.count == 0) {
      rules.pop_back();
    } else {
      std::push_heap(rules.begin(), rules.end(), ComesLater);
    }
  }
  return found;
}

}  // namespace onhand::ledger
