// How a chain's exports are to be read: what a person wrote into a mapping file (JSON), or the
// defaults. A plain value, read once at start; any thread.
#ifndef ONHAND_CLIENTS_FILES_MAPPING_H_
#define ONHAND_CLIENTS_FILES_MAPPING_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/files/encoding.h"
#include "clients/files/moment.h"
#include "clients/files/quantity.h"
#include "onhand/v1/types.pb.h"

namespace onhand::files {

// The columns that an export may have.
enum class Field {
  kSku,
  kQuantity,
  kOccurredAt,
  kDate,
  kTime,
  kLocation,
  kKind,
  kOrderReference,
  kCountedBy,
};

const std::vector<Field>& AllFields();

// The name used in mappings, such as "order_reference".
const char* FieldName(Field field);

// What two rows of one SKU in one snapshot mean. Never that the last one wins.
enum class RepeatedSku { kError, kSum };

// What a negative quantity in a sales file means.
enum class NegativeSale {
  // The sale is taken back: a SALE of negative quantity.
  kVoid,
  // The customer brought goods back: a RETURN.
  kReturn,
  // The row is rejected.
  kError,
};

// Where a snapshot's as_of comes from.
enum class AsOf { kFileTime, kFileName, kColumn };

// What a file of movements says about known_through.
enum class KnownThroughRule {
  // Sales: the newest row. Receipts and others: nothing.
  kDetect,
  kNewestRow,
  kFileTime,
  kNone,
};

struct Mapping {
  // UNSPECIFIED: judged by file name and columns.
  v1::MovementKind kind = v1::MOVEMENT_KIND_UNSPECIFIED;
  // Column names as in the header line; fields that are absent are looked for by their common
  // names.
  std::map<Field, std::string> columns;
  // For files without a header line: the names of their columns, in order.
  std::vector<std::string> header;
  // Words of the kind column, beside the common ones.
  std::map<std::string, v1::MovementKind> kind_words;

  Encoding encoding = Encoding::kDetect;
  // 0: detected.
  char delimiter = 0;
  DecimalMark decimal = DecimalMark::kDetect;
  // Takes spaces off both ends of identifiers.
  bool trim = true;
  // SKUs of digits only are filled up with zeros to this length; 0: as they are.
  size_t sku_zero_pad = 0;
  MomentRules moments;

  RepeatedSku repeated_sku = RepeatedSku::kError;
  NegativeSale negative_sale = NegativeSale::kVoid;
  AsOf as_of = AsOf::kFileTime;
  // strptime(3) format of the whole file name, for AsOf::kFileName.
  std::string file_name_time;
  KnownThroughRule known_through = KnownThroughRule::kDetect;
  // Snapshots: items that are missing from the file are at zero.
  bool complete = true;
};

// INVALID_ARGUMENT names the key, its value and what it may be; unknown keys are errors.
absl::StatusOr<Mapping> ParseMapping(absl::string_view json);
absl::StatusOr<Mapping> LoadMapping(const std::string& path);

// "sale", "sales", "venta", "Verkauf", "SALE" and so on; UNSPECIFIED if unknown.
v1::MovementKind KindOfWord(absl::string_view word);

// SALE, LEVEL, ... without prefix.
std::string KindName(v1::MovementKind kind);

// Lower case, umlauts and accents folded, everything else but letters and digits taken out, so that
// "Qty. on Hand" and "QTY_ON_HAND" are one name.
std::string FoldName(absl::string_view name);

}  // namespace onhand::files

#endif  // ONHAND_CLIENTS_FILES_MAPPING_H_
