#include "server/tls.h"

#include <openssl/err.h>
#include <sys/stat.h>

#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "spdlog/spdlog.h"

namespace onhand {
namespace {

absl::Status Bad(absl::string_view flag, const std::string& file, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(flag, " '", file, "' ", problem));
}

// The newest complaint of OpenSSL's, and none is left for the next to ask.
std::string Complaint() {
  std::array<char, 256> text;
  ERR_error_string_n(ERR_peek_last_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

// HTTP/1.1 is all that the port speaks; a client that offers no protocol is not asked.
int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                   const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char kProtocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* at = nullptr;
  if (SSL_select_next_proto(&at, chosen_size, kProtocols, sizeof(kProtocols), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = at;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

absl::StatusOr<std::shared_ptr<SSL_CTX>> MakeTlsContext(const TlsFiles& files) {
  if (files.cert_file.empty() || files.key_file.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(files.cert_file.empty() ? "--tls-cert-file" : "--tls-key-file",
                     " is missing: TLS takes a certificate and its key; give both files, as PEM"));
  }
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(context.get(), ChooseProtocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.cert_file.c_str()) != 1) {
    return Bad(
        "--tls-cert-file", files.cert_file,
        absl::StrCat("holds no certificate that can be read (", Complaint(), "); name a PEM file"));
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Bad("--tls-key-file", files.key_file,
               absl::StrCat("is not the key of the certificate, or cannot be read (", Complaint(),
                            "); name the PEM file that belongs to --tls-cert-file"));
  }
  if (!files.AsksClients()) return context;
  STACK_OF(X509_NAME)* const authorities = SSL_load_client_CA_file(files.client_ca_file.c_str());
  if (authorities == nullptr ||
      SSL_CTX_load_verify_locations(context.get(), files.client_ca_file.c_str(), nullptr) != 1) {
    return Bad(
        "--tls-client-ca-file", files.client_ca_file,
        absl::StrCat("holds no certificate that can be read (", Complaint(), "); name a PEM file"));
  }
  SSL_CTX_set_client_CA_list(context.get(), authorities);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

std::string TlsFiles::Stamp() const {
  std::string stamp;
  for (const std::string* file : {&cert_file, &key_file, &client_ca_file}) {
    struct stat status = {};
    if (!file->empty()) stat(file->c_str(), &status);
    absl::StrAppend(&stamp, status.st_dev, ".", status.st_ino, ".", status.st_size, ".",
                    status.st_mtim.tv_sec, ".", status.st_mtim.tv_nsec, " ");
  }
  return stamp;
}

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Make(TlsFiles files,
                                                             absl::Duration look_every) {
  absl::StatusOr<std::shared_ptr<SSL_CTX>> context = MakeTlsContext(files);
  if (!context.ok()) return context.status();
  return std::unique_ptr<TlsContext>(
      new TlsContext(std::move(files), look_every, *std::move(context)));
}

TlsContext::TlsContext(TlsFiles files, absl::Duration look_every, std::shared_ptr<SSL_CTX> context)
    : files_(std::move(files)),
      look_every_(look_every),
      context_(std::move(context)),
      stamp_(files_.Stamp()),
      looked_(absl::Now()) {}

std::shared_ptr<SSL_CTX> TlsContext::Get() {
  absl::MutexLock lock(&mutex_);
  if (absl::Now() - looked_ < look_every_) return context_;
  looked_ = absl::Now();
  std::string stamp = files_.Stamp();
  if (stamp == stamp_) return context_;
  stamp_ = std::move(stamp);
  absl::StatusOr<std::shared_ptr<SSL_CTX>> context = MakeTlsContext(files_);
  if (context.ok()) {
    context_ = *std::move(context);
    spdlog::info("certificates of the HTTP port are new");
  } else {
    spdlog::error("the old certificates stay in use: {}", std::string(context.status().message()));
  }
  return context_;
}

}  // namespace onhand
