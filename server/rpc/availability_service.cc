#include "server/rpc/availability_service.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/ledger/answer_view.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/explain_fields.h"
#include "server/ledger/flip.h"
#include "server/ledger/refusal.h"
#include "server/ledger/validate.h"
#include "server/rpc/question.h"
#include "server/rpc/unary_call.h"

namespace onhand::rpc {
namespace {

constexpr int kBatchCalls = 16;

void AddLocations(const ledger::State& state, const ledger::Trace& trace,
                  v1::Availability* answer) {
  for (const ledger::LocationPart& part : trace.locations) {
    v1::LocationAvailability& location = *answer->add_locations();
    location.set_location_id(state.locations.Find(part.location)->location_id());
    location.set_salable(
        static_cast<int32_t>(std::min<int64_t>(part.salable, std::numeric_limits<int32_t>::max())));
    if (part.known_through_us != 0)
      *location.mutable_known_through() = ledger::TimestampOf(part.known_through_us);
  }
}

void AddExplanation(const ledger::Ledger& ledger, const ledger::Question& question,
                    const ledger::Trace& trace, v1::Explanation* explanation) {
  const ledger::State& state = ledger.state();
  explanation->set_sentence(trace.sentence);
  for (const ledger::Step& taken : trace.steps) {
    v1::ExplainedStep& step = *explanation->add_steps();
    step.set_step(taken.step);
    if (taken.location != 0)
      step.set_location_id(state.locations.Find(taken.location)->location_id());
    step.set_before(taken.before);
    step.set_after(taken.after);
    step.set_rule_id(taken.rule_id);
    step.set_text(taken.text);
  }
  ledger::ExplainFields(state, ledger.rule_book(), question, explanation);
  if (auto flip = ledger::FindFlip(state, ledger.rule_book(), question)) {
    *explanation->mutable_flip() = *std::move(flip);
  }
}

absl::Status TooLarge(absl::string_view field, std::string value, std::string problem) {
  return ledger::Refuse(
      absl::StatusCode::kInvalidArgument,
      {.reason = "BATCH_TOO_LARGE",
       .field = field,
       .value = std::move(value),
       .problem = std::move(problem),
       .remedy =
           absl::StrCat("ask for at most ", AvailabilityService::kBatchSkusMax, " SKUs a call")});
}

absl::Status CheckBatch(const v1::BatchGetAvailabilityRequest& request) {
  if (request.skus_size() > AvailabilityService::kBatchSkusMax) {
    return TooLarge("skus", absl::StrCat(request.skus_size()), "are more than a batch may have");
  }
  if (request.skus().empty() && request.parent_sku().empty()) {
    return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                          {.reason = "INVALID_BATCH",
                           .field = "skus",
                           .problem = "and parent_sku are both empty",
                           .remedy = "name the SKUs, or the parent of them"});
  }
  return absl::OkStatus();
}

}  // namespace

AvailabilityService::AvailabilityService(hub::Hub* hub, hub::Clock* clock)
    : hub_(hub), clock_(clock) {}

void AvailabilityService::Serve(CallQueue* queue) {
  const auto get = [this, queue](const v1::GetAvailabilityRequest& request,
                                 v1::GetAvailabilityResponse* response, Reply reply) {
    if (!request.explain()) return reply(Get(request, response));
    queue->DoAside([this, &request, response, reply] { reply(Get(request, response)); });
  };
  ServeUnary(queue, &service_, &Service::RequestGetAvailability, get, Where::kInline, kHotCalls);
  ServeUnary(queue, &service_, &Service::RequestBatchGetAvailability,
             std::bind_front(&AvailabilityService::BatchGet, this), Where::kInline, kBatchCalls);
}

absl::StatusOr<AvailabilityService::Scope> AvailabilityService::ScopeOf(
    const ledger::State& state, const std::string& channel_id, const std::string& location_id,
    uint64_t min_revision) {
  if (min_revision > state.counters.revision) {
    return ledger::Refuse(
        absl::StatusCode::kUnavailable,
        {.reason = "REVISION_NOT_REACHED",
         .field = "min_revision",
         .value = absl::StrCat(min_revision),
         .problem = absl::StrCat("is ahead of this hub, which is at ", state.counters.revision),
         .remedy = "ask again in a moment"});
  }
  Scope scope;
  const absl::StatusOr<uint32_t> channel = ChannelAsked(state, channel_id);
  if (!channel.ok()) return channel.status();
  scope.channel = *channel;
  if (!location_id.empty()) {
    const absl::StatusOr<uint32_t> location =
        ledger::FindLocation(state, "location_id", location_id);
    if (!location.ok()) return location.status();
    scope.location = *location;
  }
  scope.now_us = MomentAsked(state, *clock_);
  return scope;
}

