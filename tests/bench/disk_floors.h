// What disk and database can do without a hub: the floors of everything durable. Each call measures
// once. One thread.
#ifndef ONHAND_TESTS_BENCH_DISK_FLOORS_H_
#define ONHAND_TESTS_BENCH_DISK_FLOORS_H_

#include <cstdint>
#include <filesystem>
#include <string>

namespace onhand::bench {

// Median of fdatasync after an append of 4 KiB, microseconds.
double FdatasyncUs(const std::filesystem::path& folder, int times);

// Journal appends of one row of 1,000 movements (20 KB of bytes that do not compress), one a
// commit, into an empty store at `url`: movements a second.
double BlobJournalRate(const std::string& url, double seconds);

// What a row-wise design does to a table: kUpsertStock changes the stock row of each sale,
// kInsertMovement keeps each sale as a row; 1,000 a commit, in the order in which they come.
enum class RowWork { kUpsertStock, kInsertMovement };

// SQLite as its makers ship it, with WAL and synchronous=FULL; one prepared statement. A new
// database at `path`. Rows a second.
double SqliteRowRate(const std::string& path, RowWork work, int items, int locations,
                     double seconds);

// MariaDB, one statement of 1,000 rows a commit, into a new table of `database`. Rows a second.
double MariaDbRowRate(uint16_t port, const std::string& user, const std::string& database,
                      RowWork work, int items, int locations, double seconds);

}  // namespace onhand::bench

#endif  // ONHAND_TESTS_BENCH_DISK_FLOORS_H_
