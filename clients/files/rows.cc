#include "clients/files/rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace onhand::files {
namespace {

constexpr size_t kIdentifierBytesMax = 64;

bool IsDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// 4.00638E+12: a spreadsheet has cut a barcode, and its last digits are lost.
bool IsCutBySpreadsheet(absl::string_view sku) {
  const size_t mark = sku.find_first_of("eE");
  if (mark == absl::string_view::npos || mark + 2 >= sku.size() || sku[mark + 1] != '+')
    return false;
  return IsDigits(sku.substr(mark + 2)) &&
         absl::ascii_isdigit(static_cast<unsigned char>(sku[0])) &&
         sku.substr(0, mark).find_first_not_of("0123456789.,") == absl::string_view::npos;
}

}  // namespace

absl::Status CheckIdentifier(absl::string_view field, absl::string_view value) {
  if (value.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(field, " is empty: fill it in at the till"));
  }
  if (value.size() > kIdentifierBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(field, " \"", value, "\" has ", value.size(),
                                                   " bytes: at most 64 are allowed"));
  }
  if (!IsUtf8(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, " is not UTF-8: set \"encoding\" in the mapping"));
  }
  for (const char c : value) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return absl::InvalidArgumentError(absl::StrCat(
          field, " has control character ", static_cast<int>(c), ": take it out at the till"));
    }
  }
  return absl::OkStatus();
}

RowReader::RowReader(Layout layout, Mapping mapping, RowLocations locations,
                     absl::Time default_moment)
    : layout_(std::move(layout)),
      mapping_(std::move(mapping)),
      locations_(std::move(locations)),
      default_moment_(default_moment),
      moments_(mapping_.moments) {}

std::string RowReader::Value(const std::vector<std::string>& fields, Field field) const {
  const auto column = layout_.columns.find(field);
  if (column == layout_.columns.end() || column->second >= fields.size()) return "";
  const std::string& value = fields[column->second];
  return mapping_.trim ? std::string(absl::StripAsciiWhitespace(value)) : value;
}

absl::StatusOr<v1::Movement> RowReader::Read(const std::vector<std::string>& fields) {
  if (fields.size() < layout_.header.size()) {
    return absl::InvalidArgumentError(absl::StrCat("row has ", fields.size(), " of ",
                                                   layout_.header.size(),
                                                   " columns: it is cut, export it again"));
  }
  // More columns than the header has: an unquoted delimiter inside a text has moved the others.
  const bool extra_content =
      std::any_of(fields.begin() + static_cast<std::ptrdiff_t>(layout_.header.size()), fields.end(),
                  [](const std::string& f) { return !f.empty(); });
  if (extra_content) {
    return absl::InvalidArgumentError(absl::StrCat("row has ", fields.size(),
                                                   " columns, the header ", layout_.header.size(),
                                                   ": put texts with delimiters into quotes"));
  }
  v1::Movement row;
  if (const auto status = ReadSku(fields, row); !status.ok()) return status;
  if (const auto status = ReadKindAndQuantity(fields, row); !status.ok()) return status;
  if (const auto status = ReadMoment(fields, row); !status.ok()) return status;
  if (const auto status = ReadLocation(fields, row); !status.ok()) return status;
  row.set_order_reference(Value(fields, Field::kOrderReference));
  if (!row.order_reference().empty()) {
    if (const auto status = CheckIdentifier("order_reference", row.order_reference());
        !status.ok()) {
      return status;
    }
  }
  if (row.kind() == v1::MOVEMENT_KIND_COUNT) {
    row.set_counted_by(Value(fields, Field::kCountedBy));
    if (row.counted_by().size() > kIdentifierBytesMax || !IsUtf8(row.counted_by())) {
      return absl::InvalidArgumentError("counted_by is not a name of at most 64 bytes of UTF-8");
    }
  }
  return row;
}