void AvailabilityService::Answer(const ledger::Ledger& ledger, const Scope& scope, uint32_t item,
                                 bool with_locations, bool explain, v1::Availability* answer) {
  const ledger::State& state = ledger.state();
  ledger::Trace explained{.with_steps = true};
  ledger::Trace* trace = nullptr;
  if (explain) {
    trace = &explained;
  } else if (with_locations) {
    trace = &trace_;
    trace_.locations.clear();
    trace_.sentence.clear();
  }
  const ledger::Question question{
      .item = item, .channel = scope.channel, .location = scope.location, .now_us = scope.now_us};
  const ledger::Promise promise = ledger::Evaluate(state, ledger.rule_book(), question, trace);
  ledger::FillAnswer(state, item, promise, answer);
  if (with_locations) AddLocations(state, *trace, answer);
  if (explain) AddExplanation(ledger, question, *trace, answer->mutable_explanation());
}

absl::Status AvailabilityService::Get(const v1::GetAvailabilityRequest& request,
                                      v1::GetAvailabilityResponse* response) {
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    const ledger::State& state = ledger.state();
    const absl::StatusOr<Scope> scope =
        ScopeOf(state, request.channel_id(), request.location_id(), request.min_revision());
    if (!scope.ok()) return scope.status();
    const absl::StatusOr<uint32_t> item = ledger::FindItem(state, "sku", request.sku());
    if (!item.ok()) return item.status();
    Answer(ledger, *scope, *item, request.with_locations(), request.explain(),
           response->mutable_availability());
    return absl::OkStatus();
  });
}

absl::Status AvailabilityService::BatchGet(const v1::BatchGetAvailabilityRequest& request,
                                           v1::BatchGetAvailabilityResponse* response) {
  if (absl::Status wrong = CheckBatch(request); !wrong.ok()) return wrong;
  return request.skus().empty() ? BatchOfParent(request, response) : BatchOfSkus(request, response);
}

absl::Status AvailabilityService::BatchOfSkus(const v1::BatchGetAvailabilityRequest& request,
                                              v1::BatchGetAvailabilityResponse* response) {
  response->mutable_results()->Reserve(request.skus_size());
  absl::Status status;
  for (int first = 0; first < request.skus_size() && status.ok(); first += kSkusALock) {
    status = hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
      const ledger::State& state = ledger.state();
      // Anew under each lock: a channel or location may have gone in between.
      const absl::StatusOr<Scope> scope =
          ScopeOf(state, request.channel_id(), request.location_id(), request.min_revision());
      if (!scope.ok()) return scope.status();
      for (int i = first; i < std::min(first + kSkusALock, request.skus_size()); ++i) {
        v1::BatchAvailability& result = *response->add_results();
        if (const ledger::CodeTarget* target = state.Resolve(request.skus(i), 0)) {
          Answer(ledger, *scope, target->item, request.with_locations(), false,
                 result.mutable_availability());
        } else {
          result.mutable_unknown()->set_sku(request.skus(i));
        }
      }
      return absl::OkStatus();
    });
  }
  return status;
}

absl::Status AvailabilityService::BatchOfParent(const v1::BatchGetAvailabilityRequest& request,
                                                v1::BatchGetAvailabilityResponse* response) {
  std::string after;
  absl::Status status;
  for (bool more = true; more && status.ok();) {
    status = hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
      const absl::StatusOr<Scope> scope = ScopeOf(ledger.state(), request.channel_id(),
                                                  request.location_id(), request.min_revision());
      if (!scope.ok()) return scope.status();
      const auto& children = ledger.children();
      auto at = children.upper_bound({request.parent_sku(), after});
      for (int i = 0; i < kSkusALock; ++i, ++at) {
        more = at != children.end() && at->first.first == request.parent_sku();
        if (!more) break;
        if (response->results_size() == kBatchSkusMax) {
          return TooLarge("parent_sku", request.parent_sku(),
                          "has more items than a batch may have");
        }
        after = at->first.second;
        Answer(ledger, *scope, at->second, request.with_locations(), false,
               response->add_results()->mutable_availability());
      }
      return absl::OkStatus();
    });
  }
  return status;
}

}  // namespace onhand::rpc
