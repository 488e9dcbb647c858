#include "tests/demo/world.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace onhand::demo {
namespace {

// A style and the sizes it comes in; one without sizes is one good.
struct Style {
  const char* sku;
  const char* name;
  const char* category;
  std::vector<const char*> sizes;
};

const std::vector<Style>& Styles() {
  static const auto& styles = *new std::vector<Style>{
      {"RUN-AERO", "Aero road running shoe", "footwear/running", {"40", "41", "42", "43", "44"}},
      {"TRAIL-LOBO", "Lobo trail shoe", "footwear/trail", {"40", "41", "42", "43", "44"}},
      {"HIKE-PICO", "Pico hiking boot", "footwear/hiking", {"38", "40", "42", "44"}},
      {"SHELL-NUBE", "Nube rain shell", "clothing/outdoor", {"S", "M", "L", "XL"}},
      {"FLEECE-LANA", "Lana fleece", "clothing/outdoor", {"S", "M", "L"}},
      {"TIGHT-RIO", "Rio running tights", "clothing/running", {"S", "M", "L"}},
      {"GLOVE-NIEVE", "Nieve ski glove", "winter/gloves", {"7", "8", "9"}},
      {"WETSUIT-MAR", "Mar wetsuit 3/2", "water/wetsuits", {"S", "M", "L"}},
      {"HELMET-VIA", "Via cycling helmet", "cycling/helmets", {"M", "L"}},
      {"TENT-RIDGE-2P", "Ridge tent for two", "camping/tents", {}},
      {"TENT-RIDGE-4P", "Ridge tent for four", "camping/tents", {}},
      {"BAG-DUNA", "Duna sleeping bag 5 C", "camping/sleep", {}},
      {"MAT-DUNA", "Duna sleeping mat", "camping/sleep", {}},
      {"STOVE-CHISPA", "Chispa gas stove", "camping/kitchen", {}},
      {"LAMP-FARO", "Faro head lamp", "camping/light", {}},
      {"PACK-SENDA-30", "Senda backpack 30 l", "outdoor/packs", {}},
      {"PACK-SENDA-50", "Senda backpack 50 l", "outdoor/packs", {}},
      {"POLES-CIMA", "Cima trekking poles", "outdoor/poles", {}},
      {"BOTTLE-AGUA", "Agua bottle 1 l", "outdoor/bottles", {}},
      {"BALL-FUTSAL", "Futsal ball", "ball-sports/football", {}},
      {"BALL-FOOTBALL-5", "Match football size 5", "ball-sports/football", {}},
      {"BALL-BASKET-7", "Basketball size 7", "ball-sports/basketball", {}},
      {"RACKET-SAETA", "Saeta tennis racket", "racket/tennis", {}},
      {"BALLS-TENNIS-4", "Tennis balls, tube of 4", "racket/tennis", {}},
      {"PADEL-TORO", "Toro padel racket", "racket/padel", {}},
      {"KAYAK-FJORD", "Fjord inflatable kayak", "water/boats", {}},
      {"VEST-FJORD", "Fjord buoyancy vest", "water/boats", {}},
      {"GOGGLES-OLA", "Ola swim goggles", "water/swimming", {}},
      {"LOCK-TITAN", "Titan bicycle lock", "cycling/locks", {}},
      {"PUMP-VIENTO", "Viento floor pump", "cycling/tools", {}},
      {"TUBE-28", "Inner tube 28 inch", "cycling/tools", {}},
      {"MAT-YOGA", "Yoga mat 5 mm", "fitness/yoga", {}},
      {"KETTLEBELL-12", "Kettlebell 12 kg", "fitness/weights", {}},
      {"BAND-SET", "Resistance bands, set of 5", "fitness/bands", {}},
      {"ROPE-SALTO", "Salto skipping rope", "fitness/cardio", {}},
      {"GOGGLES-NIEVE", "Nieve ski goggles", "winter/goggles", {}},
      {"SLED-TRUENO", "Trueno sled", "winter/sleds", {}},
  };
  return styles;
}

// An EAN-13 in the range kept for use inside a company.
std::string Barcode(size_t index) {
  const std::string digits = absl::StrFormat("20%010d", 4711 + index * 7);
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) sum += (digits[i] - '0') * (i % 2 == 0 ? 1 : 3);
  return absl::StrCat(digits, (10 - sum % 10) % 10);
}

