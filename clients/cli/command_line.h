// The program `onhand`: reads the command line, runs the one command that it names, and turns the
// outcome into an exit code. Called once by main(), and by tests with streams of their own.
#ifndef ONHAND_CLIENTS_CLI_COMMAND_LINE_H_
#define ONHAND_CLIENTS_CLI_COMMAND_LINE_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace onhand::cli {

// The world outside the program.
struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  absl::TimeZone zone;
  std::function<bool(absl::Duration)> wait;  // false ends a watch
};

// Returns 0 when done, 1 when the hub refused or a file cannot be read, 2 for a command line that
// cannot be used, 3 when no hub answers. `arguments` are without the program's name.
int Run(const std::vector<std::string>& arguments, const Surroundings& surroundings);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_COMMAND_LINE_H_
