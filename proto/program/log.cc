#include "proto/program/log.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "nlohmann/json.hpp"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

namespace onhand::program {
namespace {

// spdlog hands on one text: fields stand behind the message, each behind a separator that cannot
// come in them.
constexpr char kFieldBegins = '\x1f';
constexpr char kValueBegins = '\x1e';

absl::string_view PayloadOf(const spdlog::details::log_msg& line) {
  return {line.payload.data(), line.payload.size()};
}

std::string Quoted(absl::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// The payload for people.
class TextPayload final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& line, const std::tm&,
              spdlog::memory_buf_t& to) override {
    const std::string text = absl::StrReplaceAll(
        PayloadOf(line),
        {{std::string(1, kFieldBegins), " "}, {std::string(1, kValueBegins), "="}});
    to.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<TextPayload>();
  }
};

// `"message":"...","field":"..."`
class JsonPayload final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& line, const std::tm&,
              spdlog::memory_buf_t& to) override {
    const std::vector<absl::string_view> parts = absl::StrSplit(PayloadOf(line), kFieldBegins);
    std::string text = absl::StrCat("\"message\":", Quoted(parts[0]));
    for (size_t i = 1; i < parts.size(); ++i) {
      const std::pair<absl::string_view, absl::string_view> field =
          absl::StrSplit(parts[i], absl::MaxSplits(kValueBegins, 1));
      absl::StrAppend(&text, ",", Quoted(field.first), ":", Quoted(field.second));
    }
    to.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonPayload>();
  }
};

std::unique_ptr<spdlog::formatter> FormatterOf(const std::string& format) {
  if (format == "json") {
    auto json = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    json->add_flag<JsonPayload>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","logger":"%n",%*})");
    return json;
  }
  auto text = std::make_unique<spdlog::pattern_formatter>();
  text->add_flag<TextPayload>('*').set_pattern("[%Y-%m-%d %H:%M:%S.%e] [%n] [%^%l%$] %*");
  return text;
}

// A line stays a line, and a field a field.
std::string Tame(absl::string_view text) {
  std::string tame(text);
  std::replace_if(
      tame.begin(), tame.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, ' ');
  return tame;
}

}  // namespace

void SetUpLog(const std::string& name, const LogOptions& options) {
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  if (options.format == "json") sink->set_color_mode(spdlog::color_mode::never);
  auto logger = std::make_shared<spdlog::logger>(name, std::move(sink));
  logger->set_formatter(FormatterOf(options.format));
  logger->set_level(spdlog::level::from_str(options.level));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

void Log(spdlog::level::level_enum level, absl::string_view message,
         const std::vector<std::pair<absl::string_view, std::string>>& fields) {
  if (!spdlog::should_log(level)) return;
  std::string payload = Tame(message);
  for (const auto& [name, value] : fields) {
    payload += kFieldBegins;
    absl::StrAppend(&payload, name);
    payload += kValueBegins;
    payload += Tame(value);
  }
  spdlog::log(level, "{}", payload);
}

}  // namespace onhand::program
