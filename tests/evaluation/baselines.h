// The plain forecasters that shops use, on daily sales: moving average, exponential smoothing,
// Croston, its Syntetos-Boylan correction, and Teunter-Syntetos-Babai. Each forecasts units a day.
// Values, one thread.
#ifndef ONHAND_TESTS_EVALUATION_BASELINES_H_
#define ONHAND_TESTS_EVALUATION_BASELINES_H_

#include <deque>
#include <string>
#include <vector>

namespace onhand::evaluation {

enum class BaselineKind {
  kMovingAverage,
  kSmoothing,
  kCroston,
  kSyntetosBoylan,
  kTeunterSyntetosBabai
};

std::string NameOf(BaselineKind kind);

// A kind with its parameter: days of the window, or the smoothing weight.
struct Baseline {
  BaselineKind kind = BaselineKind::kMovingAverage;
  double parameter = 7;
};
// Every parameter that is tried on the tuning half.
std::vector<Baseline> BaselinesToTry();

// One series.
class BaselineState {
 public:
  explicit BaselineState(const Baseline& baseline) : baseline_(baseline) {}
  void Add(double sold_today);
  // Units a day; 0 before the first sale.
  double Forecast() const;

 private:
  Baseline baseline_;
  std::deque<double> window_;
  bool started_ = false;
  double level_ = 0;     // smoothed units a day, or units on days with sales
  double interval_ = 1;  // Croston: smoothed days between sales
  double chance_ = 0;    // TSB: smoothed chance of a sale
  int since_ = 0;
};

}  // namespace onhand::evaluation

#endif  // ONHAND_TESTS_EVALUATION_BASELINES_H_
