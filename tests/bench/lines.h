// The lines of the table, by what they measure. Each function prints the lines that the settings
// want. One thread.
#ifndef ONHAND_TESTS_BENCH_LINES_H_
#define ONHAND_TESTS_BENCH_LINES_H_

#include <string>

#include "tests/bench/measure.h"

namespace onhand::bench {

// A store with 100,000 items at 20 locations each (fewer if quick), shared by what reads it.
struct BigChain {
  std::string url;
  int items = 0;
  int locations = 0;
};
// Makes it at the first call.
const BigChain& TheBigChain(const Settings& settings);

// Bytes a position and start-up: the ledger inside this process.
void MeasureLedger(const Settings& settings);
// Availability of an item over a thousand locations by what its rules ask, inside this process.
void MeasureRules(const Settings& settings);
// What a change of rules costs to preview, likewise.
void MeasurePreviews(const Settings& settings);
// Availability, single and batched, against the bare echo.
void MeasureReads(const Settings& settings);
// Answers of a website's own cache, fed by a watch.
void MeasureCache(const Settings& settings);
// Acknowledgements one at a time and unary updates, against the bare echo and fdatasync.
void MeasureAcknowledgements(const Settings& settings);
// How soon watchers are told, one and a thousand.
void MeasureWatch(const Settings& settings);
// Holding a basket, alone and under a flood of nightly snapshots.
void MeasureReservations(const Settings& settings);
// One caller's reads beside another's flood.
void MeasureFlood(const Settings& settings);
// The body of the process that floods; never returns.
[[noreturn]] void RunFlooder(const std::string& hub, const std::string& token_file);
// Burst and sustained ingest on SQLite and MariaDB, against their floors.
void MeasureIngest(const Settings& settings);

// Waits until a hub that has just started owes nothing: displays decided, tables written.
void AwaitCalm(const std::string& address);

}  // namespace onhand::bench

#endif  // ONHAND_TESTS_BENCH_LINES_H_
