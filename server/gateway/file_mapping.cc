#include "server/gateway/file_mapping.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "nlohmann/json.hpp"
#include "server/ledger/refusal.h"

namespace onhand::gateway {
namespace {

using nlohmann::json;

// A query holds text; a mapping also numbers, switches and lists.
json ValueOf(const std::string& key, const std::string& text) {
  uint64_t number = 0;
  if (key == "header") return std::vector<std::string>(absl::StrSplit(text, ','));
  if (key == "sku_zero_pad" && absl::SimpleAtoi(text, &number)) return number;
  if ((key == "trim" || key == "complete") && (text == "true" || text == "false")) {
    return text == "true";
  }
  return text;
}

}  // namespace

absl::StatusOr<files::Mapping> MappingOf(const std::multimap<std::string, std::string>& query,
                                         const std::string& location_time_zone) {
  json mapping = {{"time_zone", location_time_zone}};
  for (const auto& [key, text] : query) {
    const size_t dot = key.find('.');
    if (dot == std::string::npos) {
      mapping[key] = ValueOf(key, text);
    } else if (json& object = mapping[key.substr(0, dot)]; object.is_null() || object.is_object()) {
      object[key.substr(dot + 1)] = text;
    }
  }
  absl::StatusOr<files::Mapping> parsed = files::ParseMapping(
      mapping.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace));
  if (parsed.ok()) return parsed;
  return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                        {.reason = "INVALID_MAPPING",
                         .field = "query",
                         .problem = std::string(parsed.status().message()),
                         .remedy = "see onhand-agent's README for the keys of a mapping"});
}

}  // namespace onhand::gateway
