// What a monitoring system may know of the hub, in Prometheus' text format. Numbers are read when
// they are asked for; nothing is counted here. Any thread.
#ifndef ONHAND_SERVER_TELEMETRY_METRICS_H_
#define ONHAND_SERVER_TELEMETRY_METRICS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "server/hub/hub.h"
#include "server/hub/projection.h"
#include "server/hub/watch.h"
#include "server/rpc/call_book.h"
#include "server/rpc/call_limits.h"
#include "server/telemetry/survey.h"

namespace onhand::telemetry {

// Where the numbers come from.
struct MetricSources {
  const hub::Hub* hub = nullptr;
  const hub::Watch* watch = nullptr;
  const Survey* survey = nullptr;
  const hub::ProjectionProgress* projection = nullptr;
  const rpc::CallBook* calls = nullptr;
  const rpc::CallLimits* limits = nullptr;  // null: no tokens are asked for, nobody is limited
  std::string version;                      // of the program
  std::string store;                        // the store's kind
  std::function<uint64_t()> open_streams;
};

// One scrape. Reads the ledger's sizes under its lock.
std::string RenderMetrics(const MetricSources& sources);

}  // namespace onhand::telemetry

#endif  // ONHAND_SERVER_TELEMETRY_METRICS_H_
