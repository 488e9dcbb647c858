// `onhand positions`, `movements`, `adjust` and `corrections end`: the records themselves, and what
// people say about them.
#ifndef ONHAND_CLIENTS_CLI_STOCK_H_
#define ONHAND_CLIENTS_CLI_STOCK_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "clients/cli/session.h"

namespace onhand::cli {

struct PositionsOptions {
  std::string sku;  // at least one of the two
  std::string location_id;
};
absl::Status ShowPositions(Session& session, const PositionsOptions& options);

struct MovementsOptions {
  std::string sku;
  std::string location_id;
};
absl::Status ShowMovements(Session& session, const MovementsOptions& options);

struct AdjustOptions {
  std::string sku;
  std::string location_id;
  // Exactly one of the four.
  std::optional<int64_t> adjust;
  std::optional<int64_t> count;
  std::optional<int64_t> set_aside;
  std::optional<int64_t> put_back;
  bool includes_picked = false;  // with count only
  std::string at;                // see ParseMoment; empty: now
  std::string author;
  std::string reason;
};
absl::Status Adjust(Session& session, const AdjustOptions& options);

struct EndCorrectionsOptions {
  std::string sku;
  std::string location_id;
  std::string author;
  std::string reason;
};
absl::Status EndCorrections(Session& session, const EndCorrectionsOptions& options);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_STOCK_H_
