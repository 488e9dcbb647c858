#include "server/telemetry/metrics.h"

#include <sstream>
#include <utility>
#include <vector>

#include "prometheus/metric_family.h"
#include "prometheus/text_serializer.h"

namespace onhand::telemetry {
namespace {

using Families = std::vector<prometheus::MetricFamily>;

prometheus::ClientMetric& Add(Families& families, const char* name, const char* help,
                              prometheus::MetricType type) {
  prometheus::MetricFamily& family = families.emplace_back();
  family.name = name;
  family.help = help;
  family.type = type;
  return family.metric.emplace_back();
}

void AddGauge(Families& families, const char* name, const char* help, double value) {
  Add(families, name, help, prometheus::MetricType::Gauge).gauge.value = value;
}

void AddCounter(Families& families, const char* name, const char* help, uint64_t value) {
  Add(families, name, help, prometheus::MetricType::Counter).counter.value =
      static_cast<double>(value);
}

void AddBuild(Families& families, const MetricSources& sources) {
  prometheus::ClientMetric& metric =
      Add(families, "onhand_build_info", "The program and its store; always 1.",
          prometheus::MetricType::Gauge);
  metric.label = {{"version", sources.version}, {"store", sources.store}};
  metric.gauge.value = 1;
}

void AddCounts(Families& families, const hub::Hub::Counts& counts) {
  AddCounter(families, "onhand_reports_total", "Batches applied.", counts.reports.load());
  AddCounter(families, "onhand_movements_total", "Movements applied.", counts.movements.load());
  AddCounter(families, "onhand_groups_total", "Group commits appended to the journal.",
             counts.groups.load());
  AddCounter(families, "onhand_group_bytes_total",
             "Bytes of group commits appended to the journal.", counts.group_bytes.load());
  AddCounter(families, "onhand_append_retries_total",
             "Times that the outcome of an append had to be found out.",
             counts.append_retries.load());
}

void AddWatch(Families& families, const hub::Watch::Counts& counts) {
  AddGauge(families, "onhand_watchers", "Watchers open, webhooks included.",
           static_cast<double>(counts.watchers.load()));
  AddGauge(families, "onhand_watch_views", "Channels and places whose answers are kept for them.",
           static_cast<double>(counts.views.load()));
  AddCounter(families, "onhand_watch_answers_total", "Answers told to watchers.",
             counts.answers.load());
  AddCounter(families, "onhand_watch_overflows_total", "Watchers ended for reading too slowly.",
             counts.overflows.load());
}

void AddLedger(Families& families, const ledger::Ledger& ledger) {
  const ledger::State& state = ledger.state();
  AddGauge(families, "onhand_ledger_time_seconds", "The ledger's time, seconds since the epoch.",
           static_cast<double>(state.counters.time_us) / 1e6);
  AddGauge(families, "onhand_items", "Items known.",
           static_cast<double>(ledger.sku_order().size()));
  AddGauge(families, "onhand_locations", "Locations known.",
           static_cast<double>(state.locations.size()));
  AddGauge(families, "onhand_positions", "Positions known.",
           static_cast<double>(state.positions.size()));
  AddGauge(families, "onhand_quarantine_entries", "Rows and snapshots that wait for a person.",
           static_cast<double>(state.quarantine.size()));
  AddGauge(families, "onhand_request_answers", "Answers kept for repeated requests.",
           static_cast<double>(state.answers.size()));
}

}  // namespace

std::string RenderMetrics(const MetricSources& sources) {
  Families families;
  AddBuild(families, sources);
  AddGauge(families, "onhand_leading", "1 while the hub writes, 0 once it was fenced.",
           sources.hub->health().ok());
  AddGauge(families, "onhand_revision", "The last applied revision.",
           static_cast<double>(sources.hub->revision()));
  AddGauge(families, "onhand_projected_revision",
           "The revision up to which the plain tables are written.",
           static_cast<double>(sources.projected_revision()));
  AddGauge(families, "onhand_image_revision", "The revision of the newest sealed image.",
           static_cast<double>(sources.hub->image_revision()));
  AddGauge(families, "onhand_report_streams", "Report streams open.",
           static_cast<double>(sources.open_streams()));
  AddCounts(families, sources.hub->counts());
  AddWatch(families, sources.watch->counts());
  sources.hub->Read([&](const ledger::Ledger& ledger) { AddLedger(families, ledger); });
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

}  // namespace onhand::telemetry
