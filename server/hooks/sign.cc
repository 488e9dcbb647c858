#include "server/hooks/sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace onhand::hooks {

std::string Sign(absl::string_view secret, absl::string_view id, int64_t timestamp_s,
                 absl::string_view body) {
  const std::string content = absl::StrCat(id, ".", timestamp_s, ".", body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(content.data()), content.size(), mac.data(), &size);
  const absl::string_view bytes(reinterpret_cast<const char*>(mac.data()), size);
  return absl::StrCat("v1,", absl::Base64Escape(bytes));
}

}  // namespace onhand::hooks
