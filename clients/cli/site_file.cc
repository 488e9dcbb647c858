#include "clients/cli/site_file.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "clients/cli/csv.h"
#include "clients/cli/session.h"
#include "clients/files/csv.h"
#include "clients/files/encoding.h"
#include "clients/files/layout.h"
#include "clients/files/mapping.h"

namespace onhand::cli {
namespace {

// Folded names (see files::FoldName) in English, German and Spanish.
struct TitleMeaning {
  const char* title;
  SiteMeaning meaning;
};
// Of two columns the earlier one here is read.
constexpr TitleMeaning kTitles[] = {{"availability", SiteMeaning::kOrderable},
                                    {"available", SiteMeaning::kOrderable},
                                    {"isavailable", SiteMeaning::kOrderable},
                                    {"instock", SiteMeaning::kOrderable},
                                    {"isinstock", SiteMeaning::kOrderable},
                                    {"stockstatus", SiteMeaning::kOrderable},
                                    {"availabilitystatus", SiteMeaning::kOrderable},
                                    {"orderable", SiteMeaning::kOrderable},
                                    {"buyable", SiteMeaning::kOrderable},
                                    {"purchasable", SiteMeaning::kOrderable},
                                    {"sellable", SiteMeaning::kOrderable},
                                    {"salable", SiteMeaning::kOrderable},
                                    {"forsale", SiteMeaning::kOrderable},
                                    {"verfugbarkeit", SiteMeaning::kOrderable},
                                    {"verfugbar", SiteMeaning::kOrderable},
                                    {"lieferbar", SiteMeaning::kOrderable},
                                    {"bestellbar", SiteMeaning::kOrderable},
                                    {"disponibilidad", SiteMeaning::kOrderable},
                                    {"disponible", SiteMeaning::kOrderable},
                                    {"shown", SiteMeaning::kShown},
                                    {"isshown", SiteMeaning::kShown},
                                    {"show", SiteMeaning::kShown},
                                    {"visible", SiteMeaning::kShown},
                                    {"isvisible", SiteMeaning::kShown},
                                    {"visibility", SiteMeaning::kShown},
                                    {"displayed", SiteMeaning::kShown},
                                    {"display", SiteMeaning::kShown},
                                    {"published", SiteMeaning::kShown},
                                    {"ispublished", SiteMeaning::kShown},
                                    {"listed", SiteMeaning::kShown},
                                    {"online", SiteMeaning::kShown},
                                    {"active", SiteMeaning::kShown},
                                    {"isactive", SiteMeaning::kShown},
                                    {"enabled", SiteMeaning::kShown},
                                    {"sichtbar", SiteMeaning::kShown},
                                    {"angezeigt", SiteMeaning::kShown},
                                    {"aktiv", SiteMeaning::kShown},
                                    {"mostrado", SiteMeaning::kShown},
                                    {"publicado", SiteMeaning::kShown},
                                    {"activo", SiteMeaning::kShown}};

// What may be ordered for a later date counts as yes, as a back-order does on Onhand's side.
constexpr absl::string_view kYes[] = {"yes",
                                      "y",
                                      "true",
                                      "t",
                                      "1",
                                      "on",
                                      "instock",
                                      "limitedavailability",
                                      "limitedstock",
                                      "lowstock",
                                      "onlineonly",
                                      "instoreonly",
                                      "ondisplaytoorder",
                                      "preorder",
                                      "presale",
                                      "backorder",
                                      "backordered",
                                      "onbackorder",
                                      "madetoorder",
                                      "keepselling",
                                      "available",
                                      "orderable",
                                      "shown",
                                      "visible",
                                      "displayed",
                                      "published",
                                      "listed",
                                      "online",
                                      "active",
                                      "enabled",
                                      "ja",
                                      "j",
                                      "verfugbar",
                                      "lieferbar",
                                      "bestellbar",
                                      "sichtbar",
                                      "aktiv",
                                      "si",
                                      "disponible",
                                      "activo",
                                      "publicado"};
constexpr absl::string_view kNo[] = {"no",
                                     "n",
                                     "false",
                                     "f",
                                     "0",
                                     "off",
                                     "outofstock",
                                     "soldout",
                                     "nostock",
                                     "discontinued",
                                     "reserved",
                                     "unavailable",
                                     "notavailable",
                                     "notorderable",
                                     "hidden",
                                     "notshown",
                                     "notvisible",
                                     "invisible",
                                     "unpublished",
                                     "unlisted",
                                     "offline",
                                     "draft",
                                     "archived",
                                     "inactive",
                                     "disabled",
                                     "nein",
                                     "nichtverfugbar",
                                     "nichtlieferbar",
                                     "ausverkauft",
                                     "unsichtbar",
                                     "inaktiv",
                                     "nodisponible",
                                     "agotado",
                                     "inactivo",
                                     "oculto"};

constexpr char kValuesRemedy[] =
    "write yes or no, true or false, 1 or 0, in stock or out of stock, or a schema.org value such "
    "as https://schema.org/InStock";

bool IsIn(absl::Span<const absl::string_view> words, absl::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<bool> YesOrNo(absl::string_view value) {
  const std::string lower = absl::AsciiStrToLower(value);
  absl::string_view word = lower;
  if (absl::ConsumePrefix(&word, "https://") || absl::ConsumePrefix(&word, "http://")) {
    absl::ConsumePrefix(&word, "www.");
    if (!absl::ConsumePrefix(&word, "schema.org/")) return std::nullopt;
  }
  const std::string folded = files::FoldName(std::string(word));
  if (IsIn(kYes, folded)) return true;
  if (IsIn(kNo, folded)) return false;
  return std::nullopt;
}

absl::Status NoColumn(absl::string_view what, const std::vector<std::string>& titles,
                      absl::string_view option) {
  return absl::InvalidArgumentError(absl::StrCat("line 1: no column is known as ", what, " among '",
                                                 absl::StrJoin(titles, "', '"), "'; name it with ",
                                                 option));
}

absl::StatusOr<size_t> NamedColumn(const std::vector<std::string>& titles, absl::string_view name,
                                   absl::string_view option) {
  const std::string wanted = files::FoldName(name);
  for (size_t i = 0; i < titles.size(); ++i) {
    if (files::FoldName(titles[i]) == wanted) return i;
  }
  return UsageError(option, name,
                    absl::StrCat("the file's columns are '", absl::StrJoin(titles, "', '"), "'"));
}

absl::StatusOr<size_t> SkuColumn(const std::vector<std::string>& titles, absl::string_view name) {
  if (!name.empty()) return NamedColumn(titles, name, "--sku-column");
  if (const auto column = files::FindCommonColumn(titles, files::Field::kSku)) return *column;
  // What feeds of products call it; a till's export may number its lines so.
  const auto id = NamedColumn(titles, "id", "--sku-column");
  return id.ok() ? id : NoColumn("SKU", titles, "--sku-column");
}

absl::StatusOr<size_t> ValueColumn(const std::vector<std::string>& titles, absl::string_view name) {
  if (!name.empty()) return NamedColumn(titles, name, "--shown-column");
  for (const TitleMeaning& known : kTitles) {
    const auto column = NamedColumn(titles, known.title, "--shown-column");
    if (column.ok()) return *column;
  }
  return NoColumn("availability or shown", titles, "--shown-column");
}

absl::StatusOr<SiteMeaning> MeaningOf(absl::string_view asked, absl::string_view title) {
  if (asked == "shown") return SiteMeaning::kShown;
  if (asked == "orderable") return SiteMeaning::kOrderable;
  if (!asked.empty()) return UsageError("--by", asked, "give shown or orderable");
  const std::string folded = files::FoldName(title);
  for (const TitleMeaning& known : kTitles) {
    if (folded == known.title) return known.meaning;
  }
  return UsageError("--by", "",
                    absl::StrCat("say with --by shown or --by orderable what column '", title,
                                 "' means; its title does not tell"));
}

// Rows as they are understood, and what is wrong with the others.
class Rows {
 public:
  Rows(size_t sku, size_t value, std::string title)
      : sku_(sku), value_(value), title_(std::move(title)) {}

  void Read(const files::CsvRecord& record) {
    const int line = static_cast<int>(record.line);
    if (record.unclosed_quote) return Refuse(line, "a quote is never closed; close it");
    if (record.fields.size() <= std::max(sku_, value_)) {
      return Refuse(line, absl::StrCat(record.fields.size(),
                                       " fields, so that some are missing; fill up short lines"));
    }
    SiteRow row{.line = line,
                .sku = std::string(absl::StripAsciiWhitespace(record.fields[sku_])),
                .value = std::string(absl::StripAsciiWhitespace(record.fields[value_]))};
    if (row.sku.empty()) return Refuse(line, "the item has no SKU; give it one");
    const std::optional<bool> yes = YesOrNo(row.value);
    if (!yes) {
      return Refuse(line, absl::StrCat(title_, " '", row.value, "' of item '", row.sku,
                                       "' is not understood; ", kValuesRemedy));
    }
    row.yes = *yes;
    Keep(std::move(row));
  }

  absl::StatusOr<std::vector<SiteRow>> Take() {
    if (!errors_.empty()) return absl::InvalidArgumentError(FirstErrors(errors_));
    return std::move(rows_);
  }

 private:
  void Refuse(int line, absl::string_view what) {
    errors_.push_back(absl::StrCat("line ", line, ": ", what));
  }

  // Two lines of one item are one, if they say the same.
  void Keep(SiteRow row) {
    const auto [seen, is_new] = row_of_.emplace(row.sku, rows_.size());
    if (is_new) {
      rows_.push_back(std::move(row));
    } else if (const SiteRow& other = rows_[seen->second]; other.yes != row.yes) {
      Refuse(row.line, absl::StrCat("item '", row.sku, "' stands in line ", other.line, " with '",
                                    other.value, "' and here with '", row.value, "'; keep one"));
    }
  }

  const size_t sku_;
  const size_t value_;
  const std::string title_;
  std::vector<SiteRow> rows_;
  std::map<std::string, size_t> row_of_;
  std::vector<std::string> errors_;
};

}  // namespace

absl::StatusOr<SiteFile> ReadSiteFile(absl::string_view bytes, const SiteColumns& columns) {
  const auto decoded = files::DecodeText(bytes, files::Encoding::kDetect);
  if (!decoded.ok()) return decoded.status();
  const std::vector<files::CsvRecord> records =
      files::SplitCsv(decoded->text, files::DetectDelimiter(decoded->text));
  if (records.empty()) {
    return absl::InvalidArgumentError(
        "line 1: the file is empty; its first line must hold the column titles");
  }
  std::vector<std::string> titles;
  for (const std::string& title : records.front().fields) {
    titles.emplace_back(absl::StripAsciiWhitespace(title));
  }
  const auto sku = SkuColumn(titles, columns.sku);
  if (!sku.ok()) return sku.status();
  const auto value = ValueColumn(titles, columns.value);
  if (!value.ok()) return value.status();
  const auto meaning = MeaningOf(columns.meaning, titles[*value]);
  if (!meaning.ok()) return meaning.status();

  Rows rows(*sku, *value, titles[*value]);
  for (const files::CsvRecord& record : absl::MakeConstSpan(records).subspan(1)) rows.Read(record);
  auto understood = rows.Take();
  if (!understood.ok()) return understood.status();
  return SiteFile{.sku_column = titles[*sku],
                  .value_column = titles[*value],
                  .meaning = *meaning,
                  .rows = *std::move(understood)};
}

}  // namespace onhand::cli
