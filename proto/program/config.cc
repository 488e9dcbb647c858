#include "proto/program/config.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <utility>

// Errors are results, not exceptions; and only what is read here is compiled.
#define TOML_EXCEPTIONS 0
#include "CLI/Config.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "toml++/toml.h"

namespace onhand::program {
namespace {

constexpr char kCommandLine[] = "command line";

[[noreturn]] void Refuse(std::string text) {
  throw CLI::ConfigError(std::move(text), CLI::ExitCodes::ConfigError);
}

std::string NameOf(const CLI::Option& option) {
  return option.get_lnames().empty() ? "" : option.get_lnames()[0];
}

bool IsFlag(const CLI::Option& option) { return option.get_expected_max() == 0; }
bool IsRepeatable(const CLI::Option& option) { return option.get_items_expected_max() > 1; }
bool IsNumber(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return absl::StartsWith(type, "INT") || absl::StartsWith(type, "UINT") ||
         absl::StartsWith(type, "FLOAT");
}

const char* ExpectedOf(const CLI::Option& option) {
  if (IsFlag(option)) return "true or false";
  if (IsRepeatable(option)) return "an array of strings";
  return IsNumber(option) ? "a number" : "a string in quotes";
}

// The number of letters to change, add or leave out.
size_t DistanceOf(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

// What a file says of an option, as the command line would say it; nothing if it is of another
// kind.
std::optional<std::string> ScalarOf(const toml::node& node, const CLI::Option& option) {
  std::ostringstream number;
  if (IsFlag(option)) {
    if (!node.is_boolean()) return std::nullopt;
    return *node.value<bool>() ? "true" : "false";
  }
  if (IsNumber(option)) {
    if (node.is_integer()) return absl::StrCat(*node.value<int64_t>());
    if (!node.is_floating_point()) return std::nullopt;
    number << *node.value<double>();
    return number.str();
  }
  return node.is_string() ? node.value<std::string>() : std::nullopt;
}

std::optional<std::vector<std::string>> TextsOf(const toml::node& node, const CLI::Option& option) {
  std::vector<std::string> texts;
  if (!IsRepeatable(option)) {
    const std::optional<std::string> text = ScalarOf(node, option);
    if (!text.has_value()) return std::nullopt;
    return std::vector<std::string>{*text};
  }
  if (!node.is_array()) return std::nullopt;
  for (const toml::node& element : *node.as_array()) {
    std::optional<std::string> text = ScalarOf(element, option);
    if (!text.has_value()) return std::nullopt;
    texts.push_back(*std::move(text));
  }
  return texts;
}

// mysql://user:PASSWORD@host: what stands there is nobody's business.
std::string WithoutPassword(const std::string& text) {
  const size_t begin = text.find("://");
  if (begin == std::string::npos) return text;
  const size_t end = text.find('/', begin + 3);
  const size_t at = text.rfind('@', end);
  if (at == std::string::npos || at < begin) return text;
  const size_t colon = text.find(':', begin + 3);
  if (colon == std::string::npos || colon > at) return text;
  return absl::StrCat(text.substr(0, colon + 1), "***", text.substr(at));
}

std::string Quoted(const std::string& text) {
  std::ostringstream out;
  const toml::value<std::string> value(WithoutPassword(text));
  out << toml::toml_formatter(
      value, toml::toml_formatter::default_flags & ~toml::format_flags::allow_literal_strings);
  return out.str();
}

std::string Printed(const CLI::Option& option, const std::vector<std::string>& texts) {
  if (IsFlag(option)) return texts.back();
  if (!IsRepeatable(option)) return IsNumber(option) ? texts.back() : Quoted(texts.back());
  std::string array = "[";
  for (const std::string& text : texts) {
    absl::StrAppend(&array, array.size() > 1 ? ", " : "", Quoted(text));
  }
  return array + "]";
}

// Whether the arguments say this option.
bool IsGiven(const std::vector<std::string>& arguments, const CLI::Option& option) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
    for (const std::string& name : option.get_lnames()) {
      if (argument == absl::StrCat("--", name) ||
          absl::StartsWith(argument, absl::StrCat("--", name, "=")))
        return true;
    }
    return false;
  });
}

}  // namespace

