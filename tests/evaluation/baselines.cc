#include "tests/evaluation/baselines.h"

#include <numeric>

namespace onhand::evaluation {

std::string NameOf(BaselineKind kind) {
  switch (kind) {
    case BaselineKind::kMovingAverage:
      return "MA";
    case BaselineKind::kSmoothing:
      return "SES";
    case BaselineKind::kCroston:
      return "Croston";
    case BaselineKind::kSyntetosBoylan:
      return "SBA";
    case BaselineKind::kTeunterSyntetosBabai:
      return "TSB";
  }
  return "";
}

std::vector<Baseline> BaselinesToTry() {
  std::vector<Baseline> baselines;
  for (const double days : {7, 14, 28}) baselines.push_back({BaselineKind::kMovingAverage, days});
  for (const BaselineKind kind :
       {BaselineKind::kSmoothing, BaselineKind::kCroston, BaselineKind::kSyntetosBoylan,
        BaselineKind::kTeunterSyntetosBabai}) {
    for (const double weight : {0.03, 0.05, 0.1, 0.15, 0.2, 0.3})
      baselines.push_back({kind, weight});
  }
  return baselines;
}

void BaselineState::Add(double sold_today) {
  const double weight = baseline_.parameter;
  switch (baseline_.kind) {
    case BaselineKind::kMovingAverage:
      window_.push_back(sold_today);
      if (static_cast<double>(window_.size()) > weight) window_.pop_front();
      return;
    case BaselineKind::kSmoothing:
      level_ = started_ ? level_ + weight * (sold_today - level_) : sold_today;
      started_ = true;
      return;
    case BaselineKind::kCroston:
    case BaselineKind::kSyntetosBoylan:
      ++since_;
      if (sold_today <= 0) return;
      level_ = started_ ? level_ + weight * (sold_today - level_) : sold_today;
      interval_ = started_ ? interval_ + weight * (since_ - interval_) : since_;
      started_ = true;
      since_ = 0;
      return;
    case BaselineKind::kTeunterSyntetosBabai:
      chance_ = started_ ? chance_ + weight * ((sold_today > 0 ? 1 : 0) - chance_)
                         : (sold_today > 0 ? 1 : 0);
      if (sold_today > 0)
        level_ = level_ > 0 ? level_ + weight * (sold_today - level_) : sold_today;
      started_ = true;
      return;
  }
}

double BaselineState::Forecast() const {
  switch (baseline_.kind) {
    case BaselineKind::kMovingAverage:
      if (window_.empty()) return 0;
      return std::accumulate(window_.begin(), window_.end(), 0.0) /
             static_cast<double>(window_.size());
    case BaselineKind::kSmoothing:
      return level_;
    case BaselineKind::kCroston:
      return level_ / interval_;
    case BaselineKind::kSyntetosBoylan:
      return (1 - baseline_.parameter / 2) * level_ / interval_;
    case BaselineKind::kTeunterSyntetosBabai:
      return chance_ * level_;
  }
  return 0;
}

}  // namespace onhand::evaluation
