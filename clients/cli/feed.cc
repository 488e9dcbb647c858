#include "clients/cli/feed.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/availability.h"
#include "clients/cli/counted.h"
#include "clients/cli/csv.h"
#include "clients/cli/feed_changes.h"
#include "clients/cli/feed_format.h"
#include "clients/cli/progress.h"
#include "clients/cli/replaced_file.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/catalog.grpc.pb.h"

namespace onhand::cli {

const char kFeedHelp[] =
    R"(csv has a line for each item, of the chain (location_id is empty) unless locations are asked for:
sku, location_id, status, orderable (true, false), max_quantity (units, 0 to 2,147,483,647),
available_from and known_through (UTC), schema_org_availability (a whole address).

google-local-inventory is Google's local inventory feed, separated by tabs, of every store unless
locations are asked for: store_code (the location's id), id (the SKU), quantity (max_quantity),
availability: in_stock from 3 units, limited_availability 1 or 2, else out_of_stock, as Google sets it.
Back-orders and what keeps selling are out_of_stock there, or with --display-to-order
on_display_to_order. Prices are not written: Onhand knows none. A SKU of more than 50 characters is
left out, and said so, because Google takes none.

A full feed holds every published item. In Google's, hidden ones are left out: what a full feed does
not hold, Google takes down. With --since or --since-file a feed holds what has changed since; there
a hidden item is out_of_stock, because Google keeps what such a feed does not hold. Of a location of
which there is no token yet (another channel's is none), or where the hub cannot go on from it any
more, everything is told and that is said; hidden and unpublished items are out_of_stock there too.
The hub may tell answers once more that stand as they were, and tells all of them after its restart
or after 10 minutes in which nobody came back with a token of that place. An answer that changes while a feed is written may be
told again by the next one; none is left out.

Lines are in the order of location and SKU. --out is replaced as a whole or not at all, then the
token. Errors: UNKNOWN_CHANNEL, UNKNOWN_LOCATION, INVALID_RESUME_TOKEN.

Example, every 5 minutes:
  onhand export --format google-local-inventory --channel in-store --since-file google.token \
    --out google.tsv)";

namespace {

struct Feed {
  FeedShape shape;
  std::string channel_id;
  std::vector<std::string> location_ids;  // in order; empty: the chain
  PlaceTokens since;                      // places without one are told in full
  bool goes_on = false;                   // a reader may keep what the feed does not hold
};

// What was written.
struct Written {
  std::vector<std::string> full_location_ids;  // of these every answer, of others what changed
  std::string why_full;  // of one; empty: because it was asked for, or nothing was told before
  uint64_t line_count = 0;
  std::set<std::string> too_long;  // SKUs
  std::string token;               // empty: the hub cannot go on from anywhere
};

bool IsGoogle(const Feed& feed) { return feed.shape.format == FeedFormat::kGoogleLocalInventory; }

absl::StatusOr<FeedShape> ShapeOf(const FeedOptions& options) {
  FeedShape shape;
  const auto format = FeedFormatOf(options.format);
  if (!format.ok()) return format.status();
  shape.format = *format;
  auto method = PickupMethodOf(options.pickup_method);
  if (!method.ok()) return method.status();
  auto sla = PickupSlaOf(options.pickup_sla);
  if (!sla.ok()) return sla.status();
  const bool is_google = shape.format == FeedFormat::kGoogleLocalInventory;
  if (!is_google && (!method->empty() || !sla->empty() || options.display_to_order)) {
    return UsageError("--format", options.format,
                      "--pickup-method, --pickup-sla and --display-to-order are for "
                      "google-local-inventory");
  }
  if (sla->empty() && !method->empty() && *method != "not supported") {
    return UsageError("--pickup-method", options.pickup_method,
                      "Google needs --pickup-sla with it");
  }
  if (method->empty() && !sla->empty()) {
    return UsageError("--pickup-sla", options.pickup_sla, "Google needs --pickup-method with it");
  }
  shape.display_to_order = options.display_to_order;
  shape.pickup_method = *std::move(method);
  shape.pickup_sla = *std::move(sla);
  return shape;
}

// Every location; Google's feed knows no warehouses, because nobody visits them.
absl::StatusOr<std::vector<std::string>> AllLocations(Session& session, bool with_warehouses) {
  const auto response =
      ListAll(session, &v1::CatalogService::Stub::ListLocations, v1::ListLocationsRequest());
  if (!response.ok()) return response.status();
  std::vector<std::string> location_ids;
  for (const v1::Location& location : response->locations()) {
    if (with_warehouses || !location.warehouse()) location_ids.push_back(location.location_id());
  }
  return location_ids;
}

absl::Status FindLocations(Session& session, const FeedOptions& options, Feed* feed) {
  if (IsGoogle(*feed) && options.chain) {
    return UsageError("--chain", "", "google-local-inventory is of stores only");
  }
  feed->location_ids = options.location_ids;
  const bool wants_all = options.all_locations || (IsGoogle(*feed) && options.location_ids.empty());
  if (wants_all) {
    auto all = AllLocations(session, /*with_warehouses=*/!IsGoogle(*feed));
    if (!all.ok()) return all.status();
    feed->location_ids = *std::move(all);
    if (feed->location_ids.empty() && !options.chain) {
      return absl::FailedPreconditionError(
          "there is no location to tell of; import them with `onhand import locations FILE.csv`");
    }
  }
  if (options.chain || feed->location_ids.empty()) feed->location_ids.emplace_back();
  std::sort(feed->location_ids.begin(), feed->location_ids.end());
  feed->location_ids.erase(std::unique(feed->location_ids.begin(), feed->location_ids.end()),
                           feed->location_ids.end());
  return absl::OkStatus();
}

// A file that is not there yet holds no token.
absl::StatusOr<PlaceTokens> Since(const FeedOptions& options) {
  std::string text = options.since;
  std::error_code error;
  if (!options.since_path.empty() &&
      (std::filesystem::exists(options.since_path, error) || error)) {
    absl::StatusOr<std::string> file = ReadFile(options.since_path);
    if (!file.ok()) return file.status();
    text = *std::move(file);
    absl::StripAsciiWhitespace(&text);
    if (text.empty()) return DecodeFeedToken(options.channel_id, text);
  }
  if (text.empty()) return PlaceTokens();
  return DecodeFeedToken(options.channel_id, text);
}

void Write(const Feed& feed, const std::string& location_id, const v1::Availability& answer,
           std::ostream& out, Written* written) {
  if (IsGoogle(feed) && IsTooLongForGoogle(answer.sku())) {
    written->too_long.insert(answer.sku());
    return;
  }
  const std::string line = FeedLine(feed.shape, location_id, answer);
  if (line.empty()) return;
  out << line;
  ++written->line_count;
}

// The SKUs of a full feed, in order.
absl::StatusOr<std::vector<std::string>> FeedSkus(Session& session, bool with_unpublished) {
  const auto items = ListAll(session, &v1::CatalogService::Stub::ListItems, v1::ListItemsRequest());
  if (!items.ok()) return items.status();
  std::vector<std::string> skus;
  for (const v1::Item& item : items->items()) {
    if (item.published() || with_unpublished) skus.push_back(item.sku());
  }
  std::sort(skus.begin(), skus.end());
  return skus;
}

// All places in full, where the hub cannot be watched.
std::vector<PlaceChanges> AllInFull(const Feed& feed) {
  std::vector<PlaceChanges> places;
  for (const std::string& location_id : feed.location_ids) {
    places.push_back({.location_id = location_id, .is_full = true});
  }
  return places;
}

absl::Status WritePlace(Session& session, const Feed& feed, const PlaceChanges& place,
                        const std::vector<std::string>& skus, std::ostream& out, Written* written) {
  if (!place.is_full) {
    for (const auto& [sku, answer] : place.answers) {
      Write(feed, place.location_id, answer, out, written);
    }
    return absl::OkStatus();
  }
  v1::BatchGetAvailabilityRequest question;
  question.set_channel_id(feed.channel_id);
  question.set_location_id(place.location_id);
  const auto answers = AskBatches(session, question, skus);
  if (!answers.ok()) return answers.status();
  for (const v1::BatchAvailability& result : answers->results()) {
    if (!result.has_availability()) continue;  // merged into another one a moment ago
    Write(feed, place.location_id, result.availability(), out, written);
  }
  return absl::OkStatus();
}

absl::Status WriteFeed(Session& session, const Feed& feed, std::ostream& out, Written* written) {
  // First of all: what changes while the answers are asked for is told by the next feed.
  auto places = ReadChanges(session, feed.channel_id, feed.location_ids, feed.since);
  if (absl::IsUnimplemented(places.status())) {
    if (feed.goes_on) {
      return absl::UnimplementedError(
          "this hub cannot be watched, so there is nothing to go on from; update it, or export "
          "without --since and --since-file");
    }
    places = AllInFull(feed);
  }
  if (!places.ok()) return places.status();
  PlaceTokens tokens;
  for (const PlaceChanges& place : *places) {
    if (place.is_full) written->full_location_ids.push_back(place.location_id);
    if (!place.why_full.empty()) written->why_full = place.why_full;
    if (!place.token.empty()) tokens[place.location_id] = place.token;
  }
  if (!tokens.empty()) written->token = EncodeFeedToken(feed.channel_id, tokens);

  absl::StatusOr<std::vector<std::string>> skus = std::vector<std::string>();
  if (!written->full_location_ids.empty()) {
    skus = FeedSkus(session, /*with_unpublished=*/feed.shape.tells_hidden);
  }
  if (!skus.ok()) return skus.status();
  out << FeedTitles(feed.shape);
  for (size_t i = 0; i < places->size(); ++i) {
    ShowProgress(session, i, places->size());
    const absl::Status status = WritePlace(session, feed, (*places)[i], *skus, out, written);
    if (!status.ok()) return status;
  }
  ShowProgress(session, places->size(), places->size());
  return absl::OkStatus();
}

std::string PlacesOf(const std::vector<std::string>& location_ids) {
  const bool has_chain = location_ids.front().empty();
  const size_t count = location_ids.size() - (has_chain ? 1 : 0);
  if (count == 0) return "the chain";
  return absl::StrCat(has_chain ? "the chain and " : "", Counted(count, "location"));
}

std::string Headline(const Feed& feed, const Written& written) {
  const auto& full = written.full_location_ids;
  const std::string lines =
      absl::StrCat(Counted(written.line_count, "line"), " of ", PlacesOf(feed.location_ids));
  if (full.size() == feed.location_ids.size()) return absl::StrCat("Full feed: ", lines);
  if (full.empty()) return absl::StrCat("Changes since the token: ", lines);
  return absl::StrCat("Changes since the token, and all of ", PlacesOf(full), ": ", lines);
}

void SayTooLong(Session& session, const std::set<std::string>& skus) {
  if (skus.empty()) return;
  session.err << Counted(skus.size(), "item") << (skus.size() == 1 ? " is" : " are")
              << " left out, because Google takes no id of more than " << kGoogleIdCharactersMax
              << " characters: " << *skus.begin() << (skus.size() == 1 ? "" : " and others")
              << "\n";
}

void Report(Session& session, const FeedOptions& options, const Feed& feed,
            const Written& written) {
  SayTooLong(session, written.too_long);
  if (!written.why_full.empty()) {
    session.err << "Everything is told of " << PlacesOf(written.full_location_ids)
                << ", because the hub cannot go on from the token: " << written.why_full << "\n";
  }
  if (session.json) {
    session.out << nlohmann::json{{"file", options.out_path},
                                  {"full_location_ids", written.full_location_ids},
                                  {"why_full", written.why_full},
                                  {"line_count", written.line_count},
                                  {"location_ids", feed.location_ids},
                                  {"left_out_skus", written.too_long},
                                  {"token", written.token}}
                       .dump()
                << "\n";
    return;
  }
  std::ostream& says = options.out_path.empty() ? session.err : session.out;
  says << Headline(feed, written)
       << (options.out_path.empty() ? "" : absl::StrCat(", in ", options.out_path)) << "\n";
  if (written.token.empty()) {
    session.err << "There is no token to go on from, because this hub cannot be watched.\n";
  } else if (options.since_path.empty()) {
    session.err << "The next one goes on with --since and the token in the next line.\n"
                << written.token << "\n";
  }
}

}  // namespace

absl::Status ExportFeed(Session& session, const FeedOptions& options) {
  if (session.json && options.out_path.empty()) {
    return UsageError("--json", "", "it is about the file that --out names");
  }
  absl::StatusOr<FeedShape> shape = ShapeOf(options);
  if (!shape.ok()) return shape.status();
  Feed feed{.shape = *std::move(shape), .channel_id = options.channel_id};
  feed.goes_on = !options.since.empty() || !options.since_path.empty();
  feed.shape.tells_hidden = feed.goes_on;
  if (absl::Status status = FindLocations(session, options, &feed); !status.ok()) return status;
  absl::StatusOr<PlaceTokens> since = Since(options);
  if (!since.ok()) return since.status();
  feed.since = *std::move(since);

  std::optional<ReplacedFile> file;
  if (!options.out_path.empty()) {
    file.emplace(options.out_path);
    if (!file->status().ok()) return file->status();
  }
  Written written;
  absl::Status status = WriteFeed(session, feed, file ? file->out() : session.out, &written);
  if (status.ok() && file) status = file->PutInPlace();
  // Behind the feed: a token whose feed was lost would lose its changes.
  if (status.ok() && !options.since_path.empty()) {
    status = ReplaceFile(options.since_path, absl::StrCat(written.token, "\n"));
  }
  if (status.ok()) Report(session, options, feed, written);
  return status;
}

}  // namespace onhand::cli
