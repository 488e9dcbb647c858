// The tables of the evaluation, each written as Markdown to standard output or a file. Every table
// fits on the past only and reports each half of the stores with what was chosen on the other half.
// Pure but for the stream.
#ifndef ONHAND_TESTS_EVALUATION_TABLES_H_
#define ONHAND_TESTS_EVALUATION_TABLES_H_

#include <ostream>
#include <vector>

#include "tests/evaluation/speeds.h"

namespace onhand::evaluation {

// Next-day sales over in-stock hours: the estimator against MA, SES, Croston, SBA and TSB.
void WriteRateTable(const std::vector<Speed>& speeds, std::ostream& out);

// How often demand exceeds its 1 % and 5 % quantile over 2 to 24 h, and the pooled buffer against
// summed ones.
void WriteCalibrationTable(const std::vector<Speed>& speeds, std::ostream& out);

// Out-of-stock hours found by the phantom filter, against labels.
void WriteDetectionTable(const std::vector<Speed>& speeds, std::ostream& out);

// Persistent phantoms injected into positions that sold: found, rightly, and after how many
// expected sales.
void WritePhantomTable(const std::vector<Speed>& speeds, std::ostream& out);

// Which SKUs to show: fillability against the best fixed chain threshold, on simulated stock with
// record errors.
void WriteDisplayTable(const std::vector<Speed>& speeds, std::ostream& out);

}  // namespace onhand::evaluation

#endif  // ONHAND_TESTS_EVALUATION_TABLES_H_
