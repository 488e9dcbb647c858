#include "server/rpc/reservation_service.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/ledger/decide_fulfilment.h"
#include "server/ledger/decide_orders.h"
#include "server/ledger/decide_reservation.h"
#include "server/ledger/refusal.h"
#include "server/ledger/reservations.h"
#include "server/ledger/validate.h"
#include "server/rpc/paging.h"
#include "server/rpc/unary.h"

namespace onhand::rpc {
namespace {

// Reservations looked at under one lock: a filter may keep few of many.
constexpr size_t kRowsALockMax = 2'048;

// Larger baskets are checked beside the hot reads: a line may look at every location of the chain.
constexpr int kInlineLinesMax = 16;

// As many wait as checkouts are likely to ask at the same moment.
constexpr int kCheckCalls = 16;

// When a reservation was made, and its id: the order of the list, as the key of a page.
using Made = std::pair<int64_t, std::string>;

std::string KeyOf(const Made& made) {
  std::string key(sizeof(made.first), '\0');
  std::memcpy(key.data(), &made.first, sizeof(made.first));
  return key + made.second;
}
std::optional<Made> MadeOf(const std::string& key) {
  Made made;
  if (key.size() <= sizeof(made.first)) return std::nullopt;
  std::memcpy(&made.first, key.data(), sizeof(made.first));
  made.second = key.substr(sizeof(made.first));
  return made;
}

// Which reservations a list shows.
struct Filter {
  v1::ReservationState state = v1::RESERVATION_STATE_UNSPECIFIED;
  uint32_t item = 0;      // 0: any
  uint32_t location = 0;  // 0: any

  // Item and location are those of one line.
  bool Takes(const ledger::journal::Reservation& row) const {
    if (state != v1::RESERVATION_STATE_UNSPECIFIED && ledger::StateOf(row) != state) return false;
    if (item == 0 && location == 0) return true;
    return std::any_of(row.lines().begin(), row.lines().end(),
                       [this](const ledger::journal::ReservationLine& line) {
                         return (item == 0 || line.item() == item) &&
                                (location == 0 || line.location() == location);
                       });
  }
};

absl::StatusOr<Filter> FilterOf(const ledger::State& state,
                                const v1::ListReservationsRequest& request) {
  Filter filter{.state = request.state()};
  if (!v1::ReservationState_IsValid(request.state())) {
    return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                          {.reason = "INVALID_FILTER",
                           .field = "state",
                           .value = absl::StrCat(static_cast<int>(request.state())),
                           .problem = "is no state of a reservation",
                           .remedy = "give one of ReservationState, or none for any"});
  }
  if (!request.sku().empty()) {
    const absl::StatusOr<uint32_t> item = ledger::FindItem(state, "sku", request.sku());
    if (!item.ok()) return item.status();
    filter.item = *item;
  }
  if (!request.location_id().empty()) {
    const absl::StatusOr<uint32_t> location =
        ledger::FindLocation(state, "location_id", request.location_id());
    if (!location.ok()) return location.status();
    filter.location = *location;
  }
  return filter;
}

// Adds those that the filter takes, from `*next` on, which moves behind what was looked at. True
// once the page is full, with its token, or the list at its end.
bool FillPage(const ledger::State& state, const Filter& filter, const std::string& list,
              size_t page_size, Made* next, v1::ListReservationsResponse* response) {
  bool done = true;
  size_t looked_at = 0;
  state.reservations.by_creation.VisitFrom(*next, [&](const Made& made) {
    if (++looked_at > kRowsALockMax) {
      *next = made;
      done = false;
      return false;
    }
    const ledger::journal::Reservation& row = *state.reservations.rows.Find(made.second);
    if (!filter.Takes(row)) return true;
    if (static_cast<size_t>(response->reservations_size()) == page_size) {
      // The next page starts with this one.
      response->set_next_page_token(PageToken(list, KeyOf(made)));
      return false;
    }
    *response->add_reservations() = ledger::ReservationOf(state, row);
    return true;
  });
  return done;
}

}  // namespace

