#include "server/ledger/web_address.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "server/ledger/refusal.h"

namespace onhand::ledger {
namespace {

bool IsHost(absl::string_view host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
  });
}

bool IsIpV6(absl::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == ':' || c == '.';
  });
}

// Host and port; what is wrong with them, or empty.
std::string TakeAuthority(absl::string_view authority, WebAddress& address) {
  if (absl::StrContains(authority, '@')) return "has a user or a password in it";
  if (absl::ConsumePrefix(&authority, "[")) {
    const size_t end = authority.find(']');
    if (end == absl::string_view::npos || !IsIpV6(authority.substr(0, end))) {
      return "has no IPv6 address between its brackets";
    }
    address.host = std::string(authority.substr(0, end));
    authority.remove_prefix(end + 1);
  } else {
    const size_t end = std::min(authority.find(':'), authority.size());
    if (!IsHost(authority.substr(0, end))) return "has no host, or one with odd characters";
    address.host = absl::AsciiStrToLower(authority.substr(0, end));
    authority.remove_prefix(end);
  }
  if (authority.empty()) return "";
  if (!absl::ConsumePrefix(&authority, ":") || !absl::SimpleAtoi(authority, &address.port) ||
      address.port < 1 || address.port > 65'535) {
    return "has no port from 1 to 65535 after its colon";
  }
  return "";
}

}  // namespace

absl::StatusOr<WebAddress> ParseWebAddress(absl::string_view field, absl::string_view url) {
  WebAddress address;
  std::string problem;
  absl::string_view rest = url;
  const bool plain = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 127; });
  if (url.size() > kUrlBytesMax) {
    problem = "is longer than 2,048 bytes";
  } else if (!plain) {
    problem = "has characters that a URL may not have";
  } else if (absl::ConsumePrefix(&rest, "http://")) {
    address.https = false;
    address.port = 80;
  } else if (!absl::ConsumePrefix(&rest, "https://")) {
    problem = "begins with neither https:// nor http://";
  }
  if (problem.empty()) {
    rest = rest.substr(0, rest.find('#'));
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    problem = TakeAuthority(rest.substr(0, end), address);
    const absl::string_view path = rest.substr(end);
    address.path = std::string(absl::StartsWith(path, "/") ? "" : "/") + std::string(path);
  }
  if (problem.empty()) return address;
  return Refuse(absl::StatusCode::kInvalidArgument,
                {.reason = "INVALID_URL",
                 .field = field,
                 .value = std::string(url),
                 .problem = std::move(problem),
                 .remedy = "send one such as https://shop.example/onhand"});
}

}  // namespace onhand::ledger
