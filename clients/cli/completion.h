// The bash completion script, made from the commands and options themselves so that it cannot fall
// behind them. Pure.
#ifndef ONHAND_CLIENTS_CLI_COMPLETION_H_
#define ONHAND_CLIENTS_CLI_COMPLETION_H_

#include <string>
#include <vector>

namespace onhand::cli {

struct CompletedOption {
  std::string name;  // with its dashes
  bool takes_value = false;
  std::vector<std::string> choices;  // of its value; empty: anything, completed as a file name
};

struct CompletedCommand {
  std::string name;
  std::vector<CompletedOption> options;  // those of the program itself stand at the root
  std::vector<CompletedCommand> commands;
};

// A script that bash sources. Commands come first; options once a '-' is typed.
std::string BashCompletion(const CompletedCommand& program);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_COMPLETION_H_
