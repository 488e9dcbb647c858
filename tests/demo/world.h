// The chain that the demo plays: Cumbre Sports, twelve stores and sixty goods. All names are
// invented. Constant after the first call; any thread.
#ifndef ONHAND_TESTS_DEMO_WORLD_H_
#define ONHAND_TESTS_DEMO_WORLD_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace onhand::demo {

inline constexpr char kChainName[] = "Cumbre Sports";

// How a store's till writes its exports; the agent finds out by itself.
enum class Dialect { kEnglish, kGerman, kSpanish };

struct Store {
  std::string id;
  std::string name;
  std::string time_zone;
  Dialect dialect = Dialect::kEnglish;
  double latitude = 0;
  double longitude = 0;
};

struct Good {
  std::string sku;
  std::string name;
  std::string parent;  // empty: no sizes
  std::string category;
  std::string barcode;  // EAN-13, an alias of the SKU
};

const std::vector<Store>& Stores();
const std::vector<Good>& Goods();

// The good's place in Goods(). Precondition: it is sold.
size_t GoodBySku(absl::string_view sku);

// The store's place in Stores(). Precondition: there is one.
size_t StoreById(absl::string_view id);

// Goods that no replayed customer buys, so that the scenes can tell their stories with them.
inline constexpr char kHidingSku[] = "TENT-RIDGE-2P";
inline constexpr char kKeepSellingSku[] = "BALL-FUTSAL";
inline constexpr char kBackorderedSku[] = "KAYAK-FJORD";
inline constexpr char kGrowingSku[] = "BALLS-TENNIS-4";
bool IsKeptForScenes(size_t good);

// A fast seller, and the store whose shelf of it is empty although its till counts two: no
// customer finds one there.
inline constexpr char kVanishedSku[] = "LAMP-FARO";
inline constexpr char kRobbedStore[] = "porto";
inline constexpr int kVanishedUnits = 2;
bool IsVanished(size_t store, size_t good);

// What `onhand import` reads.
std::string LocationsCsv();
std::string ItemsCsv();

}  // namespace onhand::demo

#endif  // ONHAND_TESTS_DEMO_WORLD_H_
