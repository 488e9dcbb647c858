// The text of a token: `onhand_`, 43 base64url characters of 256 random bits, `_`, and the CRC32C
// of those characters as 8 hexadecimal ones, so that a scanner finds a leaked one and a mistyped
// one is told apart from a wrong one. Nothing but its SHA-256 is kept. Any thread.
#ifndef ONHAND_SERVER_RPC_TOKEN_TEXT_H_
#define ONHAND_SERVER_RPC_TOKEN_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace onhand::rpc {

// A fresh one, from the system's random numbers. Aborts if there are none: a guessable token is
// worse than no hub.
std::string NewTokenText();
// Whether it has the form of one and its checksum is right.
bool IsTokenText(absl::string_view text);
// 32 bytes.
std::string Sha256Of(absl::string_view text);
// In a time that does not depend on where they differ.
bool SameHash(absl::string_view a, absl::string_view b);

}  // namespace onhand::rpc

#endif  // ONHAND_SERVER_RPC_TOKEN_TEXT_H_
