// The floor of unary calls: the availability API answered with fixed words, on one completion queue
// with one polling thread. Runs in a process of its own, as the hub does, so that both cost the
// client the same.
#ifndef ONHAND_TESTS_BENCH_ECHO_SERVER_H_
#define ONHAND_TESTS_BENCH_ECHO_SERVER_H_

#include "onhand/v1/availability.pb.h"

namespace onhand::bench {

// The body of the child process; says `echo ready grpc=HOST:PORT` on stderr and never returns.
[[noreturn]] void RunEchoServer();

// What it answers: as many bytes as the hub would send for such a question.
v1::GetAvailabilityResponse FixedAnswer(int locations);

}  // namespace onhand::bench

#endif  // ONHAND_TESTS_BENCH_ECHO_SERVER_H_
