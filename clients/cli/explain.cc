#include "clients/cli/explain.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/table.h"
#include "onhand/v1/availability.grpc.pb.h"

namespace onhand::cli {
namespace {

struct Branch {
  std::string text;
  std::vector<Branch> children;
};

void Draw(const std::vector<Branch>& branches, const std::string& indent, std::string* out) {
  for (size_t i = 0; i < branches.size(); ++i) {
    const bool last = i + 1 == branches.size();
    absl::StrAppend(out, indent, last ? "└─ " : "├─ ", branches[i].text, "\n");
    Draw(branches[i].children, absl::StrCat(indent, last ? "   " : "│  "), out);
  }
}

std::string Padded(const std::string& text, size_t width) {
  const size_t used = DisplayWidth(text);
  return absl::StrCat(text, std::string(used < width ? width - used : 0, ' '));
}

std::string StepText(const v1::ExplainedStep& step, size_t width) {
  std::string text = Padded(step.step(), width);
  absl::StrAppend(&text, "  ", step.before());
  if (step.after() != step.before()) absl::StrAppend(&text, " -> ", step.after());
  if (!step.text().empty()) absl::StrAppend(&text, "  ", step.text());
  if (!step.rule_id().empty()) absl::StrAppend(&text, "  [rule ", step.rule_id(), "]");
  return text;
}

// Locations in the order of their first step; the chain's own steps behind them, because they use
// the locations' sums.
std::vector<Branch> StepBranches(const v1::Explanation& explanation) {
  size_t width = 0;
  for (const v1::ExplainedStep& step : explanation.steps()) {
    width = std::max(width, step.step().size());
  }
  std::vector<std::pair<std::string, Branch>> locations;
  Branch chain{"chain", {}};
  for (const v1::ExplainedStep& step : explanation.steps()) {
    Branch* branch = &chain;
    if (!step.location_id().empty()) {
      const auto known =
          std::find_if(locations.begin(), locations.end(),
                       [&](const auto& location) { return location.first == step.location_id(); });
      branch = known != locations.end()
                   ? &known->second
                   : &locations
                          .emplace_back(step.location_id(),
                                        Branch{absl::StrCat("location ", step.location_id()), {}})
                          .second;
    }
    branch->children.push_back({StepText(step, width), {}});
  }
  std::vector<Branch> branches;
  branches.reserve(locations.size() + 1);
  for (auto& [location_id, branch] : locations) branches.push_back(std::move(branch));
  if (!chain.children.empty()) branches.push_back(std::move(chain));
  return branches;
}

std::string WinnerText(const v1::ExplainedField& field, absl::TimeZone zone) {
  std::string text = absl::StrCat(field.field(), " = ", field.value());
  if (field.rule_id().empty()) return absl::StrCat(text, "  (built in)");
  absl::StrAppend(&text, "  by rule ", field.rule_id(), " version ", field.version());
  if (!field.author().empty()) absl::StrAppend(&text, ", set by ", field.author());
  if (field.has_changed_at()) {
    absl::StrAppend(&text, " on ",
                    absl::FormatTime("%Y-%m-%d %H:%M", FromProto(field.changed_at()), zone));
  }
  return text;
}

Branch RulesBranch(const v1::Explanation& explanation, absl::TimeZone zone) {
  Branch rules{"rules", {}};
  for (const v1::ExplainedField& field : explanation.fields()) {
    Branch branch{WinnerText(field, zone), {}};
    for (const v1::LosingRule& loser : field.losers()) {
      branch.children.push_back(
          {absl::StrCat("lost: rule ", loser.rule_id(), " version ", loser.version(), " with ",
                        loser.value(), loser.why().empty() ? "" : ": ", loser.why()),
           {}});
    }
    rules.children.push_back(std::move(branch));
  }
  return rules;
}

std::string FlipText(const v1::Flip& flip) {
  std::string text = absl::StrCat("would become ", NameOf(flip.status()), " with: ", flip.text());
  if (!flip.rule_id().empty()) absl::StrAppend(&text, "  [rule ", flip.rule_id(), "]");
  return text;
}

std::string AnswerText(const v1::Availability& answer, absl::Time now, absl::TimeZone zone) {
  std::string text = absl::StrCat(answer.sku(), "  ", NameOf(answer.status()));
  if (answer.orderable()) absl::StrAppend(&text, ", up to ", answer.max_quantity());
  if (answer.has_available_from()) {
    absl::StrAppend(&text, " from ",
                    absl::FormatTime("%Y-%m-%d", FromProto(answer.available_from()), zone));
  }
  absl::StrAppend(&text, ", known through ",
                  answer.has_known_through()
                      ? FormatMoment(FromProto(answer.known_through()), now, zone)
                      : "nothing yet: some of it was never told");
  return text;
}

}  // namespace

std::string ExplanationTree(const v1::Availability& answer, absl::TimeZone zone) {
  const v1::Explanation& explanation = answer.explanation();
  std::vector<Branch> branches = StepBranches(explanation);
  if (!explanation.fields().empty()) branches.push_back(RulesBranch(explanation, zone));
  if (explanation.has_flip()) branches.push_back({FlipText(explanation.flip()), {}});
  std::string tree;
  Draw(branches, "", &tree);
  return tree;
}

absl::Status Explain(Session& session, const ExplainOptions& options) {
  v1::GetAvailabilityRequest request;
  request.set_sku(options.sku);
  request.set_location_id(options.location_id);
  request.set_channel_id(options.channel_id);
  request.set_explain(true);
  const auto response = session.hub.Call(&v1::AvailabilityService::Stub::GetAvailability, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  const v1::Availability& answer = response->availability();
  session.out << answer.explanation().sentence() << "\n\n"
              << AnswerText(answer, HubNow(session), session.zone) << "\n"
              << ExplanationTree(answer, session.zone);
  return absl::OkStatus();
}

}  // namespace onhand::cli
