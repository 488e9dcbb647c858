#include "server/ledger/status_answer.h"

#include <algorithm>
#include <limits>

#include "server/ledger/back_order.h"

namespace onhand::ledger {
namespace {

void AnswerBackOrder(const Answering& answering, Promise& promise) {
  const Question& question = answering.question;
  const BackOrder order =
      BackOrderOf(answering.state, answering.book, answering.rules, question.item, question.channel,
                  question.location, answering.now_us);
  if (order.units == 0) return;
  promise.status = v1::AVAILABILITY_STATUS_BACKORDER;
  promise.available_from_us = order.available_from_us;
  promise.max_quantity =
      static_cast<int32_t>(std::min<int64_t>(order.units, std::numeric_limits<int32_t>::max()));
}

}  // namespace

void AnswerFromStock(const Answering& answering, Promise& promise) {
  const ResolvedRules& rules = answering.rules;
  const bool is_low = promise.salable <= rules.low_stock_at.value.value_or(0);
  promise.status = is_low ? v1::AVAILABILITY_STATUS_LOW_STOCK : v1::AVAILABILITY_STATUS_IN_STOCK;
  promise.rule = is_low ? rules.low_stock_at.rule : nullptr;
  int64_t most =
      answering.policy == v1::ZERO_POLICY_KEEP_SELLING ? kKeepSellingMax : promise.salable;
  if (rules.max_quantity.value.has_value()) {
    most = std::min<int64_t>(most, *rules.max_quantity.value);
  }
  promise.max_quantity =
      static_cast<int32_t>(std::min<int64_t>(most, std::numeric_limits<int32_t>::max()));
  promise.orderable = promise.max_quantity > 0;
}

void AnswerFromNothing(const Answering& answering, bool stopped, Promise& promise) {
  const ResolvedRules& rules = answering.rules;
  promise.rule = rules.zero_policy.rule;
  switch (answering.policy) {
    case v1::ZERO_POLICY_KEEP_SELLING:
      promise.status = v1::AVAILABILITY_STATUS_SOLD_OUT;
      if (stopped) break;
      promise.status = v1::AVAILABILITY_STATUS_KEEP_SELLING;
      promise.max_quantity = kKeepSellingMax;
      break;
    case v1::ZERO_POLICY_BACKORDER:
      promise.status = v1::AVAILABILITY_STATUS_SOLD_OUT;
      if (!stopped) AnswerBackOrder(answering, promise);
      break;
    case v1::ZERO_POLICY_SOLD_OUT:
      promise.status = v1::AVAILABILITY_STATUS_SOLD_OUT;
      break;
    default:
      promise.status = v1::AVAILABILITY_STATUS_HIDDEN;
      break;
  }
  if (rules.max_quantity.value.has_value()) {
    promise.max_quantity = std::min(promise.max_quantity, *rules.max_quantity.value);
  }
  promise.orderable = promise.max_quantity > 0;
}

}  // namespace onhand::ledger
