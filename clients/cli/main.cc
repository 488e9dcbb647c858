// `onhand`, the command line of managers and operators.

#include <unistd.h>

#include <iostream>

#include "absl/time/clock.h"
#include "clients/cli/command_line.h"

int main(int argc, char** argv) {
  const onhand::cli::Surroundings surroundings{
      .out = std::cout,
      .err = std::cerr,
      .out_is_terminal = isatty(STDOUT_FILENO) == 1,
      .err_is_terminal = isatty(STDERR_FILENO) == 1,
      .zone = absl::LocalTimeZone(),
      .wait =
          [](absl::Duration duration) {
            absl::SleepFor(duration);
            return true;  // Ctrl-C ends the process
          },
  };
  return onhand::cli::Run({argv + 1, argv + argc}, surroundings);
}
