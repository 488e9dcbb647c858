// `onhand-agent check FILE`: how an export would be read, without a hub. A pure function over a
// file.
#ifndef ONHAND_CLIENTS_AGENT_CHECK_H_
#define ONHAND_CLIENTS_AGENT_CHECK_H_

#include <ostream>

#include "clients/agent/mapping.h"
#include "clients/agent/rows.h"

namespace onhand::agent {

// Prints what was detected, the first 10 rows as understood and every rejected row with its reason.
// False: the file would be rejected as a whole.
bool CheckExport(const ExportFile& file, const Mapping& mapping, const RowLocations& locations,
                 std::ostream& out);

}  // namespace onhand::agent

#endif  // ONHAND_CLIENTS_AGENT_CHECK_H_
