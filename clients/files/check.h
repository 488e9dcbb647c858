// `onhand-agent check FILE`: how an export would be read, without a hub. A pure function over a
// file.
#ifndef ONHAND_CLIENTS_FILES_CHECK_H_
#define ONHAND_CLIENTS_FILES_CHECK_H_

#include <ostream>

#include "clients/files/mapping.h"
#include "clients/files/rows.h"

namespace onhand::files {

// Prints what was detected, the first 10 rows as understood and every rejected row with its reason.
// False: the file would be rejected as a whole.
bool CheckExport(const ExportFile& file, const Mapping& mapping, const RowLocations& locations,
                 std::ostream& out);

}  // namespace onhand::files

#endif  // ONHAND_CLIENTS_FILES_CHECK_H_
