#include "storage/open.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "storage/memory/memory_store.h"
#include "storage/mysql/mysql_store.h"
#include "storage/sqlite/sqlite_store.h"
#include "storage/url.h"

namespace onhand::storage {

absl::StatusOr<std::unique_ptr<Store>> OpenStore(absl::string_view url,
                                                 const std::string& password) {
  absl::StatusOr<StoreUrl> parsed = ParseStoreUrl(url);
  if (!parsed.ok()) return parsed.status();
  switch (parsed->kind) {
    case StoreUrl::Kind::kMemory:
      return NewMemoryStore(std::make_shared<MemoryDatabase>());
    case StoreUrl::Kind::kSqlite:
      return OpenSqliteStore(parsed->path);
    case StoreUrl::Kind::kMysql: {
      MysqlAddress address;
      address.user = parsed->user;
      address.password = password;
      address.database = parsed->database;
      for (StoreUrl::Host& host : parsed->hosts) {
        address.hosts.push_back({std::move(host.name), host.port});
      }
      return OpenMysqlStore(std::move(address));
    }
  }
  return absl::InternalError("unreachable");
}

absl::StatusOr<std::unique_ptr<StoreLock>> StoreLock::Take(absl::string_view url) {
  absl::StatusOr<StoreUrl> parsed = ParseStoreUrl(url);
  if (!parsed.ok()) return parsed.status();
  if (parsed->kind != StoreUrl::Kind::kSqlite) {
    return std::unique_ptr<StoreLock>(new StoreLock(-1));
  }

  const std::string path = absl::StrCat(parsed->path, ".lock");
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("lock file ", path, ": ", std::generic_category().message(errno),
                     ": create its folder, or make it writable for this user"));
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    close(fd);
    if (error == EWOULDBLOCK) {
      return absl::FailedPreconditionError(
          absl::StrCat("lock file ", path, ": another process uses this store: stop it first, or ",
                       "name another store"));
    }
    return absl::FailedPreconditionError(absl::StrCat("lock file ", path, ": ",
                                                      std::generic_category().message(error),
                                                      ": the file system must support flock"));
  }
  return std::unique_ptr<StoreLock>(new StoreLock(fd));
}

// The file stays: removing it would let two processes lock two different files of one name.
StoreLock::~StoreLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace onhand::storage