void ReservationService::Serve(CallQueue* queue) {
  // What every order goes through.
  ServeUnary(queue, &service_, &Service::RequestCreateReservation,
             WriteOf(hub_, ledger::DecideCreateReservation), Where::kInline, kHotCalls);
  ServeUnary(queue, &service_, &Service::RequestCommitReservation,
             WriteOf(hub_, ledger::DecideCommitReservation), Where::kInline, kHotCalls);
  ServeUnary(queue, &service_, &Service::RequestPickReservation,
             WriteOf(hub_, ledger::DecidePickReservation), Where::kInline, kHotCalls);
  ServeUnary(queue, &service_, &Service::RequestFulfilReservation,
             WriteOf(hub_, ledger::DecideFulfilReservation), Where::kInline, kHotCalls);
  ServeUnary(queue, &service_, &Service::RequestReleaseReservation,
             WriteOf(hub_, ledger::DecideReleaseReservation), Where::kInline, kHotCalls);
  ServeUnary(queue, &service_, &Service::RequestExtendReservation,
             WriteOf(hub_, ledger::DecideExtendReservation), Where::kInline, kCheckCalls);
  const auto check = [this, queue](const v1::CheckBasketRequest& request,
                                   v1::CheckBasketResponse* response, Reply reply) {
    if (request.basket().lines_size() <= kInlineLinesMax) {
      return reply(CheckBasket(request, response));
    }
    queue->DoAside([this, &request, response, reply] { reply(CheckBasket(request, response)); });
  };
  ServeUnary(queue, &service_, &Service::RequestCheckBasket, check, Where::kInline, kCheckCalls);
  ServeUnary(queue, &service_, &Service::RequestGetReservation,
             std::bind_front(&ReservationService::GetReservation, this), Where::kInline,
             kCheckCalls);
  // What people do.
  ServeUnary(queue, &service_, &Service::RequestReassignLine,
             WriteOf(hub_, ledger::DecideReassignLine));
  ServeUnary(queue, &service_, &Service::RequestFailPick, WriteOf(hub_, ledger::DecideFailPick));
  ServeUnary(queue, &service_, &Service::RequestImportOrders,
             WriteOf(hub_, ledger::DecideImportOrders));
  ServeUnary(queue, &service_, &Service::RequestListReservations,
             std::bind_front(&ReservationService::ListReservations, this));
  ServeUnary(queue, &service_, &Service::RequestListShortages,
             std::bind_front(&ReservationService::ListShortages, this));
}

absl::Status ReservationService::CheckBasket(const v1::CheckBasketRequest& request,
                                             v1::CheckBasketResponse* response) const {
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    absl::StatusOr<v1::CheckBasketResponse> answer =
        ledger::CheckBasket(ledger.state(), ledger.rule_book(), request);
    if (!answer.ok()) return answer.status();
    *response = *std::move(answer);
    return absl::OkStatus();
  });
}

absl::Status ReservationService::GetReservation(const v1::GetReservationRequest& request,
                                                v1::GetReservationResponse* response) const {
  if (request.reservation_id().empty() == request.order_reference().empty()) {
    return ledger::Refuse(
        absl::StatusCode::kInvalidArgument,
        {.reason = "INVALID_FILTER",
         .field = "reservation_id",
         .problem = request.reservation_id().empty() ? "and order_reference are both empty"
                                                     : "and order_reference are both given",
         .remedy = "give the reservation or its order, one of the two"});
  }
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    const absl::StatusOr<const ledger::journal::Reservation*> row = ledger::FindReservation(
        ledger.state(), request.reservation_id(), request.order_reference());
    if (!row.ok()) return row.status();
    *response->mutable_reservation() = ledger::ReservationOf(ledger.state(), **row);
    return absl::OkStatus();
  });
}

absl::Status ReservationService::ListReservations(const v1::ListReservationsRequest& request,
                                                  v1::ListReservationsResponse* response) const {
  const std::string list = absl::StrCat("reservations\n", static_cast<int>(request.state()), "\n",
                                        request.sku(), "\n", request.location_id());
  const absl::StatusOr<Page> page = ReadPage(request.page_size(), request.page_token(), list);
  if (!page.ok()) return page.status();
  Made next;  // before all of them
  if (!page->after.empty()) {
    const std::optional<Made> first = MadeOf(page->after);
    if (!first.has_value()) return RefusePageToken(request.page_token());
    next = *first;
  }
  absl::Status status;
  for (bool done = false; !done;) {
    done = hub_->Read([&](const ledger::Ledger& ledger) {
      // Anew under each lock: items may have been merged in between.
      const absl::StatusOr<Filter> filter = FilterOf(ledger.state(), request);
      status = filter.status();
      return !filter.ok() || FillPage(ledger.state(), *filter, list, page->size, &next, response);
    });
  }
  return status;
}

absl::Status ReservationService::ListShortages(const v1::ListShortagesRequest& request,
                                               v1::ListShortagesResponse* response) const {
  // No id has a line break in it.
  constexpr char kBetweenParts[] = "\n";
  const std::string list = absl::StrCat("shortages\n", request.location_id());
  const absl::StatusOr<Page> page = ReadPage(request.page_size(), request.page_token(), list);
  if (!page.ok()) return page.status();
  std::pair<std::string, std::string> after;  // SKU and location
  if (!page->after.empty()) {
    const std::vector<std::string> parts = absl::StrSplit(page->after, kBetweenParts);
    if (parts.size() != 2) return RefusePageToken(request.page_token());
    after = {parts[0], parts[1]};
  }
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    uint32_t location = 0;
    if (!request.location_id().empty()) {
      const absl::StatusOr<uint32_t> found =
          ledger::FindLocation(ledger.state(), "location_id", request.location_id());
      if (!found.ok()) return found.status();
      location = *found;
    }
    std::vector<v1::Shortage> shortages =
        ledger::ShortagesAfter(ledger.state(), location, after.first, after.second, page->size + 1);
    if (shortages.size() > page->size) {
      shortages.pop_back();
      response->set_next_page_token(PageToken(
          list,
          absl::StrCat(shortages.back().sku(), kBetweenParts, shortages.back().location_id())));
    }
    for (v1::Shortage& shortage : shortages) *response->add_shortages() = std::move(shortage);
    return absl::OkStatus();
  });
}

}  // namespace onhand::rpc
