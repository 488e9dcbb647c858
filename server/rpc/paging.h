// Pages of lists: a token is the last key of the page before, opaque to callers, and belongs to one
// list with one set of filters. Pure functions; any thread.
#ifndef ONHAND_SERVER_RPC_PAGING_H_
#define ONHAND_SERVER_RPC_PAGING_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/ledger/table.h"

namespace onhand::rpc {

inline constexpr uint32_t kPageSizeMax = 1'000;
inline constexpr uint32_t kPageSizeDefault = 100;

// Which page is asked for.
struct Page {
  size_t size = kPageSizeDefault;
  std::string after;  // the key that it starts behind; empty: the first page
};

// Reads page_size and page_token of a request. `list` names the list with its filters. Errors:
// INVALID_PAGE_SIZE, INVALID_PAGE_TOKEN (not a token, or one of another list or other filters).
absl::StatusOr<Page> ReadPage(uint32_t page_size, const std::string& page_token,
                              absl::string_view list);
// INVALID_ARGUMENT (INVALID_PAGE_TOKEN).
absl::Status RefusePageToken(const std::string& page_token);
// The token of the page behind `last_key`.
std::string PageToken(absl::string_view list, absl::string_view last_key);

// The first `count` keys behind `after` whose row `keep` takes, in order. One pass over the table
// without sorting it.
template <class Key, class Row, class Keep>
std::vector<Key> KeysAfter(const ledger::Table<Key, Row>& table, const std::optional<Key>& after,
                           size_t count, Keep keep) {
  std::vector<Key> least;  // a heap with the greatest in front
  table.ForEach([&](const Key& key, const Row& row) {
    if (after.has_value() && !(*after < key)) return;
    if (least.size() == count && !(key < least.front())) return;
    if (!keep(row)) return;
    least.push_back(key);
    std::push_heap(least.begin(), least.end());
    if (least.size() <= count) return;
    std::pop_heap(least.begin(), least.end());
    least.pop_back();
  });
  std::sort_heap(least.begin(), least.end());
  return least;
}

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_PAGING_H_
