#include "clients/files/layout.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace onhand::files {
namespace {

// Folded names in English, German and Spanish; earlier ones win when a header has several.
const std::vector<const char*>& CommonNames(Field field) {
  using Names = std::vector<const char*>;
  static const auto& names = *new std::map<Field, Names>{
      {Field::kSku, {"sku",         "artikelnummer", "artikelnr",  "artnr",      "artikel",
                     "itemnumber",  "itemid",        "item",       "productid",  "productcode",
                     "product",     "articlenumber", "article",    "codigo",     "codigoarticulo",
                     "articulo",    "referencia",    "ean",        "gtin",       "barcode",
                     "upc",         "plu",           "productsku", "variantsku", "artikelcode",
                     "codigobarras"}},
      {Field::kQuantity,
       {"quantity",    "qty",          "onhand",    "qtyonhand",     "quantityonhand",
        "stockonhand", "stock",        "level",     "units",         "unitssold",
        "qtysold",     "quantitysold", "soldqty",   "qtyreceived",   "menge",
        "anzahl",      "stuck",        "stuckzahl", "bestand",       "lagerbestand",
        "sold",        "unitsonhand",  "verkauft",  "verkaufsmenge", "cantidad",
        "existencias", "existencia",   "unidades",  "vendidas",      "unidadesvendidas"}},
      {Field::kOccurredAt,
       {"occurredat", "timestamp", "datetime", "soldat", "createdat", "asof", "transactiontime",
        "saletime", "zeitpunkt", "zeitstempel", "datumuhrzeit", "fechahora", "fechayhora"}},
      {Field::kDate,
       {"date", "saledate", "solddate", "transactiondate", "businessdate", "day", "datum",
        "belegdatum", "verkaufsdatum", "tag", "fecha", "fechaventa", "dia"}},
      {Field::kTime, {"time", "saletime", "uhrzeit", "zeit", "hora"}},
      {Field::kLocation,
       {"location", "locationid", "store", "storeid", "storenumber", "storecode", "shop", "shopid",
        "outlet", "branch", "filiale", "filialnummer", "filialnr", "markt", "tienda", "sucursal",
        "almacen", "standort"}},
      {Field::kKind, {"kind", "movementkind", "movement", "type", "bewegungsart", "tipo"}},
      {Field::kOrderReference,
       {"orderreference", "orderid", "ordernumber", "order", "bestellnummer", "auftragsnummer",
        "pedido", "numeropedido"}},
      {Field::kCountedBy, {"countedby", "gezahltvon", "contadopor"}}};
  return names.at(field);
}

std::optional<size_t> FindColumn(const std::vector<std::string>& folded, absl::string_view name) {
  for (size_t i = 0; i < folded.size(); ++i) {
    if (folded[i] == name) return i;
  }
  return std::nullopt;
}

std::vector<std::string> Folded(const std::vector<std::string>& header) {
  std::vector<std::string> folded;
  for (const std::string& name : header) folded.push_back(FoldName(name));
  return folded;
}

std::optional<size_t> CommonColumn(const std::vector<std::string>& folded, Field field) {
  for (const char* name : CommonNames(field)) {
    if (const std::optional<size_t> column = FindColumn(folded, name)) return column;
  }
  return std::nullopt;
}

absl::Status FindColumns(const Mapping& mapping, Layout& layout) {
  const std::vector<std::string> folded = Folded(layout.header);
  for (const Field field : AllFields()) {
    const auto given = mapping.columns.find(field);
    if (given != mapping.columns.end()) {
      const std::optional<size_t> column = FindColumn(folded, FoldName(given->second));
      if (!column) {
        return absl::InvalidArgumentError(absl::StrCat(
            "UNKNOWN_COLUMNS: mapping says that ", FieldName(field), " is in column \"",
            given->second, "\", but the columns are ", absl::StrJoin(layout.header, ", ")));
      }
      layout.columns[field] = *column;
      continue;
    }
    if (const std::optional<size_t> column = CommonColumn(folded, field)) {
      layout.columns[field] = *column;
    }
  }
  for (const Field field : {Field::kSku, Field::kQuantity}) {
    if (layout.Has(field)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("UNKNOWN_COLUMNS: no column is known as ", FieldName(field), " among ",
                     absl::StrJoin(layout.header, ", "),
                     ": name it under \"columns\" in the mapping, "
                     "and the columns of a file without a header line under \"header\""));
  }
  return absl::OkStatus();
}

bool ContainsAny(absl::string_view text, std::initializer_list<const char*> words) {
  for (const char* word : words) {
    if (absl::StrContains(text, word)) return true;
  }
  return false;
}

// Receipts are asked first: "stock_receipts.csv" is one of receipts.
v1::MovementKind KindOfName(absl::string_view folded) {
  if (ContainsAny(folded, {"receipt", "received", "wareneingang", "recepcion", "delivery"})) {
    return v1::MOVEMENT_KIND_RECEIPT;
  }
  if (ContainsAny(folded, {"sales", "sold", "sale", "verkauf", "umsatz", "venta", "vendid"})) {
    return v1::MOVEMENT_KIND_SALE;
  }
  if (ContainsAny(folded, {"stock", "level", "inventory", "snapshot", "bestand", "inventario",
                           "existencia", "onhand"})) {
    return v1::MOVEMENT_KIND_LEVEL;
  }
  return v1::MOVEMENT_KIND_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<Layout> FindLayout(const std::vector<std::string>& header,
                                  absl::string_view file_name, const Mapping& mapping) {
  Layout layout;
  layout.header = header;
  const absl::Status columns = FindColumns(mapping, layout);
  if (!columns.ok()) return columns;

  layout.kind = mapping.kind;
  if (layout.kind != v1::MOVEMENT_KIND_UNSPECIFIED) return layout;
  layout.kind = KindOfName(FoldName(file_name));
  if (layout.kind == v1::MOVEMENT_KIND_UNSPECIFIED) {
    layout.kind = KindOfName(FoldName(header[layout.columns.at(Field::kQuantity)]));
  }
  if (layout.kind == v1::MOVEMENT_KIND_UNSPECIFIED && !layout.Has(Field::kKind)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "UNKNOWN_KIND: neither the name \"", file_name,
        "\" nor the columns say whether these are levels, sales or receipts: give --kind or "
        "\"kind\" in the mapping"));
  }
  return layout;
}

std::optional<size_t> FindCommonColumn(const std::vector<std::string>& header, Field field) {
  return CommonColumn(Folded(header), field);
}

}  // namespace onhand::files
