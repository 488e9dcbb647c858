// How the three programs are configured, alike: an option stands on the command line, or in the
// environment as ONHAND_NAME (capitals, _ for -), or in a TOML file under its name without dashes;
// the first of these that says it counts. Everything is checked as if it stood on the command line,
// before the program does anything. One thread.
//
//   # onhandd.toml
//   store = "sqlite:/var/lib/onhand/journal.db"
//   http-allow-origin = ["https://shop.example"]
//   projection = "off"
//
// A file has no sections. An option that may be repeated is an array, and in the environment a list
// with commas; a flag is true or false. The file is named by --config or ONHAND_CONFIG and there is
// none by default. Variables that name no option are not looked at: the programs share them.
#ifndef ONHAND_PROTO_PROGRAM_CONFIG_H_
#define ONHAND_PROTO_PROGRAM_CONFIG_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "CLI/App.hpp"

namespace onhand::program {

class Config {
 public:
  enum class Options {
    kOfProgram,   // those in front of the commands
    kOfCommands,  // those and the chosen command's own; another command's are let stand
  };
  // As std::getenv.
  using Environment = std::function<const char*(const char*)>;

  // Adds --config and --print-config to `app`, whose other options are there already and which
  // outlives this.
  Config(CLI::App* app, Options options, Environment environment);

  // As CLI::App::parse, in the order of the command line. Throws CLI::ParseError; of a file it
  // names file, line, key and remedy.
  void Parse(const std::vector<std::string>& arguments);

  // Whether --print-config was there: the program prints Text() and does nothing else.
  bool print_wanted() const { return print_wanted_; }
  // What is in force, as TOML that --config takes again, each line with where it comes from. An
  // option without a value stands in a comment. A password inside a URL is not shown.
  std::string Text() const;

 private:
  struct Value {
    std::vector<std::string> texts;
    std::string from;  // FILE:LINE, a variable, or the command line
  };

  bool IsSettable(const CLI::Option& option) const;
  std::vector<CLI::Option*> SettableOf(CLI::App* app) const;
  // The command that the line names; null: none.
  CLI::App* Chosen(const std::vector<std::string>& arguments) const;
  std::map<std::string, Value> ReadFile(const std::string& path) const;
  std::map<std::string, CLI::Option*> Known() const;
  // What the environment or the file says of the options of `app`, as arguments.
  std::vector<std::string> Supplied(CLI::App* app, const std::vector<std::string>& given,
                                    const std::map<std::string, Value>& file);

  CLI::App* const app_;
  const Options options_;
  const Environment environment_;
  std::string path_;
  bool print_wanted_ = false;
  CLI::App* chosen_ = nullptr;
  std::map<const CLI::Option*, std::string> sources_;
};

// ONHAND_LOG_LEVEL for log-level.
std::string VariableOf(const std::string& option_name);

}  // namespace onhand::program

#endif  // ONHAND_PROTO_PROGRAM_CONFIG_H_
