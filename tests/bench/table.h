// The one table that the bench prints: line, floor, hub, ratio and goal. Each line is printed as
// soon as it is measured. One thread.
#ifndef ONHAND_TESTS_BENCH_TABLE_H_
#define ONHAND_TESTS_BENCH_TABLE_H_

#include <string>

namespace onhand::bench {

struct Line {
  std::string name;
  std::string floor;  // with its unit; `-` if the line has no floor
  std::string hub;
  std::string ratio;
  std::string goal;  // the least that is wanted, then what is aimed at
};

class Table {
 public:
  // Prints what was measured on, and the heading.
  static void PrintHeading();
  static void Print(const Line& line);
};

// 12.3 k, 4.56 M, 789: three digits and a unit.
std::string Rate(double value, const std::string& unit);
std::string Fixed(double value, int digits);

}  // namespace onhand::bench

#endif  // ONHAND_TESTS_BENCH_TABLE_H_
