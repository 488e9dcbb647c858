#include "clients/cli/availability.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/table.h"
#include "clients/cpp/refusal.h"
#include "onhand/v1/availability.grpc.pb.h"

namespace onhand::cli {
namespace {

constexpr size_t kBatchSkusMax = 1000;

using Answers = absl::StatusOr<v1::BatchGetAvailabilityResponse>;

v1::BatchGetAvailabilityRequest Question(const AvailabilityOptions& options) {
  v1::BatchGetAvailabilityRequest request;
  request.set_channel_id(options.channel_id);
  request.set_location_id(options.location_id);
  request.set_with_locations(options.with_locations);
  return request;
}

// Only the single question explains, so each SKU is asked by itself.
Answers AskExplained(Session& session, const AvailabilityOptions& options,
                     const std::vector<std::string>& skus) {
  v1::BatchGetAvailabilityResponse all;
  for (const std::string& sku : skus) {
    v1::GetAvailabilityRequest request;
    request.set_sku(sku);
    request.set_channel_id(options.channel_id);
    request.set_location_id(options.location_id);
    request.set_with_locations(options.with_locations);
    request.set_explain(true);
    auto answer = session.hub.Call(&v1::AvailabilityService::Stub::GetAvailability, request);
    if (answer.ok()) {
      *all.add_results()->mutable_availability() = std::move(*answer->mutable_availability());
    } else if (client::RefusalOf(answer.status()).reason == "UNKNOWN_ITEM") {
      all.add_results()->mutable_unknown()->set_sku(sku);
    } else {
      return answer.status();
    }
  }
  return all;
}

Answers Ask(Session& session, const AvailabilityOptions& options) {
  if (options.explain && !options.skus.empty()) {
    return AskExplained(session, options, options.skus);
  }
  v1::BatchGetAvailabilityRequest question = Question(options);
  question.set_parent_sku(options.parent_sku);
  Answers answers =
      options.skus.empty()
          ? session.hub.Call(&v1::AvailabilityService::Stub::BatchGetAvailability, question)
          : AskBatches(session, std::move(question), options.skus);
  if (!answers.ok() || !options.explain) return answers;
  std::vector<std::string> skus;
  for (const v1::BatchAvailability& result : answers->results()) {
    if (result.has_availability()) skus.push_back(result.availability().sku());
  }
  return AskExplained(session, options, skus);
}

std::string KnownThrough(const auto& told, absl::Time now, absl::TimeZone zone) {
  return told.has_known_through() ? FormatMoment(FromProto(told.known_through()), now, zone)
                                  : "never told";
}

void PrintSummary(Session& session, const v1::BatchGetAvailabilityResponse& answers,
                  absl::Time now) {
  Table table({"SKU", "STATUS", "ORDERABLE", ">UP TO", "FROM", "KNOWN THROUGH"});
  for (const v1::BatchAvailability& result : answers.results()) {
    if (!result.has_availability()) {
      table.Add({result.unknown().sku(), "unknown item"});
      continue;
    }
    const v1::Availability& answer = result.availability();
    table.Add({answer.sku(), NameOf(answer.status()), answer.orderable() ? "yes" : "no",
               absl::StrCat(answer.max_quantity()),
               answer.has_available_from()
                   ? absl::FormatTime("%Y-%m-%d", FromProto(answer.available_from()), session.zone)
                   : "",
               KnownThrough(answer, now, session.zone)});
  }
  table.Print(session.out, "No items.");
}

void PrintLocations(Session& session, const v1::Availability& answer, absl::Time now) {
  session.out << "\n" << answer.sku() << " by location\n";
  Table table({"LOCATION", ">SALABLE", "KNOWN THROUGH"});
  for (const v1::LocationAvailability& location : answer.locations()) {
    table.Add({location.location_id(), absl::StrCat(location.salable()),
               KnownThrough(location, now, session.zone)});
  }
  table.Print(session.out, "No location of the channel has it.");
}

void PrintExplanation(Session& session, const v1::Availability& answer) {
  session.out << "\n" << answer.sku() << ": " << answer.explanation().sentence() << "\n";
  Table table({"STEP", "LOCATION", ">BEFORE", ">AFTER", "RULE", "WHAT HAPPENED"});
  for (const v1::ExplainedStep& step : answer.explanation().steps()) {
    table.Add({step.step(), step.location_id().empty() ? "chain" : step.location_id(),
               absl::StrCat(step.before()), absl::StrCat(step.after()), step.rule_id(),
               step.text()});
  }
  table.Print(session.out, "No steps.");
}

absl::Status UnknownSkus(const v1::BatchGetAvailabilityResponse& answers) {
  std::vector<std::string> unknown;
  for (const v1::BatchAvailability& result : answers.results()) {
    if (result.has_unknown()) unknown.push_back(absl::StrCat("'", result.unknown().sku(), "'"));
  }
  if (unknown.empty()) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("sku ", absl::StrJoin(unknown, ", "),
                                          " is not known; check it with `onhand item list`, or "
                                          "import it with `onhand import items`"));
}

}  // namespace

Answers AskBatches(Session& session, v1::BatchGetAvailabilityRequest question,
                   absl::Span<const std::string> skus) {
  v1::BatchGetAvailabilityResponse all;
  for (size_t first = 0; first < skus.size(); first += kBatchSkusMax) {
    const auto asked = skus.subspan(first, kBatchSkusMax);
    question.mutable_skus()->Assign(asked.begin(), asked.end());
    Answers part = session.hub.Call(&v1::AvailabilityService::Stub::BatchGetAvailability, question);
    if (!part.ok()) return part;
    all.MergeFrom(*part);
  }
  return all;
}

absl::Status ShowAvailability(Session& session, const AvailabilityOptions& options) {
  if (options.skus.empty() == options.parent_sku.empty()) {
    return UsageError("availability", "", "give SKUs or --parent, one of the two");
  }
  const Answers answers = Ask(session, options);
  if (!answers.ok()) return answers.status();
  if (session.json) {
    PrintJson(session, *answers);
    return UnknownSkus(*answers);
  }
  const absl::Time now = HubNow(session);
  PrintSummary(session, *answers, now);
  for (const v1::BatchAvailability& result : answers->results()) {
    if (!result.has_availability()) continue;
    if (options.with_locations) PrintLocations(session, result.availability(), now);
    if (options.explain) PrintExplanation(session, result.availability());
  }
  return UnknownSkus(*answers);
}

}  // namespace onhand::cli
