// The hub's side of TLS, from PEM files that may be replaced while it runs.
#ifndef ONHAND_SERVER_TLS_H_
#define ONHAND_SERVER_TLS_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace onhand {

struct TlsFiles {
  std::string cert_file;  // the hub's certificate, and those between it and its authority
  std::string key_file;
  // Authorities of clients. Empty: clients need no certificate.
  std::string client_ca_file;

  bool IsGiven() const { return !cert_file.empty() || !key_file.empty() || AsksClients(); }
  bool AsksClients() const { return !client_ca_file.empty(); }
  // What the files look like from outside: another one when any was replaced.
  std::string Stamp() const;
};

// TLS 1.2 or newer; sessions are not resumed, so that every connection meets the files of its day.
// INVALID_ARGUMENT names the flag, the file and the remedy.
absl::StatusOr<std::shared_ptr<SSL_CTX>> MakeTlsContext(const TlsFiles& files);

// The context of the files as they are. Any thread.
class TlsContext {
 public:
  // Files that fit; else as MakeTlsContext.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Make(
      TlsFiles files, absl::Duration look_every = absl::Seconds(1));

  // Looks whether a file was replaced, at most once in a while. Files that do not fit together,
  // such as a certificate whose key is still to come, change nothing and are said once.
  std::shared_ptr<SSL_CTX> Get();

 private:
  TlsContext(TlsFiles files, absl::Duration look_every, std::shared_ptr<SSL_CTX> context);

  const TlsFiles files_;
  const absl::Duration look_every_;
  absl::Mutex mutex_;
  std::shared_ptr<SSL_CTX> context_ ABSL_GUARDED_BY(mutex_);
  std::string stamp_ ABSL_GUARDED_BY(mutex_);
  absl::Time looked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhand

#endif  // ONHAND_SERVER_TLS_H_
