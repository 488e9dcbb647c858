#include "clients/cli/progress.h"

#include <string>

namespace onhand::cli {

void ShowProgress(Session& session, size_t done, size_t total) {
  if (!session.err_is_terminal || total == 0) return;
  constexpr size_t kWidth = 40;
  const size_t filled = done * kWidth / total;
  session.err << "\r[" << std::string(filled, '#') << std::string(kWidth - filled, '.') << "] "
              << done << " of " << total << (done == total ? "\n" : "") << std::flush;
}

}  // namespace onhand::cli
