#include "clients/agent/scaled_clock.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/time/time.h"

namespace onhand::agent {
namespace {

void RestampAll(const v1::ScaledClock& clock,
                google::protobuf::RepeatedPtrField<v1::KnownThrough>& known) {
  for (v1::KnownThrough& moment : known) {
    moment.set_at_us(OnScaledClock(clock, moment.at_us()));
  }
}

}  // namespace

int64_t OnScaledClock(const v1::ScaledClock& clock, int64_t wall_us) {
  if (wall_us <= 0) return wall_us;
  const absl::Time began = absl::FromUnixMicros(clock.began_at_us());
  // Saturates where integers would overflow, as they would for a till that is years off.
  const absl::Duration passed = absl::FromUnixMicros(wall_us) - began;
  return std::max<int64_t>(absl::ToUnixMicros(began + passed * clock.scale()), 1);
}

void Restamp(const v1::ScaledClock& clock, v1::Batch& batch) {
  RestampAll(clock, *batch.mutable_known_through());
  for (v1::Movement& movement : *batch.mutable_movements()) {
    movement.set_occurred_at_us(OnScaledClock(clock, movement.occurred_at_us()));
  }
  for (v1::SnapshotPart& part : *batch.mutable_snapshots()) {
    if (!part.has_begin()) continue;
    part.mutable_begin()->set_as_of_us(OnScaledClock(clock, part.begin().as_of_us()));
  }
  for (v1::OrdersGone& gone : *batch.mutable_orders_gone()) {
    gone.set_watermark_us(OnScaledClock(clock, gone.watermark_us()));
  }
}

void Restamp(const v1::ScaledClock& clock, v1::Heartbeat& heartbeat) {
  RestampAll(clock, *heartbeat.mutable_known_through());
}

bool IsLoopback(const std::string& address) {
  const std::string host = address.substr(0, address.rfind(':'));
  if (host == "localhost" || host == "[::1]") return true;
  in_addr ipv4{};
  return inet_pton(AF_INET, host.c_str(), &ipv4) == 1 && (ntohl(ipv4.s_addr) >> 24) == 127;
}

}  // namespace onhand::agent
