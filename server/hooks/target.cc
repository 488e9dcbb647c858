#include "server/hooks/target.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"

namespace onhand::hooks {
namespace {

// IANA's special-purpose registries, RFC 6890 and what came after.
struct Block4 {
  uint32_t first;
  int bits;
};
constexpr Block4 kSpecial4[] = {
    {0x00000000, 8},   // this network
    {0x0a000000, 8},   // private
    {0x64400000, 10},  // shared
    {0x7f000000, 8},   // loopback
    {0xa9fe0000, 16},  // link-local
    {0xac100000, 12},  // private
    {0xc0000000, 24},  // protocol assignments
    {0xc0000200, 24},  // documentation
    {0xc0586300, 24},  // 6to4 relays
    {0xc0a80000, 16},  // private
    {0xc6120000, 15},  // benchmarks
    {0xc6336400, 24},  // documentation
    {0xcb007100, 24},  // documentation
    {0xe0000000, 4},   // multicast
    {0xf0000000, 4},   // reserved, broadcast
};

bool StartsWith(const in6_addr& address, std::initializer_list<uint8_t> prefix) {
  return std::memcmp(address.s6_addr, std::data(prefix), prefix.size()) == 0;
}

in_addr EmbeddedAt(const in6_addr& address, size_t offset) {
  in_addr inner{};
  std::memcpy(&inner, address.s6_addr + offset, sizeof(inner));
  return inner;
}

}  // namespace

bool IsPublic(const in_addr& address) {
  const uint32_t number = ntohl(address.s_addr);
  for (const Block4& block : kSpecial4) {
    if ((number ^ block.first) >> (32 - block.bits) == 0) return false;
  }
  return true;
}

bool IsPublic(const in6_addr& address) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) return IsPublic(EmbeddedAt(address, 12));
  if (StartsWith(address, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) {  // NAT64
    return IsPublic(EmbeddedAt(address, 12));
  }
  if (StartsWith(address, {0x20, 0x02})) return IsPublic(EmbeddedAt(address, 2));  // 6to4
  // Only 2000::/3 is given out; of it not the documentation's blocks and not Teredo.
  return (address.s6_addr[0] & 0xe0) == 0x20 && !StartsWith(address, {0x20, 0x01, 0x0d, 0xb8}) &&
         !StartsWith(address, {0x20, 0x01, 0x00, 0x00}) && !StartsWith(address, {0x3f, 0xff});
}

absl::StatusOr<std::string> ResolveTarget(const ledger::WebAddress& address, bool allow_private) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = getaddrinfo(address.host.c_str(), nullptr, &hints, &found); failed != 0) {
    return absl::UnavailableError(
        absl::StrCat("the host ", address.host, " leads nowhere: ", gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  std::string first;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    bool is_public = false;
    if (one->ai_family == AF_INET) {
      const in_addr& ip = reinterpret_cast<const sockaddr_in*>(one->ai_addr)->sin_addr;
      is_public = IsPublic(ip);
      inet_ntop(AF_INET, &ip, text.data(), text.size());
    } else if (one->ai_family == AF_INET6) {
      const in6_addr& ip = reinterpret_cast<const sockaddr_in6*>(one->ai_addr)->sin6_addr;
      is_public = IsPublic(ip);
      inet_ntop(AF_INET6, &ip, text.data(), text.size());
    } else {
      continue;
    }
    if (!is_public && !allow_private) {
      return absl::PermissionDeniedError(
          absl::StrCat("the host ", address.host, " leads to ", text.data(),
                       ", which is not on the public internet; serve --webhook-allow-private "
                       "allows that"));
    }
    if (is_public && !address.https) {
      return absl::PermissionDeniedError(
          absl::StrCat("http to ", text.data(), " could be read on its way; use https"));
    }
    if (first.empty()) first = text.data();
  }
  if (!first.empty()) return first;
  return absl::UnavailableError(absl::StrCat("the host ", address.host, " has no address"));
}

}  // namespace onhand::hooks
