#include "clients/cpp/tls.h"

#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace onhand::client {
namespace {

constexpr unsigned int kLookEvery_s = 10;

absl::Status CheckReadable(absl::string_view flag, const std::string& file) {
  if (file.empty()) return absl::OkStatus();
  std::ifstream content(file);
  if (content && content.peek() != std::ifstream::traits_type::eof()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " '", file, "' cannot be read, or is empty; name a PEM file"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(const Tls& tls) {
  if (!tls.is_on) return grpc::InsecureChannelCredentials();
  if (tls.cert_file.empty() != tls.key_file.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(tls.cert_file.empty() ? "--tls-cert-file" : "--tls-key-file",
                     " is missing: a certificate goes with its key; give both files, or neither"));
  }
  for (const auto& [flag, file] :
       {std::pair("--tls-ca-file", &tls.ca_file), std::pair("--tls-cert-file", &tls.cert_file),
        std::pair("--tls-key-file", &tls.key_file)}) {
    if (absl::Status readable = CheckReadable(flag, *file); !readable.ok()) return readable;
  }
  grpc::experimental::TlsChannelCredentialsOptions options;
  if (!tls.ca_file.empty() || !tls.cert_file.empty()) {
    options.set_certificate_provider(
        std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
            tls.key_file, tls.cert_file, tls.ca_file, kLookEvery_s));
  }
  if (!tls.ca_file.empty()) options.watch_root_certs();
  if (!tls.cert_file.empty()) options.watch_identity_key_cert_pairs();
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace onhand::client
