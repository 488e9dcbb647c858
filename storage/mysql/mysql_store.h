// A store on any database that speaks the MySQL protocol: MariaDB, Galera, TiDB, Vitess, Aurora.
// Journal, images and tables each have their own connection, made again when it is lost. Follows
// the threading rules of store.h.
#ifndef ONHAND_STORAGE_MYSQL_MYSQL_STORE_H_
#define ONHAND_STORAGE_MYSQL_MYSQL_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/store.h"

namespace onhand::storage {

struct MysqlAddress {
  struct Host {
    std::string name;
    uint16_t port = 0;
  };
  std::string user, password, database;
  std::vector<Host> hosts;  // tried in this order, beginning with the one that answered last
};

// Connects. UNAVAILABLE if no host answers; FAILED_PRECONDITION if one refuses the user, has no
// such database, or is set up so that it cannot hold a journal row.
absl::StatusOr<std::unique_ptr<Store>> OpenMysqlStore(MysqlAddress address);

}  // namespace onhand::storage

#endif  // ONHAND_STORAGE_MYSQL_MYSQL_STORE_H_
