#include "tests/demo/view.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "clients/cpp/timestamp.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "tests/demo/world.h"

namespace onhand::demo {
namespace {

constexpr absl::Duration kRateWindow = absl::Seconds(2);

std::string Behind(absl::Duration age) {
  const int64_t minutes = std::max<int64_t>(absl::ToInt64Minutes(age), 0);
  return minutes < 120 ? absl::StrCat(minutes, " min") : absl::StrCat(minutes / 60, " h");
}

std::string LocationLine(const v1::LocationStatus& location, absl::Time now) {
  const bool told = location.has_known_through();
  const absl::Time known =
      told ? client::FromProto(location.known_through()) : absl::InfinitePast();
  bool connected = false;
  for (const v1::SourceStatus& source : location.sources()) connected |= source.connected();
  return absl::StrFormat(
      "  %-22s %-19s %8s  %9d  %10d  %s\n", location.name(),
      told ? absl::FormatTime("%m-%d %H:%M:%S", known, absl::LocalTimeZone()) : "never told",
      told ? Behind(now - known) : "", location.position_count(), location.quarantine_count(),
      connected ? "reports" : "SILENT");
}

}  // namespace

double View::Rate(uint64_t reports) {
  const absl::Time now = absl::Now();
  if (now - counted_at_ >= kRateWindow) {
    if (counted_at_ != absl::InfinitePast()) {
      rate_ = static_cast<double>(reports - counted_) / absl::ToDoubleSeconds(now - counted_at_);
    }
    counted_ = reports;
    counted_at_ = now;
  }
  return rate_;
}

absl::StatusOr<std::string> View::Table() {
  const auto hub = hub_->Call(&v1::HubService::Stub::GetHubStatus, v1::GetHubStatusRequest());
  if (!hub.ok()) return hub.status();
  const auto locations =
      hub_->Call(&v1::HubService::Stub::ListLocationStatus, v1::ListLocationStatusRequest());
  if (!locations.ok()) return locations.status();
  const Probe::Measured measured = probe_->measured();

  std::string table =
      absl::StrFormat("%s: %d stores, %d goods, hub %s on %s, an hour passes in %.1f s\n",
                      kChainName, locations->locations_size(), hub->item_count(),
                      hub_->options().hub, hub->store(), 3600.0 / static_cast<double>(scale_));
  absl::StrAppendFormat(&table, "replaying %s; running for %d s; %d units sold\n\n",
                        absl::FormatCivilTime(absl::CivilMinute(tills_->ReplayedMoment())),
                        absl::ToInt64Seconds(absl::Now() - started_), tills_->sold());
  absl::StrAppend(
      &table,
      "  STORE                  KNOWN THROUGH         BEHIND  POSITIONS  QUARANTINE  AGENT\n");
  const absl::Time now = client::FromProto(locations->ledger_time());
  for (const v1::LocationStatus& location : locations->locations()) {
    table += LocationLine(location, now);
  }
  absl::StrAppendFormat(
      &table, "\n  %.1f reports a second; %d in all with %d movements, %d positions known\n",
      Rate(hub->report_count()), hub->report_count(), hub->movement_count(), hub->position_count());
  absl::StrAppendFormat(&table,
                        "  items times channels: %d shown, %d hidden, %d back-ordered; %d in "
                        "quarantine\n",
                        hub->shown_count(), hub->hidden_count(), hub->backordered_count(),
                        hub->quarantine_count());
  absl::StrAppendFormat(
      &table,
      "  from a till's file to the answer that contains it: slowest %.0f ms, median %.0f ms, %d "
      "measured\n",
      absl::ToDoubleMilliseconds(measured.slowest), absl::ToDoubleMilliseconds(measured.median),
      measured.reports);
  return table;
}

void View::Paint(const std::string& table, const std::vector<std::string>& narration) const {
  winsize size{};
  size_t rows = 40;
  size_t columns = 100;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
    rows = size.ws_row;
    columns = size.ws_col;
  }
  std::vector<std::string> lines = absl::StrSplit(table, '\n');
  const size_t room = rows > lines.size() + 1 ? rows - lines.size() - 1 : 0;
  const size_t first = narration.size() > room ? narration.size() - room : 0;
  lines.insert(lines.end(), narration.begin() + static_cast<std::ptrdiff_t>(first),
               narration.end());
  std::string screen = "\x1b[H";
  for (size_t i = 0; i < std::min(lines.size(), rows); ++i) {
    absl::StrAppend(&screen, i == 0 ? "" : "\n", lines[i].substr(0, columns), "\x1b[K");
  }
  std::cout << screen << "\x1b[J" << std::flush;
}

}  // namespace onhand::demo