std::string VariableOf(const std::string& option_name) {
  return absl::StrCat("ONHAND_",
                      absl::AsciiStrToUpper(absl::StrReplaceAll(option_name, {{"-", "_"}})));
}

Config::Config(CLI::App* app, Options options, Environment environment)
    : app_(app), options_(options), environment_(std::move(environment)) {
  app_->add_option("--config", path_,
                   "TOML file with options under their names, without dashes; the environment "
                   "counts more, the command line most")
      ->envname(VariableOf("config"));
  app_->add_flag_callback(
      "--print-config",
      [this] {
        print_wanted_ = true;
        app_->require_subcommand(0, 1);
      },
      "Print what is in force, as TOML, and end");
  std::vector<CLI::App*> apps = {app_};
  if (options_ == Options::kOfCommands) {
    for (CLI::App* command : app_->get_subcommands(nullptr)) apps.push_back(command);
  }
  for (CLI::App* each : apps) {
    for (CLI::Option* option : SettableOf(each)) option->envname(VariableOf(NameOf(*option)));
  }
}

bool Config::IsSettable(const CLI::Option& option) const {
  const std::string name = NameOf(option);
  return !name.empty() && option.get_configurable() && name != "help" && name != "version" &&
         name != "config" && name != "print-config";
}

std::vector<CLI::Option*> Config::SettableOf(CLI::App* app) const {
  std::vector<CLI::Option*> settable;
  for (CLI::Option* option : app->get_options(nullptr)) {
    if (IsSettable(*option)) settable.push_back(option);
  }
  return settable;
}

CLI::App* Config::Chosen(const std::vector<std::string>& arguments) const {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (absl::StartsWith(argument, "--")) {
      if (absl::StrContains(argument, "=")) continue;
      const CLI::Option* option = app_->get_option_no_throw(argument);
      if (option != nullptr && !IsFlag(*option)) ++i;  // what follows is its value
      continue;
    }
    for (CLI::App* command : app_->get_subcommands(nullptr)) {
      if (command->get_name() == argument) return command;
    }
  }
  return nullptr;
}

std::map<std::string, CLI::Option*> Config::Known() const {
  std::map<std::string, CLI::Option*> known;
  if (options_ == Options::kOfCommands) {
    for (CLI::App* command : app_->get_subcommands(nullptr)) {
      for (CLI::Option* option : SettableOf(command)) known.emplace(NameOf(*option), option);
    }
  }
  for (CLI::Option* option : SettableOf(app_)) known.insert_or_assign(NameOf(*option), option);
  return known;
}

std::map<std::string, Config::Value> Config::ReadFile(const std::string& path) const {
  const toml::parse_result parsed = toml::parse_file(path);
  if (!parsed) {
    const toml::source_position where = parsed.error().source().begin;
    Refuse(where ? absl::StrCat(path, ":", where.line, ":", where.column, ": ",
                                std::string(parsed.error().description()), "; see https://toml.io")
                 : absl::StrCat("--config '", path,
                                "' cannot be read; name a TOML file that this user may read"));
  }
  const std::map<std::string, CLI::Option*> known = Known();
  std::map<std::string, Value> values;
  for (const auto& [key, node] : parsed.table()) {
    const std::string name(key.str());
    const std::string where = absl::StrCat(path, ":", key.source().begin.line);
    const auto found = known.find(name);
    if (found == known.end()) {
      std::string text =
          absl::StrCat(where, ": '", name, "' is no option of ", app_->get_name(), "; ");
      const auto nearest = std::min_element(
          known.begin(), known.end(), [&name = name](const auto& a, const auto& b) {
            return DistanceOf(name, a.first) < DistanceOf(name, b.first);
          });
      if (nearest != known.end() && DistanceOf(name, nearest->first) <= 3) {
        absl::StrAppend(&text, "is '", nearest->first, "' meant?");
      } else {
        absl::StrAppend(&text, "--help lists them all");
      }
      Refuse(text);
    }
    std::optional<std::vector<std::string>> texts = TextsOf(node, *found->second);
    if (!texts.has_value()) {
      Refuse(absl::StrCat(where, ": '", name, "' takes ", ExpectedOf(*found->second),
                          "; a file has no sections"));
    }
    values[name] = {*std::move(texts), where};
  }
  return values;
}

