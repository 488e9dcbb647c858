#include "clients/cli/compare.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/availability.h"
#include "clients/cli/counted.h"
#include "clients/cli/csv.h"
#include "clients/cli/names.h"
#include "clients/cli/table.h"
#include "clients/cpp/refusal.h"
#include "nlohmann/json.hpp"
#include "onhand/v1/availability.grpc.pb.h"
#include "onhand/v1/catalog.grpc.pb.h"

namespace onhand::cli {

const char kCompareHelp[] =
    R"(FILE.csv is what the website exports today: a title line, then a line for each item with its SKU (or
an alias) and whether it is sold. Encoding and delimiter are detected, columns by their titles: sku,
item, article, ean, id ... and availability, in stock, stock status, orderable (may it be ordered?) or
shown, visible, published, active, online (is it shown?); name others with --sku-column,
--shown-column and --by. Values: yes or no, true or false, 1 or 0, in stock or out of stock, schema.org
names and addresses, in any case; preorder and back-order are yes. A value that is none of these is an
error that names its line, and nothing is compared then.

Compared is what Onhand would say now: with orderable, whether an order would be taken; with shown,
whether the item would be on the site at all, also as sold out. A difference is an item that one side
sells (shows) and the other does not, or does not know.

Exit code 0 also with differences; with --fail-on-difference they end with 1.
Errors: UNKNOWN_CHANNEL, UNKNOWN_LOCATION.

Example:
  onhand compare --site website.csv --channel web-ship)";

