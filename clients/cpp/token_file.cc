#include "clients/cpp/token_file.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace onhand::client {
namespace {

using grpc::experimental::ClientInterceptorFactoryInterface;
using grpc::experimental::ClientRpcInfo;
using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;

class Shower final : public Interceptor {
 public:
  explicit Shower(std::shared_ptr<TokenFile> token) : token_(std::move(token)) {}
  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->insert(
          {"authorization", absl::StrCat("Bearer ", token_->text())});
    }
    methods->Proceed();
  }

 private:
  const std::shared_ptr<TokenFile> token_;
};

class Factory final : public ClientInterceptorFactoryInterface {
 public:
  explicit Factory(std::shared_ptr<TokenFile> token) : token_(std::move(token)) {}
  Interceptor* CreateClientInterceptor(ClientRpcInfo*) override { return new Shower(token_); }

 private:
  const std::shared_ptr<TokenFile> token_;
};

bool IsSame(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

absl::StatusOr<std::shared_ptr<TokenFile>> TokenFile::Open(const std::string& path) {
  std::shared_ptr<TokenFile> file(new TokenFile(path));
  absl::MutexLock lock(&file->mutex_);
  if (file->Read()) return file;
  return absl::InvalidArgumentError(
      absl::StrCat("--token-file '", path,
                   "' cannot be read or is empty; name a file that holds the token "
                   "alone"));
}

std::string TokenFile::text() {
  struct stat now = {};
  absl::MutexLock lock(&mutex_);
  if (stat(path_.c_str(), &now) == 0 && !IsSame(now, seen_)) Read();
  return text_;
}

bool TokenFile::Read() {
  struct stat now = {};
  // Before the content: a change in between is seen the next time.
  if (stat(path_.c_str(), &now) != 0) return false;
  std::ifstream file(path_);
  std::stringstream content;
  if (!file || !(content << file.rdbuf())) return false;
  const std::string all = content.str();
  const absl::string_view text = absl::StripAsciiWhitespace(all);
  if (text.empty()) return false;
  seen_ = now;
  text_ = std::string(text);
  return true;
}

std::vector<std::unique_ptr<ClientInterceptorFactoryInterface>> Showing(
    std::shared_ptr<TokenFile> token) {
  std::vector<std::unique_ptr<ClientInterceptorFactoryInterface>> factories;
  factories.push_back(std::make_unique<Factory>(std::move(token)));
  return factories;
}

bool IsThisMachine(absl::string_view hub) {
  return absl::StartsWith(hub, "127.") || absl::StartsWith(hub, "localhost:") ||
         absl::StartsWith(hub, "[::1]:");
}

}  // namespace onhand::client
