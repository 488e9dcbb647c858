#include "clients/cli/sales_import.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/counted.h"
#include "clients/cli/progress.h"
#include "clients/cli/rule_fields.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/refusal.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/insights.grpc.pb.h"

namespace onhand::cli {

const char kSalesColumns[] =
    R"(One row a sale or a day's sales. Columns are found by their common names in English, German and
Spanish, in any order:
  what      sku, item, artikelnummer, ean, barcode, referencia, ...
  how many  quantity, qty, units, menge, cantidad, ...; negative for a void
  when      sold_at, timestamp, datetime, zeitpunkt, fecha_hora; or date (datum, fecha), with or
            without time (uhrzeit, hora): a date alone, and a file of midnights, are whole days
  where     location, store, filiale, tienda, ...; --location for a file without such a column
Local times are those of the row's location. Encoding, delimiter and order of dates are detected;
what is not goes into a mapping as for the agent. Rows that cannot be used are listed and hold up
nothing. A second import replaces what the first one taught.)";

namespace {

constexpr size_t kPartSales = 10'000;
constexpr size_t kRefusedShown = 50;
// Replaying two years of a chain takes longer than an ordinary call.
constexpr absl::Duration kLearningTimeout = absl::Minutes(15);

absl::StatusOr<FilePlaces> PlacesOfHub(Session& session, const std::string& location_id) {
  absl::StatusOr<RuleZones> zones = LoadRuleZones(session);
  if (!zones.ok()) return zones.status();
  FilePlaces places;
  places.location_id = location_id;
  places.zone = zones->chain.value_or(absl::UTCTimeZone());
  places.zones = std::move(zones->locations);
  if (places.location_id.empty() && places.zones.size() == 1) {
    places.location_id = places.zones.begin()->first;
  }
  return places;
}

absl::StatusOr<files::Mapping> MappingOf(const std::string& path) {
  if (path.empty()) return files::Mapping();
  return files::LoadMapping(path);
}

// Sends one part; appends the rows that the hub refused to `refused`.
absl::Status SendPart(Session& session, const SalesFile& file, size_t first,
                      v1::AddPastSalesRequest* request, std::vector<std::string>* refused) {
  const size_t last = std::min(first + kPartSales, file.sales.size());
  request->clear_sales();
  for (size_t i = first; i < last; ++i) *request->add_sales() = file.sales[i];
  const auto response = session.hub.Call(&v1::InsightService::Stub::AddPastSales, *request);
  if (!response.ok()) return response.status();
  for (const v1::RefusedPastSale& row : response->refused()) {
    const size_t index = first + row.index();
    if (index >= file.lines.size()) continue;
    refused->push_back(
        absl::StrCat("line ", file.lines[index], ": ", row.message(), " [", row.reason(), "]"));
  }
  return absl::OkStatus();
}

// What the hub says of the sales that are left is a riddle without those that are not.
absl::Status WithRefused(const absl::Status& status, const std::vector<std::string>& refused) {
  if (refused.empty()) return status;
  absl::Status result(status.code(),
                      absl::StrCat(client::Describe(status), "; ", Counted(refused.size(), "row"),
                                   " cannot be used, the first: ", refused.front()));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { result.SetPayload(url, payload); });
  return result;
}

void PrintRefused(Session& session, const std::vector<std::string>& refused) {
  if (refused.empty()) return;
  session.out << Counted(refused.size(), "row") << " cannot be used\n";
  const size_t shown = std::min(refused.size(), kRefusedShown);
  for (size_t i = 0; i < shown; ++i) session.out << "  " << refused[i] << "\n";
  if (shown < refused.size()) session.out << "  and " << refused.size() - shown << " more\n";
}

void Print(Session& session, const SalesImportOptions& options, const TaughtSales& result) {
  if (session.json) {
    const nlohmann::json refused = result.refused;
    session.out << "{\"taught\":" << ToJson(result.taught) << ",\"refused\":"
                << refused.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "}\n";
    return;
  }
  PrintRefused(session, result.refused);
  const v1::FinishSalesImportResponse& taught = result.taught;
  const auto day = [&](const google::protobuf::Timestamp& moment) {
    return absl::FormatTime("%Y-%m-%d", FromProto(moment), session.zone);
  };
  session.out << "sales" << (options.dry_run ? " (dry run, nothing taught): " : ": ")
              << Counted(taught.unit_count(), "unit") << " from " << day(taught.first_sale_at())
              << " to " << day(taught.last_sale_at())
              << (taught.unit_count() == 1 ? " teaches " : " teach ")
              << Counted(taught.position_count(), "position") << " of "
              << Counted(taught.item_count(), "item")
              << (taught.location_count() == 1 ? ", and the clock of " : ", and the clocks of ")
              << Counted(taught.location_count(), "location") << "\n";
}

}  // namespace

absl::StatusOr<TaughtSales> TeachSales(Session& session, const SalesFile& file,
                                       const std::string& author, bool dry_run) {
  TaughtSales result;
  for (const files::RejectedRow& row : file.rejected) {
    const size_t colon = row.where.rfind(':');
    const std::string line =
        colon == std::string::npos ? row.where : absl::StrCat("line ", row.where.substr(colon + 1));
    result.refused.push_back(absl::StrCat(line, ": ", row.reason));
  }
  const auto started =
      session.hub.Call(&v1::InsightService::Stub::StartSalesImport, v1::StartSalesImportRequest());
  if (!started.ok()) return started.status();
  v1::AddPastSalesRequest part;
  part.set_import_id(started->import_id());
  for (size_t sent = 0; sent < file.sales.size(); sent += kPartSales) {
    ShowProgress(session, sent, file.sales.size());
    part.set_part(part.part() + 1);
    if (absl::Status status = SendPart(session, file, sent, &part, &result.refused); !status.ok()) {
      if (session.err_is_terminal) session.err << "\n";
      return status;
    }
  }
  ShowProgress(session, file.sales.size(), file.sales.size());

  v1::FinishSalesImportRequest finish;
  finish.set_import_id(started->import_id());
  finish.set_author(author);
  finish.set_dry_run(dry_run);
  client::ConnectionOptions patient = session.hub.options();
  patient.timeout = std::max(patient.timeout, kLearningTimeout);
  client::Connection hub(patient);
  auto taught = hub.Write(&v1::InsightService::Stub::FinishSalesImport, std::move(finish));
  if (!taught.ok()) return WithRefused(taught.status(), result.refused);
  result.taught = *std::move(taught);
  return result;
}

absl::Status ImportSales(Session& session, const SalesImportOptions& options) {
  const absl::StatusOr<FilePlaces> places = PlacesOfHub(session, options.location_id);
  if (!places.ok()) return places.status();
  const absl::StatusOr<files::Mapping> mapping = MappingOf(options.mapping_path);
  if (!mapping.ok()) return mapping.status();
  const absl::StatusOr<SalesFile> file = ReadSales(options.path, *mapping, *places);
  if (!file.ok()) return file.status();
  if (file->sales.empty()) {
    std::string first = file->rejected.empty() ? "it holds none" : file->rejected.front().reason;
    return absl::InvalidArgumentError(
        absl::StrCat("'", options.path, "': not one sale can be read: ", first));
  }
  const absl::StatusOr<TaughtSales> result =
      TeachSales(session, *file, options.author, options.dry_run);
  if (!result.ok()) return result.status();
  Print(session, options, *result);
  return absl::OkStatus();
}

}  // namespace onhand::cli
