#include "clients/cli/assessed_chain.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/sales_import.h"
#include "clients/files/mapping.h"
#include "onhand/v1/catalog.grpc.pb.h"
#include "onhand/v1/report.grpc.pb.h"

namespace onhand::cli {
namespace {

constexpr int kCatalogBatch = 1000;
constexpr int kHelloLocations = 1000;
constexpr int kReportRows = 10'000;
constexpr char kAuthor[] = "onhand assess";

absl::StatusOr<files::Mapping> MappingOf(const std::string& path, v1::MovementKind kind) {
  absl::StatusOr<files::Mapping> mapping =
      path.empty() ? files::Mapping() : files::LoadMapping(path);
  if (mapping.ok() && mapping->kind == v1::MOVEMENT_KIND_UNSPECIFIED) mapping->kind = kind;
  return mapping;
}

absl::Status ReadLevels(const AssessOptions& options, const FilePlaces& places,
                        AssessedChain* chain) {
  absl::StatusOr<files::Mapping> mapping =
      MappingOf(options.stock_mapping, v1::MOVEMENT_KIND_LEVEL);
  if (!mapping.ok()) return mapping.status();
  // Shelf and backroom in two rows are one stock.
  mapping->repeated_sku = files::RepeatedSku::kSum;
  absl::StatusOr<files::Export> stock = ReadExportOf(options.stock_path, *mapping, places);
  if (!stock.ok()) return stock.status();
  chain->levels = std::move(stock->rows);
  chain->rejected = std::move(stock->rejected);
  return absl::OkStatus();
}

void CountChain(AssessedChain* chain) {
  for (const v1::PastSale& sale : chain->sales.sales) {
    chain->location_ids.insert(sale.location_id());
    const absl::Time at = FromProto(sale.sold_at());
    absl::Time& last =
        chain->last_sales.try_emplace({sale.sku(), sale.location_id()}, at).first->second;
    last = std::max(last, at);
    AssessedItem& item = chain->items[sale.sku()];
    item.last_sale = std::max(item.last_sale, at);
    chain->first_sale = std::min(chain->first_sale, at);
    chain->as_of = std::max(chain->as_of, at);
  }
  for (const files::ReadRow& row : chain->levels) {
    chain->location_ids.insert(row.movement.location_id());
    chain->items[row.movement.sku()].on_hand += std::max<int64_t>(row.movement.quantity(), 0);
    chain->sold_position_count +=
        chain->last_sales.contains({row.movement.sku(), row.movement.location_id()}) ? 1 : 0;
  }
}

// The local time as if its zone were UTC: the same hours every day, whatever the clocks did.
absl::Time AsUtc(absl::Time moment, absl::TimeZone zone) {
  return absl::FromCivil(absl::ToCivilSecond(moment, zone), absl::UTCTimeZone());
}

void MoveToNow(absl::Time now, AssessedChain* chain) {
  chain->moved = absl::Floor(now - AsUtc(chain->as_of, chain->zone), absl::Hours(1));
  const int64_t hours = ((absl::ToInt64Hours(chain->moved) % 24) + 24) % 24;
  // The names of these zones count west of Greenwich as plus.
  chain->told_zone = hours == 0    ? "Etc/GMT"
                     : hours <= 12 ? absl::StrCat("Etc/GMT+", hours)
                                   : absl::StrCat("Etc/GMT-", 24 - hours);
}

absl::Status MakeLocations(Session& session, const AssessedChain& chain) {
  v1::BatchUpsertLocationsRequest request;
  const auto send = [&]() -> absl::Status {
    if (request.locations().empty()) return absl::OkStatus();
    const auto response =
        session.hub.Write(&v1::CatalogService::Stub::BatchUpsertLocations, request);
    request.clear_locations();
    return response.status();
  };
  for (const std::string& location_id : chain.location_ids) {
    v1::Location& location = *request.add_locations();
    location.set_location_id(location_id);
    location.set_time_zone(chain.told_zone);
    if (request.locations_size() < kCatalogBatch) continue;
    if (absl::Status status = send(); !status.ok()) return status;
  }
  return send();
}

absl::Status MakeItems(Session& session, const AssessedChain& chain) {
  v1::BatchUpsertItemsRequest request;
  const auto send = [&]() -> absl::Status {
    if (request.items().empty()) return absl::OkStatus();
    const auto response = session.hub.Write(&v1::CatalogService::Stub::BatchUpsertItems, request);
    request.clear_items();
    return response.status();
  };
  for (const auto& [sku, counted] : chain.items) {
    v1::Item& item = *request.add_items();
    item.set_sku(sku);
    item.set_published(true);
    if (request.items_size() < kCatalogBatch) continue;
    if (absl::Status status = send(); !status.ok()) return status;
  }
  return send();
}

absl::Status MakeChain(Session& session, const AssessedChain& chain) {
  if (absl::Status status = MakeLocations(session, chain); !status.ok()) return status;
  if (absl::Status status = MakeItems(session, chain); !status.ok()) return status;
  v1::BatchUpsertChannelsRequest channels;
  v1::Channel& channel = *channels.add_channels();
  channel.set_channel_id(kAssessedChannel);
  channel.set_kind(v1::CHANNEL_KIND_SHIP);
  const auto made = session.hub.Write(&v1::CatalogService::Stub::BatchUpsertChannels, channels);
  if (!made.ok()) return made.status();
  v1::SetChainRequest settings;
  settings.mutable_chain()->set_time_zone(chain.told_zone);
  return session.hub.Write(&v1::CatalogService::Stub::SetChain, settings).status();
}

// One source a thousand locations.
class StockTeller {
 public:
  StockTeller(Session& session, absl::Time as_of, int number) : session_(session), as_of_(as_of) {
    v1::Hello& hello = *request_.mutable_hello();
    hello.set_source_id(absl::StrCat("assess-", number));
    hello.set_spool_id("once");
    hello.set_unknown_items(v1::UNKNOWN_ITEMS_REJECT);
    hello.add_declared_kinds(v1::MOVEMENT_KIND_LEVEL);
  }

