#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/files/csv.h"
#include "clients/files/rows.h"

namespace onhand::files {
namespace {

absl::Status Rejected(absl::string_view reason, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(reason, ": ", message));
}

std::vector<absl::string_view> Column(const std::vector<CsvRecord>& records, size_t column) {
  std::vector<absl::string_view> values;
  for (const CsvRecord& record : records) {
    if (column < record.fields.size()) values.push_back(record.fields[column]);
  }
  return values;
}

// Decides what only a whole column can show.
absl::Status SettleAmbiguities(const std::vector<CsvRecord>& records, Export& out) {
  if (out.mapping.decimal == DecimalMark::kDetect) {
    const absl::StatusOr<DecimalMark> mark =
        DetectDecimalMark(Column(records, out.layout.columns.at(Field::kQuantity)));
    if (!mark.ok()) return Rejected("AMBIGUOUS_QUANTITY", mark.status().message());
    out.mapping.decimal = *mark;
  }
  if (out.mapping.moments.date_order == DateOrder::kDetect && out.mapping.moments.format.empty()) {
    for (const Field field : {Field::kOccurredAt, Field::kDate}) {
      if (!out.layout.Has(field)) continue;
      const absl::StatusOr<DateOrder> order =
          DetectDateOrder(Column(records, out.layout.columns.at(field)));
      if (!order.ok()) return Rejected("AMBIGUOUS_DATE", order.status().message());
      out.mapping.moments.date_order = *order;
      break;
    }
  }
  return absl::OkStatus();
}

void ReadRows(const ExportFile& file, const std::vector<CsvRecord>& records,
              const RowLocations& locations, Export& out) {
  RowReader reader(out.layout, out.mapping, locations, file.modified);
  uint64_t number = 0;
  for (const CsvRecord& record : records) {
    ++number;
    absl::StatusOr<v1::Movement> row =
        record.unclosed_quote
            ? absl::InvalidArgumentError("a quoted text does not end: close its quote")
            : reader.Read(record.fields);
    if (row.ok()) {
      out.rows.push_back({number, record.line, *std::move(row)});
    } else {
      out.rejected.push_back({absl::StrCat(file.name, ":", record.line), std::string(record.raw),
                              std::string(row.status().message())});
    }
  }
  out.records = number;
}

// One row an item, or an error that names the first repeated one.
absl::Status MergeRepeatedSkus(Export& out) {
  std::map<std::pair<std::string, std::string>, size_t> first_of;
  std::vector<ReadRow> merged;
  for (ReadRow& row : out.rows) {
    const auto key = std::make_pair(row.movement.location_id(), row.movement.sku());
    const auto [found, is_new] = first_of.try_emplace(key, merged.size());
    if (is_new) {
      merged.push_back(std::move(row));
      continue;
    }
    ReadRow& first = merged[found->second];
    if (out.mapping.repeated_sku == RepeatedSku::kError) {
      return Rejected("REPEATED_SKU",
                      absl::StrCat("sku \"", row.movement.sku(), "\" stands in line ", first.line,
                                   " and in line ", row.line,
                                   ": export one row an item, or set \"repeated_sku\" to \"sum\""));
    }
    first.movement.set_quantity(first.movement.quantity() + row.movement.quantity());
    first.record = row.record;
  }
  out.rows = std::move(merged);
  return absl::OkStatus();
}

absl::StatusOr<absl::Time> FileMoment(const ExportFile& file, const Mapping& mapping) {
  if (mapping.as_of != AsOf::kFileName) return file.modified;
  MomentRules rules = mapping.moments;
  rules.format = mapping.file_name_time;
  const absl::StatusOr<absl::Time> moment = MomentReader(rules).Read(file.name);
  if (moment.ok()) return moment;
  return Rejected("BAD_FILE_NAME", absl::StrCat("the file's name ", moment.status().message()));
}

// The earliest moment of a location's rows: nothing in the snapshot was true later than it claims.
std::map<std::string, absl::Time> EarliestRows(const std::vector<ReadRow>& rows) {
  std::map<std::string, absl::Time> earliest;
  for (const ReadRow& row : rows) {
    const absl::Time at = absl::FromUnixMicros(row.movement.occurred_at_us());
    const auto [found, is_new] = earliest.try_emplace(row.movement.location_id(), at);
    if (!is_new) found->second = std::min(found->second, at);
  }
  return earliest;
}

absl::Status FinishSnapshot(const ExportFile& file, Export& out) {
  if (out.rows.empty()) {
    return Rejected(
        "SNAPSHOT_EMPTY",
        "not one row is understood, and an empty snapshot would set every item to zero: "
        "export it again, or see the rejected rows");
  }
  if (const auto status = MergeRepeatedSkus(out); !status.ok()) return status;
  const absl::StatusOr<absl::Time> file_moment = FileMoment(file, out.mapping);
  if (!file_moment.ok()) return file_moment.status();
  const bool from_column = out.mapping.as_of == AsOf::kColumn;
  if (from_column && !out.layout.Has(Field::kOccurredAt) && !out.layout.Has(Field::kDate)) {
    return Rejected("UNKNOWN_COLUMNS",
                    "\"as_of\" is \"column\", but there is no column occurred_at or date");
  }
  for (const auto& [location, earliest] : EarliestRows(out.rows)) {
    out.as_of[location] = from_column ? earliest : *file_moment;
  }
  for (ReadRow& row : out.rows) {
    row.movement.set_occurred_at_us(absl::ToUnixMicros(out.as_of[row.movement.location_id()]));
  }
  out.complete = out.mapping.complete && out.rejected.empty();
  out.known_through = out.as_of;
  return absl::OkStatus();
}

absl::Status FinishMovements(const ExportFile& file, const RowLocations& locations, Export& out) {
  KnownThroughRule rule = out.mapping.known_through;
  if (rule == KnownThroughRule::kDetect) {
    // A file of receipts does not show that all sales were told.
    const bool tells_sales =
        out.layout.kind == v1::MOVEMENT_KIND_SALE || out.layout.Has(Field::kKind);
    rule = tells_sales ? KnownThroughRule::kNewestRow : KnownThroughRule::kNone;
  }
  if (rule == KnownThroughRule::kNewestRow) {
    for (const ReadRow& row : out.rows) {
      const absl::Time at = absl::FromUnixMicros(row.movement.occurred_at_us());
      absl::Time& known = out.known_through[row.movement.location_id()];
      known = std::max(known, at);
    }
  } else if (rule == KnownThroughRule::kFileTime) {
    const absl::StatusOr<absl::Time> moment = FileMoment(file, out.mapping);
    if (!moment.ok()) return moment.status();
    std::set<std::string> told(locations.allowed.begin(), locations.allowed.end());
    if (!out.layout.Has(Field::kLocation)) told = {locations.folder};
    for (const std::string& location : told) out.known_through[location] = *moment;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Export> ReadExport(const ExportFile& file, const Mapping& mapping,
                                  const RowLocations& locations) {
  const absl::StatusOr<DecodedText> decoded = DecodeText(file.bytes, mapping.encoding);
  if (!decoded.ok()) return Rejected("BAD_ENCODING", decoded.status().message());
  const std::string& text = decoded->text;

  Export out;
  out.mapping = mapping;
  out.mapping.encoding = decoded->encoding;
  if (out.mapping.delimiter == 0) out.mapping.delimiter = DetectDelimiter(text);
  std::vector<CsvRecord> records = SplitCsv(text, out.mapping.delimiter);

  std::vector<std::string> header = mapping.header;
  if (header.empty()) {
    if (records.empty())
      return Rejected("FILE_EMPTY", "the file has no header line: export it again");
    header = std::move(records.front().fields);
    records.erase(records.begin());
  }
  absl::StatusOr<Layout> layout = FindLayout(header, file.name, mapping);
  if (!layout.ok()) return layout.status();
  out.layout = *std::move(layout);

  const bool ends_with_newline = absl::EndsWith(text, "\n") || absl::EndsWith(text, "\r");
  const bool last_is_cut =
      !records.empty() && !ends_with_newline &&
      (records.back().fields.size() < out.layout.header.size() || records.back().unclosed_quote);
  if (out.layout.IsSnapshot() && last_is_cut) {
    return Rejected("SNAPSHOT_TRUNCATED",
                    absl::StrCat("the last line (", records.back().line,
                                 ") is cut: the file is not whole, export it again"));
  }
  if (const auto status = SettleAmbiguities(records, out); !status.ok()) return status;
  ReadRows(file, records, locations, out);
  const absl::Status status =
      out.layout.IsSnapshot() ? FinishSnapshot(file, out) : FinishMovements(file, locations, out);
  if (!status.ok()) return status;
  return out;
}

}  // namespace onhand::files
