#include "server/address.h"

#include <arpa/inet.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhand {

std::string Address::ToString() const {
  const bool brackets = absl::StrContains(host, ':');
  return absl::StrCat(brackets ? "[" : "", host, brackets ? "]" : "", ":", port);
}

bool Address::IsLoopback() const {
  if (host == "localhost" || host == "::1") return true;
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

absl::StatusOr<Address> ParseAddress(absl::string_view flag, absl::string_view text) {
  const absl::string_view::size_type colon = text.rfind(':');
  Address address;
  absl::string_view host = text.substr(0, colon == absl::string_view::npos ? 0 : colon);
  const bool in_brackets = absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]");
  if (host.empty() || (absl::StrContains(host, ':') && !in_brackets) ||
      !absl::SimpleAtoi(text.substr(colon + 1), &address.port) || address.port < 0 ||
      address.port > 65'535) {
    return absl::InvalidArgumentError(
        absl::StrCat(flag, " '", text, "' is not HOST:PORT; write for example 127.0.0.1:7430"));
  }
  address.host = std::string(host);
  return address;
}

}  // namespace onhand
