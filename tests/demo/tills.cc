#include "tests/demo/tills.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/demo/world.h"

namespace onhand::demo {
namespace {

constexpr absl::Duration kExportEvery = absl::Milliseconds(500);  // of real time
constexpr absl::Duration kDeliveriesAfter = absl::Hours(21);      // the first night, at six
constexpr absl::Duration kFilesApart = absl::Milliseconds(1);
constexpr int kGrowingUnits = 250;  // at each store: more than a scene can sell

// What a till of each country calls things.
struct Words {
  char delimiter;
  const char* item;
  const char* quantity;
  const char* sold_at;
  const char* sales_file;
  const char* stock_file;
  const char* stock;
};

const Words& WordsOf(size_t store) {
  static const Words english{',', "barcode", "qty", "timestamp", "sales", "stock", "on_hand"};
  static const Words german{';', "EAN", "Menge", "Zeitstempel", "verkauf", "bestand", "Bestand"};
  static const Words spanish{';',      "codigo",      "cantidad",   "fecha_hora",
                             "ventas", "existencias", "existencias"};
  switch (Stores()[store].dialect) {
    case Dialect::kGerman:
      return german;
    case Dialect::kSpanish:
      return spanish;
    case Dialect::kEnglish:
      break;
  }
  return english;
}

// With fractions of a second: half an hour of the chain may pass in one.
std::string MovementLines(size_t store, const auto& lines) {
  const Words& words = WordsOf(store);
  const std::string delimiter(1, words.delimiter);
  std::string csv =
      absl::StrCat(words.item, delimiter, words.quantity, delimiter, words.sold_at, "\n");
  for (const auto& line : lines) {
    absl::StrAppend(&csv, Goods()[line.good].barcode, delimiter, line.units, delimiter,
                    absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", line.at, absl::UTCTimeZone()), "\n");
  }
  return csv;
}

std::string StockLines(size_t store, const std::vector<int>& shelves, size_t goods) {
  const Words& words = WordsOf(store);
  std::string csv = absl::StrCat("sku", std::string(1, words.delimiter), words.stock, "\n");
  for (size_t good = 0; good < goods; ++good) {
    absl::StrAppend(&csv, Goods()[good].sku, std::string(1, words.delimiter), shelves[good], "\n");
  }
  return csv;
}

// Writes beside the folder's eyes (a hidden name), then lets the file appear whole with its marker.
bool WriteExport(const std::filesystem::path& folder, const std::string& name,
                 const std::string& content, absl::Time modified) {
  const std::filesystem::path hidden = folder / absl::StrCat(".", name);
  std::ofstream(hidden, std::ios::binary) << content;
  const timespec times[2] = {absl::ToTimespec(modified), absl::ToTimespec(modified)};
  if (utimensat(AT_FDCWD, hidden.c_str(), times, 0) != 0) return false;
  std::ofstream(folder / absl::StrCat(name, ".done")).flush();
  std::error_code error;
  std::filesystem::rename(hidden, folder / name, error);
  return !error;
}

std::vector<std::vector<int>> OpeningStock(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::gamma_distribution<double> mean(2.0, 2.0);
  std::vector<std::vector<int>> shelves;
  for (size_t store = 0; store < Stores().size(); ++store) {
    std::vector<int>& shelf = shelves.emplace_back();
    for (size_t good = 0; good < Goods().size(); ++good) {
      std::poisson_distribution<int> units(mean(random));
      shelf.push_back(IsKeptForScenes(good) ? 0 : units(random));
    }
  }
  // Few enough for a scene to sell out while somebody watches.
  for (const auto& [sku, units] :
       {std::pair{kHidingSku, 9}, {kKeepSellingSku, 4}, {kBackorderedSku, 3}}) {
    for (int unit = 0; unit < units; ++unit) {
      ++shelves[(static_cast<size_t>(unit) * 5 + 1) % Stores().size()][GoodBySku(sku)];
    }
  }
  for (std::vector<int>& shelf : shelves) shelf[GoodBySku(kGrowingSku)] = kGrowingUnits;
  shelves[StoreById(kRobbedStore)][GoodBySku(kVanishedSku)] = kVanishedUnits;
  return shelves;
}

}  // namespace

Tills::Tills(Options options)
    : options_(std::move(options)),
      shelves_(OpeningStock(options_.seed)),
      filled_up_(shelves_),
      basket_(Stores().size()),
      told_until_(Stores().size(), absl::InfinitePast()) {}

Tills::~Tills() { Close(); }

std::string Tills::FolderOf(size_t store) const {
  return absl::StrCat(options_.folder, "/", Stores()[store].id);
}

absl::Status Tills::TellOpeningStock() {
  absl::MutexLock lock(&mu_);
  for (size_t store = 0; store < Stores().size(); ++store) {
    std::filesystem::create_directories(FolderOf(store));
    DropFile(store, WordsOf(store).stock_file, StockLines(store, shelves_[store], Goods().size()),
             began_);
  }
  return status_;
}

void Tills::Open() {
  thread_ = std::thread([this] { Run(); });
}

void Tills::Close() {
  {
    absl::MutexLock lock(&mu_);
    closing_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Tills::SetHalted(bool halted) {
  absl::MutexLock lock(&mu_);
  halted_ = halted;
}

void Tills::Run() {
  absl::MutexLock lock(&mu_);
  while (!closing_) {
    if (!halted_) {
      const absl::Time now = absl::Now();
      SellUntil(now);
      for (size_t store = 0; store < Stores().size(); ++store) DropSales(store, now);
      if (ReplayedMoment() - options_.history.first_moment >
          absl::ToInt64Seconds(kDeliveriesAfter) + nights_ * 86'400) {
        FillUp(now);
        ++nights_;
      }
    }
    mu_.AwaitWithTimeout(absl::Condition(&closing_), kExportEvery);
  }
}

absl::CivilSecond Tills::ReplayedMoment() const {
  return options_.history.first_moment +
         absl::ToInt64Seconds((absl::Now() - began_) * options_.speed);
}

void Tills::SellUntil(absl::Time now) {
  const SalesHistory& history = options_.history;
  for (;;) {
    if (next_sale_ == history.sales.size()) {
      next_sale_ = 0;
      ++rounds_;
    }
    const Sale& sale = history.sales[next_sale_];
    const absl::Time at = began_ + (sale.after + rounds_ * history.length) / options_.speed;
    if (at > now) return;
    ++next_sale_;
    int& shelf = shelves_[sale.store][sale.good];
    const int units = std::min(shelf, sale.units);
    if (units == 0 || IsKeptForScenes(sale.good) || IsVanished(sale.store, sale.good)) continue;
    shelf -= units;
    sold_ += units;
    basket_[sale.store].push_back({sale.good, units, at});
  }
}

void Tills::FillUp(absl::Time now) {
  for (size_t store = 0; store < Stores().size(); ++store) {
    std::vector<Line> lines;
    for (size_t good = 0; good < Goods().size(); ++good) {
      int& shelf = shelves_[store][good];
      const int missing = filled_up_[store][good] - shelf;
      if (IsKeptForScenes(good) || IsVanished(store, good)) continue;
      if (2 * missing <= filled_up_[store][good]) continue;
      shelf += missing;
      lines.push_back({good, missing, now});
    }
    if (!lines.empty()) DropReceipts(store, lines, now);
  }
}

int Tills::SellAt(size_t store, size_t good, int units, absl::Time now) {
  int& shelf = shelves_[store][good];
  const int here = std::min(shelf, units);
  if (here <= 0) return 0;
  shelf -= here;
  sold_ += here;
  basket_[store].push_back({good, here, now});
  DropSales(store, now);
  return here;
}

int Tills::Sell(size_t good, int units) {
  absl::MutexLock lock(&mu_);
  const absl::Time now = absl::Now();
  SellUntil(now);
  int taken = 0;
  for (size_t store = 0; store < Stores().size() && taken < units; ++store) {
    taken += SellAt(store, good, units - taken, now);
  }
  return taken;
}

int Tills::SellEverywhere(size_t good, int units) {
  absl::MutexLock lock(&mu_);
  const absl::Time now = absl::Now();
  SellUntil(now);
  int taken = 0;
  for (size_t store = 0; store < Stores().size(); ++store) {
    taken += SellAt(store, good, units, now);
  }
  return taken;
}

void Tills::WriteOff(size_t store, size_t good) {
  absl::MutexLock lock(&mu_);
  shelves_[store][good] = 0;
}

void Tills::Receive(size_t store, size_t good, int units) {
  absl::MutexLock lock(&mu_);
  const absl::Time now = absl::Now();
  SellUntil(now);
  DropSales(store, now);
  shelves_[store][good] += units;
  DropReceipts(store, {{good, units, now}}, now);
}

std::string Tills::DropStockFile(size_t store, StockFile kind) {
  absl::MutexLock lock(&mu_);
  // Whatever is sold before the moment for which the shelf is told has left it, and is told first.
  const absl::Time sold_until = std::max(absl::Now(), told_until_[store]) + kFilesApart;
  const absl::Time as_of = sold_until + kFilesApart;
  SellUntil(as_of);
  DropSales(store, sold_until);
  const size_t goods = kind == StockFile::kCutBetweenRows ? Goods().size() / 3 : Goods().size();
  std::string content = StockLines(store, shelves_[store], goods);
  if (kind == StockFile::kCutInARow) {
    // Back to a hyphen, so that the cut is inside a SKU and the row has too few fields.
    content.resize(content.size() * 2 / 3);
    while (content.back() != '-') content.pop_back();
  }
  return DropFile(store, WordsOf(store).stock_file, content, as_of);
}

void Tills::DropSales(size_t store, absl::Time now) {
  const std::vector<Line> lines = std::exchange(basket_[store], {});
  const absl::Time dropped_at = absl::Now();
  DropFile(store, WordsOf(store).sales_file, MovementLines(store, lines), now);
  if (lines.empty()) return;
  const size_t good = lines.back().good;
  options_.on_sale(store, good, shelves_[store][good], dropped_at);
}

void Tills::DropReceipts(size_t store, const std::vector<Line>& lines, absl::Time now) {
  for (const Line& line : lines) options_.on_rise(store, line.good);
  DropFile(store, "receipts", MovementLines(store, lines), now);
}

std::string Tills::DropFile(size_t store, const std::string& stem, const std::string& content,
                            absl::Time now) {
  // Files are taken in the order of their times, so no two of a store have the same.
  absl::Time& told_until = told_until_[store];
  told_until = std::max(told_until + kFilesApart, now);
  const std::string name = absl::StrFormat("%s_%06d.csv", stem, ++files_);
  if (!WriteExport(FolderOf(store), name, content, told_until)) {
    status_ = absl::UnavailableError(
        absl::StrCat("cannot write ", FolderOf(store), "/", name, ": is the disk full?"));
  }
  return name;
}

std::vector<int> Tills::Shelves(size_t store) const {
  absl::MutexLock lock(&mu_);
  return shelves_[store];
}

int Tills::ChainOnHand(size_t good) const {
  absl::MutexLock lock(&mu_);
  int units = 0;
  for (const std::vector<int>& shelf : shelves_) units += shelf[good];
  return units;
}

int Tills::sold() const {
  absl::MutexLock lock(&mu_);
  return sold_;
}

absl::Status Tills::status() const {
  absl::MutexLock lock(&mu_);
  return status_;
}

}  // namespace onhand::demo
