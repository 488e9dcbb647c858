// `onhand reservation ...` and `onhand check shortages`: units held for customers, from the basket
// to the hand-over, for people.
#ifndef ONHAND_CLIENTS_CLI_RESERVATIONS_H_
#define ONHAND_CLIENTS_CLI_RESERVATIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/session.h"
#include "onhand/v1/reservations.pb.h"

namespace onhand::cli {

struct BasketOptions {
  std::vector<std::string> lines;  // see ParseBasketLine
  std::string channel_id;
  std::string location_id;
  std::string group_id;
  std::string near;  // LAT,LON
  bool allow_split = false;
};
// Reads 'SKU', 'SKU=UNITS' or 'SKU=UNITS@LOCATION'. A SKU may hold '=' and '@' itself: the first
// '=' counts that has a number behind it, up to the end or an '@'.
absl::StatusOr<v1::BasketLine> ParseBasketLine(const std::string& text);

struct CreateReservationOptions {
  BasketOptions basket;
  std::string ttl;  // see ParseDuration; empty: the channel's
  std::string order_reference;
  bool allow_partial = false;
  bool commit = false;
};
absl::Status CreateReservation(Session& session, const CreateReservationOptions& options);
absl::Status CheckBasket(Session& session, const BasketOptions& options);

// A reservation by its id, or by its order.
struct ReservationName {
  std::string reservation_id;
  std::string order_reference;
};
struct ExtendOptions {
  std::string reservation_id;
  std::string ttl;
};
absl::Status ExtendReservation(Session& session, const ExtendOptions& options);
// Here the order is the one that the reservation becomes.
absl::Status CommitReservation(Session& session, const ReservationName& options);

struct StepOptions {
  ReservationName name;
  std::vector<std::string> lines;  // LINE or LINE=UNITS; none: all
  std::string author;              // release only
  std::string reason;
};
absl::Status PickReservation(Session& session, const StepOptions& options);
absl::Status FulfilReservation(Session& session, const StepOptions& options);
absl::Status ReleaseReservation(Session& session, const StepOptions& options);

struct ReassignOptions {
  std::string reservation_id;
  uint32_t line_id = 0;
  std::string location_id;  // empty: the hub chooses
  std::string author;
  std::string reason;
};
absl::Status ReassignLine(Session& session, const ReassignOptions& options);

struct FailPickOptions {
  ReservationName name;
  uint32_t line_id = 0;
  std::string failure;
  int32_t found_units = 0;
  std::string then = "keep";
  std::string location_id;  // reassign: empty: the hub chooses
  std::string author;
  std::string reason;
};
absl::Status FailPick(Session& session, const FailPickOptions& options);

absl::Status ShowReservation(Session& session, const ReservationName& options);

struct ListReservationsOptions {
  std::string state;
  std::string sku;
  std::string location_id;
};
absl::Status ListReservations(Session& session, const ListReservationsOptions& options);

// At one location, or at all if it is empty.
absl::Status CheckShortages(Session& session, const std::string& location_id);

}  // namespace onhand::cli

#endif  // ONHAND_CLIENTS_CLI_RESERVATIONS_H_