  void AddLocation(const std::string& location_id) {
    request_.mutable_hello()->add_location_ids(location_id);
    v1::KnownThrough& known = *request_.mutable_batch()->add_known_through();
    known.set_location_id(location_id);
    known.set_at_us(absl::ToUnixMicros(as_of_));
  }
  int location_count() const { return request_.hello().location_ids_size(); }

  absl::Status AddLevel(const v1::Movement& level) {
    v1::Movement& row = *request_.mutable_batch()->add_movements();
    row = level;
    row.set_kind(v1::MOVEMENT_KIND_LEVEL);
    row.set_occurred_at_us(absl::ToUnixMicros(as_of_));
    return request_.batch().movements_size() < kReportRows ? absl::OkStatus() : Send();
  }

  absl::Status Send() {
    v1::Batch& batch = *request_.mutable_batch();
    batch.set_sequence(batch.sequence() + 1);
    const auto response = session_.hub.Call(&v1::ReportService::Stub::SubmitReport, request_);
    batch.clear_movements();
    return response.status();
  }

 private:
  Session& session_;
  const absl::Time as_of_;
  v1::SubmitReportRequest request_;
};

absl::Status TellStock(Session& session, const AssessedChain& chain) {
  std::vector<StockTeller> tellers;
  std::map<std::string, size_t> teller_of;
  for (const std::string& location_id : chain.location_ids) {
    if (tellers.empty() || tellers.back().location_count() == kHelloLocations) {
      tellers.emplace_back(session, chain.Told(chain.as_of), static_cast<int>(tellers.size()) + 1);
    }
    tellers.back().AddLocation(location_id);
    teller_of[location_id] = tellers.size() - 1;
  }
  for (const files::ReadRow& row : chain.levels) {
    StockTeller& teller = tellers[teller_of.at(row.movement.location_id())];
    if (absl::Status status = teller.AddLevel(row.movement); !status.ok()) return status;
  }
  for (StockTeller& teller : tellers) {
    if (absl::Status status = teller.Send(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Time AssessedChain::Told(absl::Time moment) const { return AsUtc(moment, zone) + moved; }

absl::StatusOr<AssessedChain> ReadChain(const AssessOptions& options, absl::TimeZone machine_zone,
                                        absl::Time now) {
  FilePlaces places{.location_id = options.location_id, .zone = machine_zone, .zones = {}};
  if (!options.time_zone.empty() && !absl::LoadTimeZone(options.time_zone, &places.zone)) {
    return UsageError("--time-zone", options.time_zone, "give an IANA name such as Europe/Madrid");
  }
  AssessedChain chain;
  chain.zone = places.zone;
  const absl::StatusOr<files::Mapping> mapping =
      MappingOf(options.sales_mapping, v1::MOVEMENT_KIND_SALE);
  if (!mapping.ok()) return mapping.status();
  absl::StatusOr<SalesFile> sales = ReadSales(options.sales_path, *mapping, places);
  if (!sales.ok()) return sales.status();
  if (sales->sales.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", options.sales_path, "': not one sale can be read", sales->rejected.empty() ? "" : ": ",
        sales->rejected.empty() ? "" : sales->rejected.front().reason));
  }
  chain.sales = *std::move(sales);
  chain.first_sale = absl::InfiniteFuture();
  chain.as_of = absl::InfinitePast();
  if (absl::Status status = ReadLevels(options, places, &chain); !status.ok()) return status;
  CountChain(&chain);
  MoveToNow(now, &chain);
  return chain;
}

absl::Status TellChain(Session& session, const AssessedChain& chain) {
  if (absl::Status status = MakeChain(session, chain); !status.ok()) return status;
  SalesFile told = chain.sales;
  for (v1::PastSale& sale : told.sales) {
    *sale.mutable_sold_at() = ToProto(chain.Told(FromProto(sale.sold_at())));
  }
  const absl::StatusOr<TaughtSales> taught = TeachSales(session, told, kAuthor, /*dry_run=*/false);
  if (!taught.ok()) return taught.status();
  return TellStock(session, chain);
}

}  // namespace onhand::cli