absl::Status RowReader::ReadSku(const std::vector<std::string>& fields, v1::Movement& row) const {
  std::string sku = Value(fields, Field::kSku);
  if (mapping_.sku_zero_pad > sku.size() && IsDigits(sku)) {
    sku.insert(0, mapping_.sku_zero_pad - sku.size(), '0');
  }
  if (const auto status = CheckIdentifier("sku", sku); !status.ok()) return status;
  if (IsCutBySpreadsheet(sku)) {
    return absl::InvalidArgumentError(
        absl::StrCat("sku \"", sku, "\" was cut by a spreadsheet: export the column as text"));
  }
  row.set_sku(std::move(sku));
  return absl::OkStatus();
}

absl::Status RowReader::ReadKindAndQuantity(const std::vector<std::string>& fields,
                                            v1::Movement& row) const {
  v1::MovementKind kind = layout_.kind;
  if (layout_.Has(Field::kKind)) {
    const std::string word = Value(fields, Field::kKind);
    const auto given = mapping_.kind_words.find(FoldName(word));
    kind = given != mapping_.kind_words.end() ? given->second : KindOfWord(word);
    if (kind == v1::MOVEMENT_KIND_UNSPECIFIED) {
      return absl::InvalidArgumentError(absl::StrCat(
          "kind \"", word, "\" is not known: add it to \"kind_words\" in the mapping"));
    }
  }
  absl::StatusOr<int64_t> quantity =
      ParseQuantity(Value(fields, Field::kQuantity), mapping_.decimal);
  if (!quantity.ok()) return quantity.status();
  if (*quantity < 0 && kind == v1::MOVEMENT_KIND_COUNT) {
    return absl::InvalidArgumentError(absl::StrCat(
        "quantity ", *quantity, " of a COUNT is below zero: nobody counts fewer than none"));
  }
  if (*quantity < 0 && kind == v1::MOVEMENT_KIND_SALE) {
    if (mapping_.negative_sale == NegativeSale::kError) {
      return absl::InvalidArgumentError(
          absl::StrCat("quantity ", *quantity,
                       " of a SALE is below zero: set \"negative_sale\" to \"void\" or "
                       "\"return\" if that is meant"));
    }
    if (mapping_.negative_sale == NegativeSale::kReturn) kind = v1::MOVEMENT_KIND_RETURN;
  }
  // Tills print returned goods with either sign.
  if (kind == v1::MOVEMENT_KIND_RETURN && *quantity < 0) quantity = -*quantity;
  row.set_kind(kind);
  row.set_quantity(*quantity);
  return absl::OkStatus();
}

absl::Status RowReader::ReadMoment(const std::vector<std::string>& fields, v1::Movement& row) {
  std::string text = Value(fields, Field::kOccurredAt);
  if (!layout_.Has(Field::kOccurredAt) && layout_.Has(Field::kDate)) {
    text = Value(fields, Field::kDate);
    if (layout_.Has(Field::kTime)) absl::StrAppend(&text, " ", Value(fields, Field::kTime));
  }
  absl::Time moment = default_moment_;
  if (layout_.Has(Field::kOccurredAt) || layout_.Has(Field::kDate)) {
    const absl::StatusOr<absl::Time> read = moments_.Read(text);
    if (!read.ok()) return read.status();
    moment = *read;
  }
  row.set_occurred_at_us(absl::ToUnixMicros(moment));
  return absl::OkStatus();
}

absl::Status RowReader::ReadLocation(const std::vector<std::string>& fields,
                                     v1::Movement& row) const {
  std::string location = locations_.folder;
  if (layout_.Has(Field::kLocation)) {
    location = Value(fields, Field::kLocation);
    if (const auto status = CheckIdentifier("location", location); !status.ok()) return status;
  }
  const std::vector<std::string>& allowed = locations_.allowed;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), location) == allowed.end()) {
    return absl::InvalidArgumentError(absl::StrCat("location \"", location,
                                                   "\" is not one that this agent reports for: add "
                                                   "--location or a location column"));
  }
  row.set_location_id(std::move(location));
  return absl::OkStatus();
}

}  // namespace onhand::files
