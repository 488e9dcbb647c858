#include "server/telemetry/metrics.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "onhand/v1/reservations.pb.h"
#include "prometheus/metric_family.h"
#include "prometheus/text_serializer.h"

namespace onhand::telemetry {
namespace {

using Families = std::vector<prometheus::MetricFamily>;

prometheus::MetricFamily& AddFamily(Families& families, const char* name, const char* help,
                                    prometheus::MetricType type) {
  prometheus::MetricFamily& family = families.emplace_back();
  family.name = name;
  family.help = help;
  family.type = type;
  return family;
}

prometheus::ClientMetric& Add(Families& families, const char* name, const char* help,
                              prometheus::MetricType type) {
  return AddFamily(families, name, help, type).metric.emplace_back();
}

void AddGauge(Families& families, const char* name, const char* help, double value) {
  Add(families, name, help, prometheus::MetricType::Gauge).gauge.value = value;
}

void AddCounter(Families& families, const char* name, const char* help, uint64_t value) {
  Add(families, name, help, prometheus::MetricType::Counter).counter.value =
      static_cast<double>(value);
}

// A further metric of the last family.
prometheus::ClientMetric& AddAnother(Families& families, const char* label, std::string value) {
  prometheus::ClientMetric& metric = families.back().metric.emplace_back();
  metric.label = {{label, std::move(value)}};
  return metric;
}

// The buckets of Prometheus count all that lies at or below their bound.
void Fill(const hub::Distribution& distribution, prometheus::ClientMetric* metric) {
  uint64_t count = 0;
  for (size_t k = 0; k <= distribution.bounds().size(); ++k) {
    count += distribution.count(k);
    prometheus::ClientMetric::Bucket& bucket = metric->histogram.bucket.emplace_back();
    bucket.cumulative_count = count;
    bucket.upper_bound = k < distribution.bounds().size() ? distribution.bounds()[k]
                                                          : std::numeric_limits<double>::infinity();
  }
  metric->histogram.sample_count = count;
  metric->histogram.sample_sum = distribution.sum();
}

void AddDistribution(Families& families, const char* name, const char* help,
                     const hub::Distribution& distribution) {
  Fill(distribution, &Add(families, name, help, prometheus::MetricType::Histogram));
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
  AddDistribution(families, "onhand_group_commit_duration_seconds",
                  "From a group's last decision until it is durable and applied.",
                  counts.group_seconds);
  AddDistribution(families, "onhand_group_commands",
                  "What people, websites and stores brought to a group commit.",
                  counts.group_commands);
}

void AddDatabase(Families& families, const MetricSources& sources) {
  const hub::Hub::Counts& counts = sources.hub->counts();
  AddFamily(
      families, "onhand_database_errors_total",
      "Statements that the database did not do: appends to the journal, writes of the tables.",
      prometheus::MetricType::Counter);
  AddAnother(families, "part", "journal").counter.value =
      static_cast<double>(counts.append_errors.load());
  AddAnother(families, "part", "tables").counter.value =
      static_cast<double>(sources.projection->errors.load());
  AddFamily(families, "onhand_database_retries_total",
            "Times that they were tried or asked about again.", prometheus::MetricType::Counter);
  AddAnother(families, "part", "journal").counter.value =
      static_cast<double>(counts.append_retries.load());
  AddAnother(families, "part", "tables").counter.value =
      static_cast<double>(sources.projection->errors.load());
  AddGauge(families, "onhand_projected_revision",
           "The revision up to which the plain tables are written.",
           static_cast<double>(sources.projection->through_revision.load()));
  AddGauge(families, "onhand_projection_lag_seconds", "Ledger time that the plain tables lack.",
           static_cast<double>(sources.projection->behind_us.load()) / 1e6);
}

void AddCalls(Families& families, const MetricSources& sources) {
  AddGauge(families, "onhand_calls_in_flight", "Calls and streams that have not ended.",
           static_cast<double>(sources.calls->under_way()));
  prometheus::MetricFamily& family =
      AddFamily(families, "onhand_rpc_duration_seconds",
                "Calls by method and code, of gRPC and of HTTP; streams from first to last.",
                prometheus::MetricType::Histogram);
  for (const rpc::CallBook::Method& method : sources.calls->methods()) {
    for (size_t code = 0; code < rpc::CallBook::kCodes; ++code) {
      prometheus::ClientMetric metric;
      Fill(method.took(code), &metric);
      if (metric.histogram.sample_count == 0) continue;
      metric.label = {{"method", method.name()},
                      {"code", std::string(rpc::CallBook::NameOf(code))}};
      family.metric.push_back(std::move(metric));
    }
  }
  AddFamily(families, "onhand_refused_calls_total", "Calls beyond what their caller may ask.",
            prometheus::MetricType::Counter);
  using Limit = rpc::CallLimits::Limit;
  for (const Limit limit : {Limit::kRate, Limit::kCalls, Limit::kStreams}) {
    AddAnother(families, "reason", std::string(rpc::CallLimits::ReasonOf(limit))).counter.value =
        sources.limits == nullptr ? 0 : static_cast<double>(sources.limits->refused(limit));
  }
}

void AddSurvey(Families& families, const Survey& survey) {
  AddGauge(families, "onhand_doubted_positions",
           "Positions with stock whose shelf is probably empty, as of the last survey.",
           static_cast<double>(survey.doubted()));
  AddFamily(families, "onhand_reservations", "Reservations by state, as of the last survey.",
            prometheus::MetricType::Gauge);
  for (size_t state = 1; state < Survey::kReservationStates; ++state) {
    const std::string name = v1::ReservationState_Name(static_cast<v1::ReservationState>(state));
    AddAnother(families, "state",
               absl::AsciiStrToLower(absl::StripPrefix(name, "RESERVATION_STATE_")))
        .gauge.value = static_cast<double>(survey.reservations(state));
  }
}

void AddMemory(Families& families) {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  double resident = 0;
  file >> pages >> resident;
  AddGauge(families, "onhand_resident_memory_bytes", "Memory of the process.",
           resident * static_cast<double>(sysconf(_SC_PAGESIZE)));
}

// Of the locations whose sources have all told something: how long ago the one was heard of last
// that was heard of longest ago.
double OldestReportAge(const ledger::State& state) {
  int64_t oldest_us = 0;
  state.clocks.ForEach([&](uint32_t location, const ledger::LocationClock& clock) {
    const ledger::journal::Location* row = state.locations.Find(location);
    if (row == nullptr || row->state() != v1::LOCATION_STATE_OPEN) return;
    const int64_t told_us = clock.KnownThrough();
    if (told_us > 0) oldest_us = std::max(oldest_us, state.counters.time_us - told_us);
  });
  return static_cast<double>(oldest_us) / 1e6;
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
  AddGauge(families, "onhand_oldest_report_age_seconds",
           "How far behind the open location is whose numbers are the oldest.",
           OldestReportAge(state));
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
  AddGauge(families, "onhand_image_revision", "The revision of the newest sealed image.",
           static_cast<double>(sources.hub->image_revision()));
  AddGauge(families, "onhand_report_streams", "Report streams open.",
           static_cast<double>(sources.open_streams()));
  AddCounts(families, sources.hub->counts());
  AddDatabase(families, sources);
  AddCalls(families, sources);
  AddSurvey(families, *sources.survey);
  AddMemory(families);
  AddWatch(families, sources.watch->counts());
  sources.hub->Read([&](const ledger::Ledger& ledger) { AddLedger(families, ledger); });
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

}  // namespace onhand::telemetry
