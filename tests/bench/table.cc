#include "tests/bench/table.h"

#include <cmath>
#include <cstdio>
#include <thread>

namespace onhand::bench {
namespace {

void PrintRow(const Line& line) {
  std::printf("| %-60s | %-20s | %-20s | %-14s | %-22s |\n", line.name.c_str(), line.floor.c_str(),
              line.hub.c_str(), line.ratio.c_str(), line.goal.c_str());
  std::fflush(stdout);
}

}  // namespace

void Table::PrintHeading() {
  std::printf("nproc %u, g++ %s\n\n", std::thread::hardware_concurrency(), __VERSION__);
  PrintRow({"line", "floor", "hub", "ratio", "goal (least; aim)"});
  const auto dashes = [](int width) { return std::string(static_cast<size_t>(width), '-'); };
  PrintRow({dashes(60), dashes(20), dashes(20), dashes(14), dashes(22)});
}

void Table::Print(const Line& line) { PrintRow(line); }

std::string Fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::string Rate(double value, const std::string& unit) {
  const double size = std::fabs(value);
  const double divisor = size >= 999'500 ? 1e6 : size >= 9'995 ? 1e3 : 1;
  const char* scale = divisor == 1e6 ? " M " : divisor == 1e3 ? " k " : " ";
  const double scaled = value / divisor;
  const double shown = std::fabs(scaled);
  const int digits = shown >= 99.95 || std::floor(shown) == shown ? 0 : shown >= 9.995 ? 1 : 2;
  return Fixed(scaled, digits) + scale + unit;
}

}  // namespace onhand::bench
