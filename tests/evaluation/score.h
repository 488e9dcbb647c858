// Scores of count forecasts, and intervals for them by resampling whole store-weeks, because hours
// of one store and week rise and fall together. Pure functions.
#ifndef ONHAND_TESTS_EVALUATION_SCORE_H_
#define ONHAND_TESTS_EVALUATION_SCORE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace onhand::evaluation {

// One forecast and what came.
struct Outcome {
  int store = 0;
  int week = 0;
  double sold = 0;
  double mean = 0;
  double parameter_variance =
      0;  // 1/a: relative variance of the rate; 0 where the method knows none
};

struct Scores {
  double bias = 0;       // sum(forecast - sold) / sum(sold)
  double deviance = 0;   // Poisson deviance, mean
  double log_score = 0;  // -log probability of what came, mean, negative binomial
  double pit = 0;        // largest distance of the randomized PIT from uniform (Kolmogorov-Smirnov)
};

// c that makes the squared errors of these outcomes as large as forecast: sum[(y-m)^2 - m - m^2/a]
// / sum m^2.
double MomentOverdispersion(absl::Span<const Outcome> outcomes);

Scores ScoreOf(absl::Span<const Outcome> outcomes, double overdispersion);

// A number with its 95 % interval.
struct Interval {
  double low = 0;
  double high = 0;
};

// One store-week's contribution to a ratio of sums.
struct Share {
  int store = 0;
  int week = 0;
  double over = 0;
  double under = 0;
};
// 95 % interval of sum(over)/sum(under), resampling store-weeks 1,000 times with a fixed seed.
Interval BootstrapRatio(absl::Span<const Share> shares);

std::string Percent(double value, int digits);
std::string Number(double value, int digits);
// '[low, high]'
std::string Range(const Interval& interval, int digits, double scale = 1);

}  // namespace onhand::evaluation

#endif  // ONHAND_TESTS_EVALUATION_SCORE_H_
