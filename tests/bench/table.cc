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
  const char* scale = value >= 999'500 ? " M " : value >= 9'995 ? " k " : " ";
  const double scaled = value >= 999'500 ? value / 1e6 : value >= 9'995 ? value / 1e3 : value;
  const int digits = scaled >= 99.95 || std::floor(scaled) == scaled ? 0 : scaled >= 9.995 ? 1 : 2;
  return Fixed(scaled, digits) + scale + unit;
}

}  // namespace onhand::bench
