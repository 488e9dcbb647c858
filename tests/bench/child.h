// A program that the bench runs beside itself: the hub, or the floor's server. It says on stderr
// where it listens; it ends with this object, and with the bench however that ends. One thread.
#ifndef ONHAND_TESTS_BENCH_CHILD_H_
#define ONHAND_TESTS_BENCH_CHILD_H_

#include <sys/types.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/bench/measure.h"

namespace onhand::bench {

class Child {
 public:
  // Starts the program and waits for its line `... ready grpc=HOST:PORT ...`. Throws with what it
  // said if it ends before.
  explicit Child(std::vector<std::string> arguments);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  const std::string& address() const { return address_; }
  // Seconds from the start of the program until it was ready.
  double ready_after() const { return ready_after_; }
  // Resident memory in bytes.
  size_t ResidentBytes() const;

 private:
  pid_t process_ = -1;
  int stderr_ = -1;
  std::string address_;
  double ready_after_ = 0;
  std::thread drain_;  // a full pipe would stop the program
};

// `onhandd serve` on a free port with this store.
std::vector<std::string> ServeArguments(const Settings& settings, const std::string& store);

}  // namespace onhand::bench

#endif  // ONHAND_TESTS_BENCH_CHILD_H_
