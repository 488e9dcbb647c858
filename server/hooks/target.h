// Whom a delivery may reach. Whoever may set a webhook could else make the hub ask what stands
// behind its firewall: addresses are looked at after resolving, and the one that was looked at is
// the one that is connected to.
#ifndef ONHAND_SERVER_HOOKS_TARGET_H_
#define ONHAND_SERVER_HOOKS_TARGET_H_

#include <netinet/in.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/ledger/web_address.h"

namespace onhand::hooks {

// Whether an address is anywhere on the public internet: not private, loopback, link-local, shared,
// multicast, reserved or for documentation, also where it is an IPv4 address inside an IPv6 one.
bool IsPublic(const in_addr& address);
bool IsPublic(const in6_addr& address);

// The address to connect to, as text. Blocks on the resolver. UNAVAILABLE: the name leads nowhere.
// PERMISSION_DENIED: some address of it is not public and `allow_private` is false; or the URL is
// http and the address is public.
absl::StatusOr<std::string> ResolveTarget(const ledger::WebAddress& address, bool allow_private);

}  // namespace onhand::hooks

#endif  // ONHAND_SERVER_HOOKS_TARGET_H_
