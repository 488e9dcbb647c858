// A progress bar on standard error, while that is a terminal.
#ifndef ONHAND_CLIENTS_CLI_PROGRESS_H_
#define ONHAND_CLIENTS_CLI_PROGRESS_H_

#include <cstddef>

#include "clients/cli/session.h"

namespace onhand::cli {

// Repaints the bar; ends its line when `done` reaches `total`.
void ShowProgress(Session& session, size_t done, size_t total);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_PROGRESS_H_
