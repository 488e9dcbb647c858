#include "storage/url.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace onhand::storage {
namespace {

absl::Status Wrong(absl::string_view url, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("store '", url, "': ", what,
                   "; write sqlite:/var/lib/onhand/journal.db, "
                   "mysql://onhand@db1:3306,db2:3306/onhand or memory:"));
}

// `NAME:PORT`, where a NAME with colons stands in brackets: [::1]:3306.
absl::StatusOr<StoreUrl::Host> ParseHost(absl::string_view url, absl::string_view text) {
  StoreUrl::Host host;
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || text.back() == ']') {
    return Wrong(url, absl::StrCat("host '", text, "' has no port"));
  }
  absl::string_view name = text.substr(0, colon);
  if (absl::ConsumePrefix(&name, "[") && !absl::ConsumeSuffix(&name, "]")) {
    return Wrong(url, absl::StrCat("host '", text, "' has no closing bracket"));
  }
  uint32_t port = 0;
  if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port == 0 || port > 65535) {
    return Wrong(url, absl::StrCat("port of '", text, "' is not between 1 and 65535"));
  }
  if (name.empty()) return Wrong(url, absl::StrCat("host '", text, "' has no name"));
  host.name = std::string(name);
  host.port = static_cast<uint16_t>(port);
  return host;
}

absl::StatusOr<StoreUrl> ParseMysql(absl::string_view url, absl::string_view rest) {
  StoreUrl parsed;
  parsed.kind = StoreUrl::Kind::kMysql;
  const size_t at = rest.find('@');
  if (at == absl::string_view::npos || at == 0) return Wrong(url, "it names no user");
  absl::string_view user = rest.substr(0, at);
  if (absl::StrContains(user, ":")) {
    // A password on the command line is visible to every process of the machine.
    return Wrong("mysql://...", "a password does not belong in it, use --store-password-file");
  }
  rest.remove_prefix(at + 1);
  const size_t slash = rest.find('/');
  if (slash == absl::string_view::npos || slash + 1 == rest.size()) {
    return Wrong(url, "it names no database");
  }
  parsed.user = std::string(user);
  parsed.database = std::string(rest.substr(slash + 1));
  for (absl::string_view text : absl::StrSplit(rest.substr(0, slash), ',')) {
    if (text.empty()) return Wrong(url, "a host is empty");
    absl::StatusOr<StoreUrl::Host> host = ParseHost(url, text);
    if (!host.ok()) return host.status();
    parsed.hosts.push_back(*std::move(host));
  }
  return parsed;
}

}  // namespace

absl::StatusOr<StoreUrl> ParseStoreUrl(absl::string_view url) {
  absl::string_view rest = url;
  StoreUrl parsed;
  if (absl::ConsumePrefix(&rest, "memory:")) {
    if (!rest.empty()) return Wrong(url, absl::StrCat("'", rest, "' follows memory:"));
    parsed.kind = StoreUrl::Kind::kMemory;
    return parsed;
  }
  if (absl::ConsumePrefix(&rest, "sqlite:")) {
    if (rest.empty()) return Wrong(url, "it names no file");
    if (rest == ":memory:") return Wrong(url, "SQLite in memory is not kept, use memory:");
    parsed.kind = StoreUrl::Kind::kSqlite;
    parsed.path = std::string(rest);
    return parsed;
  }
  if (absl::ConsumePrefix(&rest, "mysql://")) return ParseMysql(url, rest);
  return Wrong(url, "it begins with no known kind of store");
}

}  // namespace onhand::storage
