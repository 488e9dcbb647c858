#include "clients/cli/catalog.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/opening_hours.h"
#include "clients/cli/table.h"
#include "onhand/v1/catalog.grpc.pb.h"

namespace onhand::cli {
namespace {

// What the hub takes where a channel says nothing.
constexpr int64_t kReservationTtlDefault_s = 900;

std::string AliasText(const v1::Alias& alias) {
  return absl::StrCat(alias.code(),
                      alias.pack_factor() > 1 ? absl::StrCat("*", alias.pack_factor()) : "",
                      alias.source_id().empty() ? "" : absl::StrCat(" (", alias.source_id(), ")"));
}

std::string AliasesText(const v1::Item& item) {
  return absl::StrJoin(item.aliases(), "; ", [](std::string* out, const v1::Alias& alias) {
    absl::StrAppend(out, AliasText(alias));
  });
}

std::string SupplyText(const v1::Item& item) {
  if (!item.has_supply_date()) return NameOf(item.supply());
  return absl::StrCat(
      NameOf(item.supply()), item.supply() == v1::SUPPLY_ENDED ? " since " : " until ",
      absl::FormatTime("%Y-%m-%d", FromProto(item.supply_date()), absl::UTCTimeZone()));
}

std::string ItemState(const v1::Item& item) {
  if (item.stopped()) return "stopped";
  return item.published() ? "published" : "unpublished";
}

void PrintItem(Session& session, const v1::Item& item) {
  session.out << "sku:       " << item.sku() << "\n"
              << "name:      " << item.name() << "\n"
              << "state:     " << ItemState(item) << "\n"
              << "aliases:   " << AliasesText(item) << "\n"
              << "parent:    " << item.parent_sku() << "\n"
              << "category:  " << item.category() << "\n"
              << "supply:    " << SupplyText(item) << "\n";
}

template <typename Response>
absl::Status ReportItem(Session& session, const absl::StatusOr<Response>& response) {
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    PrintItem(session, response->item());
  }
  return absl::OkStatus();
}

std::string StateText(const v1::Location& location, absl::Time now, absl::TimeZone zone) {
  std::string text = NameOf(location.state());
  if (location.paused_channel_ids_size() > 0) {
    absl::StrAppend(&text, " for ", absl::StrJoin(location.paused_channel_ids(), ", "));
  }
  if (location.has_paused_until()) {
    absl::StrAppend(&text, " until ", FormatMoment(FromProto(location.paused_until()), now, zone));
  }
  return text;
}

Table LocationTable() {
  return Table({"LOCATION", "NAME", "STATE", "WHY", "TIME ZONE", "HOURS", "KIND"});
}

void AddLocation(const v1::Location& location, absl::Time now, absl::TimeZone zone, Table* table) {
  table->Add({location.location_id(), location.name(), StateText(location, now, zone),
              location.state_reason(), location.time_zone(),
              FormatOpeningHours({location.hours().begin(), location.hours().end()}),
              location.warehouse() ? "warehouse" : "store"});
}

// One line that says what stands now, or the response as JSON.
template <typename Response>
absl::Status ReportLine(Session& session, const absl::StatusOr<Response>& response,
                        const std::string& line) {
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    session.out << line << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ListItems(Session& session, const std::string& category) {
  v1::ListItemsRequest request;
  request.set_category(category);
  const auto response = ListAll(session, &v1::CatalogService::Stub::ListItems, request);
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({"SKU", "NAME", "STATE", "PARENT", "CATEGORY", "SUPPLY", "ALIASES"});
  for (const v1::Item& item : response->items()) {
    table.Add({item.sku(), item.name(), ItemState(item), item.parent_sku(), item.category(),
               SupplyText(item), AliasesText(item)});
  }
  table.Print(session.out, "No items.");
  return absl::OkStatus();
}

absl::Status ShowItem(Session& session, const std::string& sku) {
  v1::GetItemRequest request;
  request.set_sku(sku);
  return ReportItem(session, session.hub.Call(&v1::CatalogService::Stub::GetItem, request));
}

absl::Status RenameItem(Session& session, const std::string& sku, const std::string& new_sku) {
  v1::RenameItemRequest request;
  request.set_sku(sku);
  request.set_new_sku(new_sku);
  return ReportItem(session, session.hub.Write(&v1::CatalogService::Stub::RenameItem, request));
}

absl::Status MergeItems(Session& session, const std::string& sku,
                        const std::string& duplicate_sku) {
  v1::MergeItemsRequest request;
  request.set_sku(sku);
  request.set_duplicate_sku(duplicate_sku);
  return ReportItem(session, session.hub.Write(&v1::CatalogService::Stub::MergeItems, request));
}

absl::Status StopItem(Session& session, const StopOptions& options) {
  v1::StopItemRequest request;
  request.set_sku(options.sku);
  request.set_stopped(options.stopped);
  request.set_reason(options.reason);
  request.set_author(options.author);
  return ReportLine(
      session, session.hub.Write(&v1::CatalogService::Stub::StopItem, request),
      absl::StrCat(options.sku, options.stopped ? " is stopped on every channel."
                                                : " goes on; its rules decide again."));
}

absl::Status ListLocations(Session& session) {
  const auto response =
      ListAll(session, &v1::CatalogService::Stub::ListLocations, v1::ListLocationsRequest());
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table = LocationTable();
  const absl::Time now = HubNow(session);
  for (const v1::Location& location : response->locations()) {
    AddLocation(location, now, session.zone, &table);
  }
  table.Print(session.out, "No locations.");
  return absl::OkStatus();
}

absl::Status SetLocationState(Session& session, const LocationStateOptions& options) {
  v1::SetLocationStateRequest request;
  request.set_location_id(options.location_id);
  request.set_state(options.state);
  for (const std::string& channel_id : options.channel_ids) {
    request.add_paused_channel_ids(channel_id);
  }
  const absl::Time now = HubNow(session);
  if (!options.until.empty()) {
    const auto until = ParseMoment("--until", options.until, now, session.zone);
    if (!until.ok()) return until.status();
    *request.mutable_paused_until() = ToProto(*until);
  }
  request.set_reason(options.reason);
  request.set_author(options.author);
  const auto response =
      session.hub.Write(&v1::CatalogService::Stub::SetLocationState, std::move(request));
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table = LocationTable();
  AddLocation(response->location(), now, session.zone, &table);
  table.Print(session.out, "");
  return absl::OkStatus();
}

absl::Status AnnounceStocktake(Session& session, const StocktakeOptions& options) {
  v1::AnnounceStocktakeRequest request;
  request.set_location_id(options.location_id);
  const absl::Time now = HubNow(session);
  const auto until = ParseMoment("--until", options.until, now, session.zone);
  if (!until.ok()) return until.status();
  *request.mutable_until() = ToProto(*until);
  request.set_reason(options.reason);
  request.set_author(options.author);
  const auto response =
      session.hub.Write(&v1::CatalogService::Stub::AnnounceStocktake, std::move(request));
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  session.out << "Until " << FormatMoment(*until, now, session.zone) << " snapshots of "
              << response->location().location_id() << " may take what they find.\n";
  return absl::OkStatus();
}

absl::Status SetGroup(Session& session, const GroupOptions& options) {
  v1::BatchUpsertGroupsRequest request;
  v1::LocationGroup& group = *request.add_groups();
  group.set_group_id(options.group_id);
  group.set_name(options.name);
  group.set_rank(options.rank);
  for (const std::string& location_id : options.location_ids) group.add_location_ids(location_id);
  return ReportLine(session,
                    session.hub.Write(&v1::CatalogService::Stub::BatchUpsertGroups, request),
                    absl::StrCat("Group ", options.group_id, " holds ", options.location_ids.size(),
                                 " locations."));
}

absl::Status ListGroups(Session& session) {
  const auto response =
      session.hub.Call(&v1::CatalogService::Stub::ListGroups, v1::ListGroupsRequest());
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({"GROUP", "NAME", ">RANK", "LOCATIONS"});
  for (const v1::LocationGroup& group : response->groups()) {
    table.Add({group.group_id(), group.name(), absl::StrCat(group.rank()),
               absl::StrJoin(group.location_ids(), ", ")});
  }
  table.Print(session.out, "No groups.");
  return absl::OkStatus();
}

absl::Status SetChannel(Session& session, const ChannelOptions& options) {
  const auto kind = ValueOf<v1::ChannelKind>("--kind", options.kind);
  if (!kind.ok()) return kind.status();
  v1::BatchUpsertChannelsRequest request;
  v1::Channel& channel = *request.add_channels();
  channel.set_channel_id(options.channel_id);
  channel.set_name(options.name);
  channel.set_kind(*kind);
  for (const std::string& location_id : options.location_ids) {
    channel.add_location_ids(location_id);
  }
  for (const std::string& group_id : options.group_ids) channel.add_group_ids(group_id);
  if (!options.reservation_ttl.empty()) {
    const auto ttl_s = ParseSeconds("--reservation-ttl", options.reservation_ttl);
    if (!ttl_s.ok()) return ttl_s.status();
    channel.set_reservation_ttl_s(*ttl_s);
  }
  const bool all = options.location_ids.empty() && options.group_ids.empty();
  return ReportLine(
      session, session.hub.Write(&v1::CatalogService::Stub::BatchUpsertChannels, request),
      absl::StrCat("Channel ", options.channel_id, " of kind ", NameOf(*kind), " may use ",
                   all ? "all locations."
                       : absl::StrCat(options.location_ids.size(), " locations and ",
                                      options.group_ids.size(), " groups.")));
}

absl::Status ListChannels(Session& session) {
  const auto response =
      session.hub.Call(&v1::CatalogService::Stub::ListChannels, v1::ListChannelsRequest());
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({"CHANNEL", "NAME", "KIND", "LOCATIONS", "GROUPS", "RESERVED FOR"});
  for (const v1::Channel& channel : response->channels()) {
    const bool all = channel.location_ids().empty() && channel.group_ids().empty();
    table.Add({channel.channel_id(), channel.name(), NameOf(channel.kind()),
               all ? "all" : absl::StrJoin(channel.location_ids(), ", "),
               absl::StrJoin(channel.group_ids(), ", "),
               FormatSeconds(channel.reservation_ttl_s() == 0 ? kReservationTtlDefault_s
                                                              : channel.reservation_ttl_s())});
  }
  table.Print(session.out, "No channels.");
  return absl::OkStatus();
}

}  // namespace onhand::cli
