#include "clients/cli/status.h"

#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/counted.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/table.h"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/hub.grpc.pb.h"

namespace onhand::cli {
namespace {

constexpr char kClearScreen[] = "\x1b[H\x1b[2J";

struct Picture {
  v1::GetHubStatusResponse hub;
  v1::ListLocationStatusResponse locations;
};

absl::StatusOr<Picture> Take(Session& session) {
  auto hub = session.hub.Call(&v1::HubService::Stub::GetHubStatus, v1::GetHubStatusRequest());
  if (!hub.ok()) return hub.status();
  auto locations =
      ListAll(session, &v1::HubService::Stub::ListLocationStatus, v1::ListLocationStatusRequest());
  if (!locations.ok()) return locations.status();
  return Picture{*std::move(hub), *std::move(locations)};
}

std::string SourceText(const v1::SourceStatus& source, absl::Time now) {
  std::string state = source.retired() ? "retired" : source.connected() ? "connected" : "away";
  if (source.has_last_report_at() && !source.retired()) {
    absl::StrAppend(&state, ", reported ", FormatAge(FromProto(source.last_report_at()), now));
  }
  return absl::StrCat(source.source_id(), " (", state, ")");
}

std::string SourcesText(const v1::LocationStatus& location, absl::Time now) {
  return absl::StrJoin(location.sources(), "; ",
                       [&](std::string* out, const v1::SourceStatus& source) {
                         absl::StrAppend(out, SourceText(source, now));
                       });
}

void PrintHub(std::ostream& out, const v1::GetHubStatusResponse& hub, absl::TimeZone zone) {
  out << "hub " << hub.version() << " on " << hub.store() << ", revision " << hub.revision();
  if (hub.has_ledger_time()) {
    out << ", ledger time "
        << absl::FormatTime("%Y-%m-%d %H:%M:%S", FromProto(hub.ledger_time()), zone);
  }
  out << "\n"
      << Counted(hub.item_count(), "item") << ", " << Counted(hub.position_count(), "position")
      << "; " << hub.shown_count() << " shown, " << hub.hidden_count() << " hidden, "
      << hub.backordered_count() << " back-ordered; " << hub.quarantine_count()
      << " in quarantine\n"
      << Counted(hub.stream_count(), "source") << " connected; since the start "
      << Counted(hub.report_count(), "report") << " with "
      << Counted(hub.movement_count(), "movement") << "\n\n";
}

std::string Render(const Picture& picture, absl::TimeZone zone) {
  std::ostringstream out;
  PrintHub(out, picture.hub, zone);
  const absl::Time now = FromProto(picture.locations.ledger_time());
  Table table(
      {"LOCATION", "NAME", "STATE", "KNOWN THROUGH", ">POSITIONS", ">QUARANTINE", "SOURCES"});
  for (const v1::LocationStatus& location : picture.locations.locations()) {
    table.Add({location.location_id(), location.name(), NameOf(location.state()),
               location.has_known_through()
                   ? FormatMoment(FromProto(location.known_through()), now, zone)
                   : "never told",
               absl::StrCat(location.position_count()), absl::StrCat(location.quarantine_count()),
               SourcesText(location, now)});
  }
  table.Print(out, "No locations; import them with `onhand import locations FILE.csv`.");
  return out.str();
}

// Keeps the last picture on the screen while the hub is away.
absl::Status Watch(Session& session) {
  std::string last;
  do {
    const absl::StatusOr<Picture> picture = Take(session);
    std::string note;
    if (picture.ok()) {
      last = Render(*picture, session.zone);
    } else if (ExitCode(picture.status()) != kExitHubAway) {
      return picture.status();
    } else {
      note = "\nThe hub does not answer; this is the last that it said.\n";
    }
    session.out << (session.out_is_terminal ? kClearScreen : "") << last << note << std::flush;
  } while (session.wait(absl::Seconds(1)));
  return absl::OkStatus();
}

// The sentence of the answer as it is now, which is the one that the change led to.
absl::StatusOr<std::string> WhyShown(Session& session, const v1::DisplayChange& change) {
  v1::GetAvailabilityRequest request;
  request.set_sku(change.sku());
  request.set_channel_id(change.channel_id());
  request.set_explain(true);
  const auto response = session.hub.Call(&v1::AvailabilityService::Stub::GetAvailability, request);
  if (!response.ok()) return response.status();
  return response->availability().explanation().sentence();
}

std::string RuleText(const v1::DisplayChange& change) {
  if (change.rule_version() == 0) return change.rule_id();
  return absl::StrCat(change.rule_id(), ", version ", change.rule_version());
}

}  // namespace

absl::Status ShowStatus(Session& session, bool watch) {
  if (watch && session.json) {
    return UsageError("--watch", "with --json", "one command prints one JSON document; leave one");
  }
  if (watch) return Watch(session);
  const absl::StatusOr<Picture> picture = Take(session);
  if (!picture.ok()) return picture.status();
  if (session.json) {
    PrintJson(session, {{"hub", &picture->hub}, {"location_status", &picture->locations}});
  } else {
    session.out << Render(*picture, session.zone);
  }
  return absl::OkStatus();
}

absl::Status ShowDisplayed(Session& session, const std::string& sku) {
  v1::ListDisplayChangesRequest request;
  request.set_sku(sku);
  const auto response = session.hub.Call(&v1::HubService::Stub::ListDisplayChanges, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({"SKU", "CHANNEL", "BECAME", "WHEN", ">SALABLE", "RULE", "WHY"});
  const absl::Time now = HubNow(session);
  for (const v1::DisplayChange& change : response->changes()) {
    const absl::StatusOr<std::string> why = WhyShown(session, change);
    if (!why.ok()) return why.status();
    table.Add({change.sku(), change.channel_id(), NameOf(change.status()),
               FormatMoment(FromProto(change.changed_at()), now, session.zone),
               absl::StrCat(change.salable()), RuleText(change), *why});
  }
  table.Print(session.out, "It was never shown or hidden on any channel.");
  return absl::OkStatus();
}

absl::Status RetireSource(Session& session, const RetireOptions& options) {
  v1::RetireSourceRequest request;
  request.set_source_id(options.source_id);
  request.set_reason(options.reason);
  request.set_author(options.author);
  const auto response = session.hub.Write(&v1::HubService::Stub::RetireSource, std::move(request));
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    session.out << "Source " << options.source_id
                << " is retired; its known_through counts no more.\n";
  }
  return absl::OkStatus();
}

}  // namespace onhand::cli