std::vector<std::string> Config::Supplied(CLI::App* app, const std::vector<std::string>& given,
                                          const std::map<std::string, Value>& file) {
  std::vector<std::string> supplied;
  for (CLI::Option* option : SettableOf(app)) {
    const std::string name = NameOf(*option);
    if (IsGiven(given, *option)) {
      sources_[option] = kCommandLine;
      continue;
    }
    Value value;
    const std::string variable = VariableOf(name);
    if (const char* text = environment_(variable.c_str()); text != nullptr && *text != '\0') {
      value.from = variable;
      if (IsRepeatable(*option)) {
        value.texts = absl::StrSplit(text, ',', absl::SkipEmpty());
      } else {
        value.texts = {text};
      }
    } else if (const auto found = file.find(name); found != file.end()) {
      value = found->second;
    } else {
      continue;
    }
    sources_[option] = value.from;
    for (const std::string& text : value.texts) {
      supplied.push_back(absl::StrCat("--", name, "=", text));
    }
  }
  return supplied;
}

void Config::Parse(const std::vector<std::string>& arguments) {
  chosen_ = Chosen(arguments);
  std::string path;
  if (const char* variable = environment_(VariableOf("config").c_str()); variable != nullptr)
    path = variable;
  for (size_t i = 0; i < arguments.size(); ++i) {
    absl::string_view argument = arguments[i];
    if (argument == "--config" && i + 1 < arguments.size()) path = arguments[i + 1];
    if (absl::ConsumePrefix(&argument, "--config=")) path = std::string(argument);
  }
  std::map<std::string, Value> file;
  if (!path.empty()) file = ReadFile(path);

  std::vector<std::string> all = Supplied(app_, arguments, file);
  bool passed = chosen_ == nullptr || options_ == Options::kOfProgram;
  for (const std::string& argument : arguments) {
    all.push_back(argument);
    if (passed || argument != chosen_->get_name()) continue;
    passed = true;
    const std::vector<std::string> own = Supplied(chosen_, arguments, file);
    all.insert(all.end(), own.begin(), own.end());
  }
  std::reverse(all.begin(), all.end());  // the order that CLI11 takes them in
  try {
    app_->parse(std::move(all));
  } catch (const CLI::ParseError& error) {
    // The message names the option alone; whoever reads it looks for it on the command line.
    std::string text = error.what();
    for (const auto& [option, from] : sources_) {
      if (from != kCommandLine && absl::StrContains(text, absl::StrCat("--", NameOf(*option))))
        absl::StrAppend(&text, " (from ", from, ")");
    }
    if (text == error.what()) throw;
    throw CLI::ValidationError(text, CLI::ExitCodes::ValidationError);
  }
}

std::string Config::Text() const {
  std::string text;
  std::vector<CLI::App*> apps = {app_};
  if (options_ == Options::kOfCommands && chosen_ != nullptr) apps.push_back(chosen_);
  for (CLI::App* app : apps) {
    for (const CLI::Option* option : SettableOf(app)) {
      const std::string name = NameOf(*option);
      const auto source = sources_.find(option);
      std::vector<std::string> texts = option->results();
      if (source != sources_.end() && !texts.empty()) {
        absl::StrAppend(&text, name, " = ", Printed(*option, texts), "  # ", source->second, "\n");
      } else if (IsFlag(*option)) {
        absl::StrAppend(&text, name, " = false  # default\n");
      } else if (const std::string standard = option->get_default_str();
                 !standard.empty() && !IsRepeatable(*option)) {
        absl::StrAppend(&text, name, " = ", Printed(*option, {standard}), "  # default\n");
      } else {
        absl::StrAppend(&text, "# ", name, " =  # default: none\n");
      }
    }
  }
  return text;
}

}  // namespace onhand::program
