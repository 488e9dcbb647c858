#include "server/rpc/paging.h"

#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/ledger/refusal.h"
#include "xxhash.h"

namespace onhand::rpc {
namespace {

// Tells tokens of different lists apart.
std::string MarkOf(absl::string_view list) {
  const uint32_t hash = XXH32(list.data(), list.size(), 0);
  std::string mark(sizeof(hash), '\0');
  std::memcpy(mark.data(), &hash, sizeof(hash));
  return mark;
}

}  // namespace

absl::StatusOr<Page> ReadPage(uint32_t page_size, const std::string& page_token,
                              absl::string_view list) {
  Page page;
  if (page_size > kPageSizeMax) {
    return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                          {.reason = "INVALID_PAGE_SIZE",
                           .field = "page_size",
                           .value = absl::StrCat(page_size),
                           .problem = "is more than a page may have",
                           .remedy = absl::StrCat("ask for at most ", kPageSizeMax)});
  }
  if (page_size != 0) page.size = page_size;
  if (page_token.empty()) return page;

  const std::string mark = MarkOf(list);
  std::string token;
  if (!absl::WebSafeBase64Unescape(page_token, &token) || token.size() <= mark.size() ||
      token.compare(0, mark.size(), mark) != 0) {
    return RefusePageToken(page_token);
  }
  page.after = token.substr(mark.size());
  return page;
}

absl::Status RefusePageToken(const std::string& page_token) {
  return ledger::Refuse(
      absl::StatusCode::kInvalidArgument,
      {.reason = "INVALID_PAGE_TOKEN",
       .field = "page_token",
       .value = page_token,
       .problem = "is not a token of this list with these filters",
       .remedy = "send next_page_token of the page before with unchanged filters, or none"});
}

std::string PageToken(absl::string_view list, absl::string_view last_key) {
  return absl::WebSafeBase64Escape(absl::StrCat(MarkOf(list), last_key));
}

}  // namespace onhand::rpc
