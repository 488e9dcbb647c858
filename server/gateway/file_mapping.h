// How a file that is sent by HTTP is to be read: the agent's mapping, as query parameters. Pure
// function; any thread.
#ifndef ONHAND_SERVER_GATEWAY_FILE_MAPPING_H_
#define ONHAND_SERVER_GATEWAY_FILE_MAPPING_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "clients/files/mapping.h"

namespace onhand::gateway {

// The keys of a mapping file (clients/agent/README.md) by their names: kind=LEVEL, delimiter=;,
// columns.sku=ARTNR, kind_words.V=SALE, header=sku,quantity. Times without a zone are the
// location's. INVALID_ARGUMENT (INVALID_MAPPING) names the key.
absl::StatusOr<files::Mapping> MappingOf(const std::multimap<std::string, std::string>& query,
                                         const std::string& location_time_zone);

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_FILE_MAPPING_H_
