#include "server/rpc/token_text.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/crc32c.h"

namespace onhand::rpc {
namespace {

constexpr char kPrefix[] = "onhand_";
constexpr size_t kPrefixSize = sizeof(kPrefix) - 1;
constexpr size_t kSecretBytes = 32;
constexpr size_t kSecretSize = 43;  // in base64url
constexpr size_t kTextSize = kPrefixSize + kSecretSize + 1 + 8;

std::string ChecksumOf(absl::string_view secret) {
  return absl::StrCat(absl::Hex(storage::Crc32c(secret), absl::kZeroPad8));
}

}  // namespace

std::string NewTokenText() {
  std::array<unsigned char, kSecretBytes> bytes;
  if (RAND_bytes(bytes.data(), kSecretBytes) != 1) {
    std::fputs("the system has no random numbers for a token\n", stderr);
    std::abort();
  }
  std::string secret;
  absl::WebSafeBase64Escape(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), &secret);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return absl::StrCat(kPrefix, secret, "_", ChecksumOf(secret));
}

bool IsTokenText(absl::string_view text) {
  if (text.size() != kTextSize || !absl::StartsWith(text, kPrefix)) return false;
  const absl::string_view secret = text.substr(kPrefixSize, kSecretSize);
  return text[kPrefixSize + kSecretSize] == '_' &&
         text.substr(kPrefixSize + kSecretSize + 1) == ChecksumOf(secret);
}

std::string Sha256Of(absl::string_view text) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

bool SameHash(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace onhand::rpc
