#include "server/rpc/tls_credentials.h"

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpc/grpc.h"
#include "grpc/grpc_security.h"
#include "spdlog/spdlog.h"

namespace onhand::rpc {
namespace {

constexpr absl::Duration kLookEvery = absl::Seconds(1);

std::string ContentOf(const std::string& file) {
  std::ostringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  return std::move(content).str();
}

// gRPC's own watcher of files takes whatever lies there, a certificate whose key is still to come
// as well, and then refuses everybody. So each handshake asks here.
class ReloadedCredentials final : public grpc::ServerCredentials {
 public:
  explicit ReloadedCredentials(TlsFiles files)
      : files_(std::move(files)),
        credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                files_.AsksClients() ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                     : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
                &ReloadedCredentials::Fetch, this))) {}
  ~ReloadedCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<ReloadedCredentials*>(self)->Fetch(config);
  }

  grpc_ssl_certificate_config_reload_status Fetch(grpc_ssl_server_certificate_config** config) {
    absl::MutexLock lock(&mutex_);
    if (absl::Now() - looked_ < kLookEvery) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    looked_ = absl::Now();
    const std::string stamp = files_.Stamp();
    if (stamp == stamp_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const std::string certificate = ContentOf(files_.cert_file);
    const std::string key = ContentOf(files_.key_file);
    const std::string authorities = ContentOf(files_.client_ca_file);
    const auto fit = MakeTlsContext(files_);
    // Replaced while they were read: the next look decides.
    if (files_.Stamp() != stamp) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    stamp_ = stamp;
    if (!fit.ok()) {
      spdlog::error("the old certificates stay in use: {}", std::string(fit.status().message()));
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    const grpc_ssl_pem_key_cert_pair pair = {key.c_str(), certificate.c_str()};
    // Without authorities gRPC 1.51 aborts, although it looks at them only where clients are asked.
    *config = grpc_ssl_server_certificate_config_create(
        files_.AsksClients() ? authorities.c_str() : certificate.c_str(), &pair, 1);
    spdlog::info("the gRPC port takes new connections with the certificates that are there now");
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const TlsFiles files_;
  absl::Mutex mutex_;
  std::string stamp_ ABSL_GUARDED_BY(mutex_);  // of the files that were looked at last
  absl::Time looked_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  grpc_server_credentials* const credentials_;  // last: it asks at once
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeTlsCredentials(const TlsFiles& files) {
  return std::make_shared<ReloadedCredentials>(files);
}

}  // namespace onhand::rpc
