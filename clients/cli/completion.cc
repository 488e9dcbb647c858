#include "clients/cli/completion.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace onhand::cli {
namespace {

// One command with the words that lead to it, such as " rule set".
struct Node {
  std::string path;
  const CompletedCommand& command;
};

void Collect(const std::string& path, const CompletedCommand& command, std::vector<Node>* nodes) {
  nodes->push_back({path, command});
  for (const CompletedCommand& child : command.commands) {
    Collect(absl::StrCat(path, " ", child.name), child, nodes);
  }
}

std::string Names(const auto& named) {
  return absl::StrJoin(named, " ",
                       [](std::string* out, const auto& n) { absl::StrAppend(out, n.name); });
}

// The options that take a value, for the pattern of a `case`.
std::string ValueOptions(const std::vector<Node>& nodes) {
  std::vector<std::string> patterns;
  for (const Node& node : nodes) {
    for (const CompletedOption& option : node.command.options) {
      if (option.takes_value)
        patterns.push_back(absl::StrCat("'", node.path, " ", option.name, "'"));
    }
  }
  return absl::StrJoin(patterns, "|");
}

std::string ChoiceCases(const std::vector<Node>& nodes) {
  std::string cases;
  for (const Node& node : nodes) {
    for (const CompletedOption& option : node.command.options) {
      if (option.choices.empty()) continue;
      absl::StrAppend(&cases, "    '", node.path, " ", option.name, "') words='",
                      absl::StrJoin(option.choices, " "), "' ;;\n");
    }
  }
  return cases;
}

std::string CommandCases(const std::vector<Node>& nodes, bool options) {
  std::string cases;
  for (const Node& node : nodes) {
    const std::string words = options ? Names(node.command.options) : Names(node.command.commands);
    if (!words.empty())
      absl::StrAppend(&cases, "      '", node.path, "') words='", words, "' ;;\n");
  }
  return cases;
}

}  // namespace

std::string BashCompletion(const CompletedCommand& program) {
  std::vector<Node> nodes;
  Collect("", program, &nodes);
  std::vector<std::string> paths;
  for (const Node& node : nodes) {
    if (!node.path.empty()) paths.push_back(absl::StrCat("'", node.path, "'"));
  }
  const std::string& name = program.name;
  // `path` collects the commands typed so far; `wants` is the option that waits for its value.
  // Options of the program may stand anywhere, so both the command's and the program's are looked
  // up.
  return absl::StrCat(
      "# bash completion for ", name, "; load it with: source <(", name, " completion)\n", "_",
      name, "() {\n", "  local cur=${COMP_WORDS[COMP_CWORD]} path='' wants='' words='' word i\n",
      "  COMPREPLY=()\n", "  for ((i = 1; i < COMP_CWORD; i++)); do\n",
      "    word=${COMP_WORDS[i]}\n", "    if [[ -n $wants ]]; then wants=''; continue; fi\n",
      "    case \"$path $word\" in ", absl::StrJoin(paths, "|"),
      ") path=\"$path $word\"; continue ;; esac\n", "    case \"$path $word\" in ",
      ValueOptions(nodes), ") wants=\"$path $word\"; continue ;; esac\n", "    case \" $word\" in ",
      ValueOptions({nodes.front()}), ") wants=\" $word\" ;; esac\n", "  done\n",
      "  if [[ -n $wants ]]; then\n", "    case \"$wants\" in\n", ChoiceCases(nodes),
      "    *) return ;;\n", "    esac\n", "  elif [[ $cur == -* ]]; then\n",
      "    case \"$path\" in\n", CommandCases(nodes, /*options=*/true), "    esac\n",
      "    words=\"$words ", Names(program.options), "\"\n", "  else\n", "    case \"$path\" in\n",
      CommandCases(nodes, /*options=*/false), "    esac\n", "  fi\n",
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n", "}\n", "complete -o default -F _",
      name, " ", name, "\n");
}

}  // namespace onhand::cli