namespace {

// One item on which the two disagree. A side that does not know the item is empty.
struct Difference {
  SiteRow site;
  v1::Availability onhand;
  std::string why;  // for as many as are listed
};

// In the order of SKUs.
struct Comparison {
  SiteFile site;
  uint64_t same_count = 0;
  std::vector<Difference> only_site;    // sold by the site, not by Onhand
  std::vector<Difference> only_onhand;  // the reverse
  std::vector<Difference> unknown_to_onhand;
  std::vector<Difference> unknown_to_site;  // and sold by Onhand
  uint64_t unknown_and_unsold_count = 0;    // unknown to the site, and not sold by Onhand either
};

bool IsYes(SiteMeaning meaning, const v1::Availability& answer) {
  return meaning == SiteMeaning::kOrderable ? answer.orderable()
                                            : answer.status() != v1::AVAILABILITY_STATUS_HIDDEN;
}

uint64_t DifferenceCount(const Comparison& comparison) {
  const auto& unknown = comparison.unknown_to_onhand;
  return comparison.only_site.size() + comparison.only_onhand.size() +
         std::count_if(unknown.begin(), unknown.end(),
                       [](const Difference& difference) { return difference.site.yes; }) +
         comparison.unknown_to_site.size();
}

v1::BatchGetAvailabilityRequest Question(const CompareOptions& options) {
  v1::BatchGetAvailabilityRequest question;
  question.set_channel_id(options.channel_id);
  question.set_location_id(options.location_id);
  return question;
}

// Compares the file's rows; returns the SKUs that they are about, aliases resolved.
absl::StatusOr<std::set<std::string>> CompareRows(Session& session, const CompareOptions& options,
                                                  Comparison* comparison) {
  std::vector<std::string> skus;
  for (const SiteRow& row : comparison->site.rows) skus.push_back(row.sku);
  const auto answers = AskBatches(session, Question(options), skus);
  if (!answers.ok()) return answers.status();
  std::set<std::string> seen;
  for (int i = 0; i < answers->results_size(); ++i) {
    const SiteRow& row = comparison->site.rows[i];
    const v1::BatchAvailability& result = answers->results(i);
    if (!result.has_availability()) {
      comparison->unknown_to_onhand.push_back({.site = row});
      continue;
    }
    const v1::Availability& answer = result.availability();
    seen.insert(answer.sku());
    if (row.yes == IsYes(comparison->site.meaning, answer)) {
      ++comparison->same_count;
    } else {
      auto& list = row.yes ? comparison->only_site : comparison->only_onhand;
      list.push_back({.site = row, .onhand = answer});
    }
  }
  return seen;
}

// The published items that the file does not hold.
absl::Status CompareRest(Session& session, const CompareOptions& options,
                         const std::set<std::string>& seen, Comparison* comparison) {
  const auto items = ListAll(session, &v1::CatalogService::Stub::ListItems, v1::ListItemsRequest());
  if (!items.ok()) return items.status();
  std::vector<std::string> skus;
  for (const v1::Item& item : items->items()) {
    if (item.published() && seen.count(item.sku()) == 0) skus.push_back(item.sku());
  }
  const auto answers = AskBatches(session, Question(options), skus);
  if (!answers.ok()) return answers.status();
  for (const v1::BatchAvailability& result : answers->results()) {
    if (!result.has_availability()) continue;  // merged into another one a moment ago
    if (!IsYes(comparison->site.meaning, result.availability())) {
      ++comparison->unknown_and_unsold_count;
    } else {
      comparison->unknown_to_site.push_back({.onhand = result.availability()});
    }
  }
  return absl::OkStatus();
}

// Asks why, for as many as will be listed: an explained answer is a call of its own.
absl::Status AskWhy(Session& session, const CompareOptions& options,
                    std::vector<Difference>* differences) {
  const size_t listed = std::min<size_t>(options.listed_max, differences->size());
  for (size_t i = 0; i < listed; ++i) {
    Difference& difference = (*differences)[i];
    v1::GetAvailabilityRequest request;
    request.set_sku(difference.onhand.sku());
    request.set_channel_id(options.channel_id);
    request.set_location_id(options.location_id);
    request.set_explain(true);
    const auto answer = session.hub.Call(&v1::AvailabilityService::Stub::GetAvailability, request);
    if (!answer.ok()) return answer.status();
    difference.why = answer->availability().explanation().sentence();
  }
  return absl::OkStatus();
}

void SortBySku(std::vector<Difference>* differences) {
  const auto sku = [](const Difference& difference) -> const std::string& {
    return difference.site.sku.empty() ? difference.onhand.sku() : difference.site.sku;
  };
  std::sort(differences->begin(), differences->end(),
            [&](const Difference& a, const Difference& b) { return sku(a) < sku(b); });
}

absl::StatusOr<Comparison> Compare(Session& session, const CompareOptions& options) {
  const absl::StatusOr<std::string> bytes = ReadFile(options.site_path);
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<SiteFile> site = ReadSiteFile(*bytes, options.columns);
  if (!site.ok()) {
    if (client::RefusalOf(site.status()).reason == "USAGE") return site.status();
    return absl::InvalidArgumentError(absl::StrCat("'", options.site_path,
                                                   "' is not compared, because of\n  ",
                                                   std::string(site.status().message())));
  }
  Comparison comparison{.site = *std::move(site)};
  const auto seen = CompareRows(session, options, &comparison);
  if (!seen.ok()) return seen.status();
  if (absl::Status status = CompareRest(session, options, *seen, &comparison); !status.ok()) {
    return status;
  }
  for (std::vector<Difference>* list :
       {&comparison.only_site, &comparison.only_onhand, &comparison.unknown_to_onhand,
        &comparison.unknown_to_site}) {
    SortBySku(list);
    if (list == &comparison.unknown_to_onhand) continue;
    if (absl::Status status = AskWhy(session, options, list); !status.ok()) return status;
  }
  return comparison;
}

// For people -------------------------------------------------------------------------------------

void PrintList(Session& session, const CompareOptions& options, const std::string& heading,
               const std::vector<Difference>& differences) {
  if (differences.empty()) return;
  session.out << "\n" << heading << "\n";
  Table table({"SKU", ">LINE", "SITE", "ONHAND", ">UP TO", "WHY"});
  const size_t listed = std::min<size_t>(options.listed_max, differences.size());
  for (size_t i = 0; i < listed; ++i) {
    const auto& [site, onhand, why] = differences[i];
    const bool is_known = !onhand.sku().empty();
    table.Add({site.sku.empty() ? onhand.sku() : site.sku,
               site.line == 0 ? "" : absl::StrCat(site.line),
               site.sku.empty() ? "not in the file" : site.value,
               is_known ? NameOf(onhand.status()) : "unknown item",
               is_known ? absl::StrCat(onhand.max_quantity()) : "", why});
  }
  table.Print(session.out, "");
  if (listed < differences.size()) {
    session.out << "and " << differences.size() - listed << " more; list them with --listed N\n";
  }
}

std::string Items(size_t count) { return Counted(count, "item"); }

void Print(Session& session, const CompareOptions& options, const Comparison& comparison) {
  const bool by_order = comparison.site.meaning == SiteMeaning::kOrderable;
  const std::string site_does = by_order ? "the site sells" : "the site shows";
  const std::string site_does_not = by_order ? "the site does not sell" : "the site does not show";
  const std::string onhand_would = by_order ? "would let be ordered" : "would show";
  session.out << Items(comparison.site.rows.size()) << " of " << options.site_path << ": column '"
              << comparison.site.sku_column << "', and '" << comparison.site.value_column
              << "' against what Onhand " << onhand_would << " now.\n";
  PrintList(session, options,
            absl::StrCat(Items(comparison.only_site.size()), " that ", site_does,
                         " and Onhand would not"),
            comparison.only_site);
  PrintList(session, options,
            absl::StrCat(Items(comparison.only_onhand.size()), " that ", site_does_not,
                         " and Onhand ", onhand_would),
            comparison.only_onhand);
  PrintList(session, options,
            absl::StrCat(Items(comparison.unknown_to_onhand.size()),
                         " of the file that Onhand does not know"),
            comparison.unknown_to_onhand);
  PrintList(session, options,
            absl::StrCat(Items(comparison.unknown_to_site.size()),
                         " that the file does not hold and Onhand ", onhand_would),
            comparison.unknown_to_site);
  session.out << "\nSame: " << comparison.same_count
              << ". Different: " << DifferenceCount(comparison) << ". Not in the file and not "
              << (by_order ? "sold" : "shown")
              << " by Onhand either: " << comparison.unknown_and_unsold_count << ".\n";
}

// For programs -----------------------------------------------------------------------------------

nlohmann::json ListJson(const CompareOptions& options, const std::vector<Difference>& differences) {
  nlohmann::json items = nlohmann::json::array();
  const size_t listed = std::min<size_t>(options.listed_max, differences.size());
  for (size_t i = 0; i < listed; ++i) {
    const auto& [site, onhand, why] = differences[i];
    nlohmann::json item = {{"sku", site.sku.empty() ? onhand.sku() : site.sku}};
    if (!site.sku.empty()) item["site"] = {{"line", site.line}, {"value", site.value}};
    if (!onhand.sku().empty()) {
      item["onhand"] = {{"sku", onhand.sku()},
                        {"status", v1::AvailabilityStatus_Name(onhand.status())},
                        {"orderable", onhand.orderable()},
                        {"max_quantity", onhand.max_quantity()},
                        {"why", why}};
    }
    items.push_back(std::move(item));
  }
  return {{"count", differences.size()}, {"items", std::move(items)}};
}

void PrintComparison(Session& session, const CompareOptions& options,
                     const Comparison& comparison) {
  const nlohmann::json document = {
      {"site_item_count", comparison.site.rows.size()},
      {"sku_column", comparison.site.sku_column},
      {"shown_column", comparison.site.value_column},
      {"by", comparison.site.meaning == SiteMeaning::kOrderable ? "orderable" : "shown"},
      {"same_count", comparison.same_count},
      {"difference_count", DifferenceCount(comparison)},
      {"only_site", ListJson(options, comparison.only_site)},
      {"only_onhand", ListJson(options, comparison.only_onhand)},
      {"unknown_to_onhand", ListJson(options, comparison.unknown_to_onhand)},
      {"unknown_to_site", ListJson(options, comparison.unknown_to_site)},
      {"unknown_to_site_and_not_of_onhand_count", comparison.unknown_and_unsold_count}};
  session.out << document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

}  // namespace

absl::Status CompareSite(Session& session, const CompareOptions& options) {
  const absl::StatusOr<Comparison> comparison = Compare(session, options);
  if (!comparison.ok()) return comparison.status();
  if (session.json) {
    PrintComparison(session, options, *comparison);
  } else {
    Print(session, options, *comparison);
  }
  const uint64_t count = DifferenceCount(*comparison);
  if (count == 0 || !options.fail_on_difference) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the site and Onhand differ in ", Items(count)));
}

}  // namespace onhand::cli