std::vector<Good> MakeGoods() {
  std::vector<Good> goods;
  const auto add = [&goods](std::string sku, std::string name, std::string parent,
                            const char* category) {
    goods.push_back(
        {std::move(sku), std::move(name), std::move(parent), category, Barcode(goods.size())});
  };
  for (const Style& style : Styles()) {
    if (style.sizes.empty()) add(style.sku, style.name, "", style.category);
    for (const char* size : style.sizes) {
      add(absl::StrCat(style.sku, "-", size), absl::StrCat(style.name, ", ", size), style.sku,
          style.category);
    }
  }
  return goods;
}

}  // namespace

const std::vector<Store>& Stores() {
  static const auto& stores = *new std::vector<Store>{
      {"barcelona", "Barcelona Diagonal", "Europe/Madrid", Dialect::kSpanish, 41.3947, 2.1538},
      {"berlin", "Berlin Alexanderplatz", "Europe/Berlin", Dialect::kGerman, 52.5219, 13.4132},
      {"bilbao", "Bilbao Abando", "Europe/Madrid", Dialect::kSpanish, 43.2614, -2.9275},
      {"dublin", "Dublin Grafton Street", "Europe/Dublin", Dialect::kEnglish, 53.3420, -6.2600},
      {"las-palmas", "Las Palmas Triana", "Atlantic/Canary", Dialect::kSpanish, 28.1045, -15.4150},
      {"lisbon", "Lisbon Chiado", "Europe/Lisbon", Dialect::kEnglish, 38.7107, -9.1420},
      {"london", "London Camden", "Europe/London", Dialect::kEnglish, 51.5390, -0.1426},
      {"madrid", "Madrid Gran Via", "Europe/Madrid", Dialect::kSpanish, 40.4200, -3.7050},
      {"munich", "Munich Isartor", "Europe/Berlin", Dialect::kGerman, 48.1340, 11.5820},
      {"porto", "Porto Boavista", "Europe/Lisbon", Dialect::kEnglish, 41.1580, -8.6290},
      {"valencia", "Valencia Colon", "Europe/Madrid", Dialect::kSpanish, 39.4700, -0.3700},
      {"vienna", "Vienna Mariahilf", "Europe/Vienna", Dialect::kGerman, 48.1970, 16.3480},
  };
  return stores;
}

const std::vector<Good>& Goods() {
  static const auto& goods = *new std::vector<Good>(MakeGoods());
  return goods;
}

size_t GoodBySku(absl::string_view sku) {
  for (size_t good = 0; good < Goods().size(); ++good) {
    if (Goods()[good].sku == sku) return good;
  }
  std::abort();
}

size_t StoreById(absl::string_view id) {
  for (size_t store = 0; store < Stores().size(); ++store) {
    if (Stores()[store].id == id) return store;
  }
  std::abort();
}

bool IsKeptForScenes(size_t good) {
  const std::string& sku = Goods()[good].sku;
  return sku == kHidingSku || sku == kKeepSellingSku || sku == kBackorderedSku ||
         sku == kGrowingSku;
}

bool IsVanished(size_t store, size_t good) {
  return Stores()[store].id == kRobbedStore && Goods()[good].sku == kVanishedSku;
}

std::string LocationsCsv() {
  std::string csv = "location_id,name,time_zone,hours,latitude,longitude\n";
  for (const Store& store : Stores()) {
    absl::StrAppendFormat(&csv, "%s,%s,%s,Mon-Sat 09:00-21:00,%.4f,%.4f\n", store.id, store.name,
                          store.time_zone, store.latitude, store.longitude);
  }
  return csv;
}

std::string ItemsCsv() {
  std::string csv = "sku,name,aliases,parent,category\n";
  for (const Good& good : Goods()) {
    absl::StrAppend(&csv, good.sku, ",\"", good.name, "\",", good.barcode, ",", good.parent, ",",
                    good.category, "\n");
  }
  return csv;
}

}  // namespace onhand::demo
