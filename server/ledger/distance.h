// How far apart two points of the earth are. For answers to people and for choices that a decision
// records: never in apply, which branches on no float. Pure; any thread.
#ifndef ONHAND_SERVER_LEDGER_DISTANCE_H_
#define ONHAND_SERVER_LEDGER_DISTANCE_H_

#include <algorithm>
#include <cmath>
#include <optional>

#include "server/ledger/state.h"

namespace onhand::ledger {

// Degrees north and east.
struct EarthPoint {
  double latitude = 0;
  double longitude = 0;
};

// Where a location is, if that is known.
inline std::optional<EarthPoint> PointOf(const journal::Location& location) {
  if (!location.has_coordinates()) return std::nullopt;
  return EarthPoint{.latitude = location.latitude(), .longitude = location.longitude()};
}

// Great-circle distance in kilometres, on a sphere of the earth's mean radius: at most 0.6 % off,
// which is less than the way by road is. By the haversine, which keeps its digits for points close
// together (R. W. Sinnott, Virtues of the Haversine, Sky & Telescope 68, 1984).
inline double DistanceKm(const EarthPoint& from, const EarthPoint& to) {
  constexpr double kMeanRadiusKm = 6'371.0088;
  constexpr double kRadiansPerDegree = 3.14159265358979323846 / 180;
  const auto haversine = [](double radians) {
    const double half = std::sin(radians / 2);
    return half * half;
  };
  const double north = (to.latitude - from.latitude) * kRadiansPerDegree;
  const double east = (to.longitude - from.longitude) * kRadiansPerDegree;
  const double h = haversine(north) + std::cos(from.latitude * kRadiansPerDegree) *
                                          std::cos(to.latitude * kRadiansPerDegree) *
                                          haversine(east);
  // Rounding may lift antipodes above 1.
  return 2 * kMeanRadiusKm * std::asin(std::sqrt(std::min(h, 1.0)));
}

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DISTANCE_H_
