#include "clients/files/mapping.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace onhand::files {
namespace {

using Json = nlohmann::json;

absl::Status BadValue(absl::string_view key, const Json& value, absl::string_view remedy) {
  return absl::InvalidArgumentError(
      absl::StrCat("mapping: \"", key, "\" is ", value.dump(), ": ", remedy));
}

template <typename T>
using Choices = std::vector<std::pair<const char*, T>>;

template <typename T>
absl::Status Choose(absl::string_view key, const Json& value, const Choices<T>& choices, T& out) {
  std::vector<std::string> names;
  for (const auto& [name, choice] : choices) {
    if (value.is_string() && value.get<std::string>() == name) {
      out = choice;
      return absl::OkStatus();
    }
    names.push_back(absl::StrCat("\"", name, "\""));
  }
  return BadValue(key, value, absl::StrCat("set it to ", absl::StrJoin(names, ", ")));
}

absl::Status ReadText(absl::string_view key, const Json& value, std::string& out) {
  if (!value.is_string()) return BadValue(key, value, "set it to a text in quotes");
  out = value.get<std::string>();
  return absl::OkStatus();
}

absl::Status ReadSwitch(absl::string_view key, const Json& value, bool& out) {
  if (!value.is_boolean()) return BadValue(key, value, "set it to true or false");
  out = value.get<bool>();
  return absl::OkStatus();
}

absl::Status ReadKind(absl::string_view key, const Json& value, v1::MovementKind& out) {
  if (value.is_string()) {
    out = KindOfWord(value.get<std::string>());
    if (out != v1::MOVEMENT_KIND_UNSPECIFIED) return absl::OkStatus();
  }
  return BadValue(key, value, "set it to \"LEVEL\", \"SALE\", \"RECEIPT\" or another movement");
}

absl::Status ReadColumns(const Json& value, std::map<Field, std::string>& out) {
  if (!value.is_object()) return BadValue("columns", value, "set it to {\"sku\": \"NAME\", ...}");
  for (const auto& [name, column] : value.items()) {
    bool known = false;
    for (const Field field : AllFields()) {
      if (name != FieldName(field)) continue;
      known = true;
      const absl::Status status = ReadText(absl::StrCat("columns.", name), column, out[field]);
      if (!status.ok()) return status;
    }
    if (!known) {
      return BadValue(absl::StrCat("columns.", name), column,
                      absl::StrCat("no such field; there are ",
                                   absl::StrJoin(AllFields(), ", ", [](std::string* s, Field f) {
                                     s->append(FieldName(f));
                                   })));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadHeader(const Json& value, std::vector<std::string>& out) {
  if (!value.is_array()) return BadValue("header", value, "set it to [\"sku\", \"quantity\", ...]");
  for (const Json& name : value) {
    const absl::Status status = ReadText("header", name, out.emplace_back());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadKindWords(const Json& value, std::map<std::string, v1::MovementKind>& out) {
  if (!value.is_object()) return BadValue("kind_words", value, "set it to {\"V\": \"SALE\", ...}");
  for (const auto& [word, kind] : value.items()) {
    const absl::Status status =
        ReadKind(absl::StrCat("kind_words.", word), kind, out[FoldName(word)]);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadZone(const Json& value, absl::TimeZone& zone) {
  if (value.is_string() && absl::LoadTimeZone(value.get<std::string>(), &zone)) {
    return absl::OkStatus();
  }
  return BadValue("time_zone", value, "set it to an IANA name such as \"Europe/Berlin\"");
}

absl::Status ReadZeroPad(const Json& value, size_t& out) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > 64) {
    return BadValue("sku_zero_pad", value, "set it to a length from 0 to 64");
  }
  out = value.get<size_t>();
  return absl::OkStatus();
}

absl::Status ReadKey(const std::string& key, const Json& value, Mapping& mapping) {
  if (key == "kind") return ReadKind(key, value, mapping.kind);
  if (key == "columns") return ReadColumns(value, mapping.columns);
  if (key == "header") return ReadHeader(value, mapping.header);
  if (key == "kind_words") return ReadKindWords(value, mapping.kind_words);
  if (key == "trim") return ReadSwitch(key, value, mapping.trim);
  if (key == "complete") return ReadSwitch(key, value, mapping.complete);
  if (key == "sku_zero_pad") return ReadZeroPad(value, mapping.sku_zero_pad);
  if (key == "time_zone") return ReadZone(value, mapping.moments.zone);
  if (key == "time_format") return ReadText(key, value, mapping.moments.format);
  if (key == "file_name_time") return ReadText(key, value, mapping.file_name_time);
  if (key == "encoding") {
    const Choices<Encoding> choices = {{"auto", Encoding::kDetect},
                                       {"utf-8", Encoding::kUtf8},
                                       {"utf-16le", Encoding::kUtf16LittleEndian},
                                       {"utf-16be", Encoding::kUtf16BigEndian},
                                       {"windows-1252", Encoding::kWindows1252}};
    return Choose(key, value, choices, mapping.encoding);
  }
  if (key == "delimiter") {
    const Choices<char> choices = {{"auto", 0},  {",", ','},    {";", ';'},
                                   {"\t", '\t'}, {"tab", '\t'}, {"|", '|'}};
    return Choose(key, value, choices, mapping.delimiter);
  }
  if (key == "decimal") {
    const Choices<DecimalMark> choices = {
        {"auto", DecimalMark::kDetect}, {".", DecimalMark::kPoint}, {",", DecimalMark::kComma}};
    return Choose(key, value, choices, mapping.decimal);
  }
  if (key == "date_order") {
    const Choices<DateOrder> choices = {{"auto", DateOrder::kDetect},
                                        {"day_first", DateOrder::kDayFirst},
                                        {"month_first", DateOrder::kMonthFirst}};
    return Choose(key, value, choices, mapping.moments.date_order);
  }
  if (key == "repeated_time") {
    const Choices<RepeatedTime> choices = {{"by_order", RepeatedTime::kByOrder},
                                           {"first", RepeatedTime::kFirst},
                                           {"second", RepeatedTime::kSecond}};
    return Choose(key, value, choices, mapping.moments.repeated);
  }
  if (key == "missing_time") {
    const Choices<MissingTime> choices = {{"shift", MissingTime::kShift},
                                          {"reject", MissingTime::kReject}};
    return Choose(key, value, choices, mapping.moments.missing);
  }
  if (key == "repeated_sku") {
    const Choices<RepeatedSku> choices = {{"error", RepeatedSku::kError},
                                          {"sum", RepeatedSku::kSum}};
    return Choose(key, value, choices, mapping.repeated_sku);
  }
  if (key == "negative_sale") {
    const Choices<NegativeSale> choices = {{"void", NegativeSale::kVoid},
                                           {"return", NegativeSale::kReturn},
                                           {"error", NegativeSale::kError}};
    return Choose(key, value, choices, mapping.negative_sale);
  }
  if (key == "as_of") {
    const Choices<AsOf> choices = {
        {"file_time", AsOf::kFileTime}, {"file_name", AsOf::kFileName}, {"column", AsOf::kColumn}};
    return Choose(key, value, choices, mapping.as_of);
  }
  if (key == "known_through") {
    const Choices<KnownThroughRule> choices = {{"auto", KnownThroughRule::kDetect},
                                               {"newest_row", KnownThroughRule::kNewestRow},
                                               {"file_time", KnownThroughRule::kFileTime},
                                               {"none", KnownThroughRule::kNone}};
    return Choose(key, value, choices, mapping.known_through);
  }
  return BadValue(key, value, "there is no such key; clients/agent/README.md lists them all");
}

}  // namespace

const std::vector<Field>& AllFields() {
  static const auto& fields = *new std::vector<Field>{
      Field::kSku,      Field::kQuantity, Field::kOccurredAt,     Field::kDate,     Field::kTime,
      Field::kLocation, Field::kKind,     Field::kOrderReference, Field::kCountedBy};
  return fields;
}

const char* FieldName(Field field) {
  switch (field) {
    case Field::kSku:
      return "sku";
    case Field::kQuantity:
      return "quantity";
    case Field::kOccurredAt:
      return "occurred_at";
    case Field::kDate:
      return "date";
    case Field::kTime:
      return "time";
    case Field::kLocation:
      return "location";
    case Field::kKind:
      return "kind";
    case Field::kOrderReference:
      return "order_reference";
    case Field::kCountedBy:
      return "counted_by";
  }
  return "";
}

absl::StatusOr<Mapping> ParseMapping(absl::string_view json) {
  const Json document = Json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) {
    return absl::InvalidArgumentError(
        "mapping: not a JSON object: write {\"kind\": \"SALE\", \"columns\": {...}}");
  }
  Mapping mapping;
  for (const auto& [key, value] : document.items()) {
    const absl::Status status = ReadKey(key, value, mapping);
    if (!status.ok()) return status;
  }
  if (mapping.as_of == AsOf::kFileName && mapping.file_name_time.empty()) {
    return absl::InvalidArgumentError(
        "mapping: \"as_of\" is \"file_name\" without \"file_name_time\": add the name's format, "
        "such as \"stock_%Y%m%d_%H%M.csv\"");
  }
  return mapping;
}

absl::StatusOr<Mapping> LoadMapping(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  if (!file || !(content << file.rdbuf())) {
    return absl::NotFoundError(
        absl::StrCat("mapping: cannot read ", path, ": check --mapping and the file's rights"));
  }
  return ParseMapping(content.str());
}

std::string FoldName(absl::string_view name) {
  const std::string folded = absl::StrReplaceAll(name, {{"ä", "a"},
                                                        {"ö", "o"},
                                                        {"ü", "u"},
                                                        {"ß", "ss"},
                                                        {"Ä", "a"},
                                                        {"Ö", "o"},
                                                        {"Ü", "u"},
                                                        {"á", "a"},
                                                        {"é", "e"},
                                                        {"í", "i"},
                                                        {"ó", "o"},
                                                        {"ú", "u"},
                                                        {"ñ", "n"},
                                                        {"Á", "a"},
                                                        {"É", "e"},
                                                        {"Í", "i"},
                                                        {"Ó", "o"},
                                                        {"Ú", "u"},
                                                        {"Ñ", "n"}});
  std::string out;
  for (const char c : folded) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || byte >= 0x80) out.push_back(absl::ascii_tolower(byte));
  }
  return out;
}

v1::MovementKind KindOfWord(absl::string_view word) {
  static const auto& words =
      *new std::map<std::string, v1::MovementKind>{{"sale", v1::MOVEMENT_KIND_SALE},
                                                   {"sales", v1::MOVEMENT_KIND_SALE},
                                                   {"verkauf", v1::MOVEMENT_KIND_SALE},
                                                   {"venta", v1::MOVEMENT_KIND_SALE},
                                                   {"return", v1::MOVEMENT_KIND_RETURN},
                                                   {"refund", v1::MOVEMENT_KIND_RETURN},
                                                   {"retoure", v1::MOVEMENT_KIND_RETURN},
                                                   {"ruckgabe", v1::MOVEMENT_KIND_RETURN},
                                                   {"devolucion", v1::MOVEMENT_KIND_RETURN},
                                                   {"receipt", v1::MOVEMENT_KIND_RECEIPT},
                                                   {"receipts", v1::MOVEMENT_KIND_RECEIPT},
                                                   {"delivery", v1::MOVEMENT_KIND_RECEIPT},
                                                   {"wareneingang", v1::MOVEMENT_KIND_RECEIPT},
                                                   {"recepcion", v1::MOVEMENT_KIND_RECEIPT},
                                                   {"transferout", v1::MOVEMENT_KIND_TRANSFER_OUT},
                                                   {"transferin", v1::MOVEMENT_KIND_TRANSFER_IN},
                                                   {"adjustment", v1::MOVEMENT_KIND_ADJUSTMENT},
                                                   {"korrektur", v1::MOVEMENT_KIND_ADJUSTMENT},
                                                   {"ajuste", v1::MOVEMENT_KIND_ADJUSTMENT},
                                                   {"setaside", v1::MOVEMENT_KIND_SET_ASIDE},
                                                   {"putback", v1::MOVEMENT_KIND_PUT_BACK},
                                                   {"level", v1::MOVEMENT_KIND_LEVEL},
                                                   {"levels", v1::MOVEMENT_KIND_LEVEL},
                                                   {"bestand", v1::MOVEMENT_KIND_LEVEL},
                                                   {"existencias", v1::MOVEMENT_KIND_LEVEL},
                                                   {"count", v1::MOVEMENT_KIND_COUNT},
                                                   {"zahlung", v1::MOVEMENT_KIND_COUNT},
                                                   {"recuento", v1::MOVEMENT_KIND_COUNT}};
  const std::string folded = FoldName(absl::StripPrefix(word, "MOVEMENT_KIND_"));
  const auto found = words.find(folded);
  return found == words.end() ? v1::MOVEMENT_KIND_UNSPECIFIED : found->second;
}

std::string KindName(v1::MovementKind kind) {
  return std::string(absl::StripPrefix(v1::MovementKind_Name(kind), "MOVEMENT_KIND_"));
}

}  // namespace onhand::files
