#include "clients/cli/reservations.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/moment.h"
#include "clients/cli/names.h"
#include "clients/cli/point.h"
#include "clients/cli/rule_refusals.h"
#include "clients/cli/table.h"
#include "onhand/v1/reservations.grpc.pb.h"

namespace onhand::cli {
namespace {

using Stub = v1::ReservationService::Stub;

// What people wrote where the hub names a field of a request.
absl::Status InOptions(const absl::Status& refused) {
  static const auto& words = *new FieldWords{.of = OptionWords().of,
                                             .others = {{"reservation_id", "ID"},
                                                        {"order_reference", "--order"},
                                                        {"ttl_s", "--ttl"},
                                                        {"line_id", "--line"},
                                                        {"found_units", "--found"},
                                                        {"location_id", "--location"},
                                                        {"basket.location_id", "--location"},
                                                        {"basket.group_id", "--group"},
                                                        {"basket.channel_id", "--channel"},
                                                        {"basket.near", "--near"},
                                                        {"basket.near.latitude", "--near"},
                                                        {"basket.near.longitude", "--near"},
                                                        {"basket.allow_split", "--split"},
                                                        {"sku", "--sku"}}};
  return InWords(refused, words);
}

absl::StatusOr<v1::Basket> BasketOf(const BasketOptions& options) {
  v1::Basket basket;
  for (const std::string& text : options.lines) {
    absl::StatusOr<v1::BasketLine> line = ParseBasketLine(text);
    if (!line.ok()) return line.status();
    *basket.add_lines() = *std::move(line);
  }
  basket.set_channel_id(options.channel_id);
  basket.set_location_id(options.location_id);
  basket.set_group_id(options.group_id);
  basket.set_allow_split(options.allow_split);
  if (!options.near.empty()) {
    absl::StatusOr<v1::GeoPoint> point = ParsePoint("--near", options.near);
    if (!point.ok()) return point.status();
    *basket.mutable_near() = *std::move(point);
  }
  return basket;
}

// 'LINE' or 'LINE=UNITS'.
absl::StatusOr<v1::LineUnits> ParseLineUnits(const std::string& text) {
  v1::LineUnits line;
  const size_t equals = text.find('=');
  uint32_t line_id = 0;
  int32_t units = 0;
  const bool whole = equals == std::string::npos;
  if (!absl::SimpleAtoi(text.substr(0, equals), &line_id) || line_id == 0 ||
      (!whole && (!absl::SimpleAtoi(text.substr(equals + 1), &units) || units < 1))) {
    return UsageError("--line", text,
                      "give the line's number, and =UNITS for some of its units, such as 1 or 1=2");
  }
  line.set_line_id(line_id);
  line.set_units(units);
  return line;
}

absl::Status CheckName(const std::string& command, const ReservationName& name) {
  if (name.reservation_id.empty() != name.order_reference.empty()) return absl::OkStatus();
  return UsageError(command, "", "give the reservation's ID or --order REFERENCE, one of the two");
}

template <typename Request>
void SetName(const ReservationName& name, Request& request) {
  request.set_reservation_id(name.reservation_id);
  request.set_order_reference(name.order_reference);
}

// What else there is to know about a line.
std::string NoteOf(const v1::ReservationLine& line, absl::TimeZone zone) {
  std::vector<std::string> notes;
  if (line.has_available_from()) {
    notes.push_back(absl::StrCat(
        "from ", absl::FormatTime("%Y-%m-%d", FromProto(line.available_from()), zone)));
  }
  if (line.state() == v1::RESERVATION_STATE_FULFILLED) {
    if (line.fulfilled_by_api()) notes.emplace_back("told by the shop");
    if (line.fulfilled_by_till()) {
      notes.emplace_back(line.till_inferred() ? "rung up, matched by units" : "rung up");
    }
  }
  if (line.deducted()) notes.emplace_back("gone from the source's numbers");
  if (!line.reason().empty()) notes.push_back(line.reason());
  if (!line.location_reason().empty()) notes.push_back(line.location_reason());
  return absl::StrJoin(notes, "; ");
}

void PrintReservation(Session& session, const v1::Reservation& reservation) {
  const absl::Time now = HubNow(session);
  session.out << "reservation: " << reservation.reservation_id() << "\n"
              << "order:       "
              << (reservation.order_reference().empty() ? "none yet"
                                                        : reservation.order_reference())
              << (reservation.imported() ? " (taken over)" : "") << "\n"
              << "channel:     " << reservation.channel_id() << "\n"
              << "state:       " << NameOf(reservation.state());
  if (reservation.has_expires_at()) {
    session.out << " until "
                << FormatMoment(FromProto(reservation.expires_at()), now, session.zone);
  }
  session.out << "\nmade:        "
              << FormatMoment(FromProto(reservation.created_at()), now, session.zone) << "\n";
  Table table({">LINE", "SKU", ">UNITS", "STATE", "LOCATION", "PROMISE", "NOTE"});
  for (const v1::ReservationLine& line : reservation.lines()) {
    table.Add({absl::StrCat(line.line_id()), line.sku(), absl::StrCat(line.units()),
               NameOf(line.state()), line.location_id(), NameOf(line.promise()),
               NoteOf(line, session.zone)});
  }
  table.Print(session.out, "No lines.");
}

std::string PartText(const v1::BasketPart& part, absl::TimeZone zone) {
  std::string text = absl::StrCat(part.units());
  if (part.promise() == v1::LINE_PROMISE_STOCK) {
    absl::StrAppend(&text, " at ", part.location_id());
  } else {
    absl::StrAppend(&text, " ", NameOf(part.promise()));
  }
  if (part.has_available_from()) {
    absl::StrAppend(&text, " from ",
                    absl::FormatTime("%Y-%m-%d", FromProto(part.available_from()), zone));
  }
  if (!part.location_reason().empty()) absl::StrAppend(&text, " (", part.location_reason(), ")");
  return text;
}

void PrintAnswers(Session& session,
                  const google::protobuf::RepeatedPtrField<v1::BasketAnswer>& answers) {
  Table table({"SKU", ">WANTED", ">CAN HOLD", "FROM", "WHY NOT ALL"});
  for (const v1::BasketAnswer& answer : answers) {
    const std::string from =
        absl::StrJoin(answer.parts(), ", ", [&](std::string* out, const v1::BasketPart& part) {
          absl::StrAppend(out, PartText(part, session.zone));
        });
    table.Add({answer.sku(), absl::StrCat(answer.wanted()), absl::StrCat(answer.units()), from,
               answer.shortfall()});
  }
  table.Print(session.out, "The basket is empty.");
}

// Shows the reservation as a step left it.
template <typename Response>
absl::Status ReportReservation(Session& session, const absl::StatusOr<Response>& response) {
  if (!response.ok()) return InOptions(response.status());
  if (session.json) {
    PrintJson(session, *response);
  } else {
    PrintReservation(session, response->reservation());
  }
  return absl::OkStatus();
}

template <typename Request>
absl::StatusOr<Request> StepRequest(const std::string& command, const StepOptions& options) {
  if (absl::Status status = CheckName(command, options.name); !status.ok()) return status;
  Request request;
  SetName(options.name, request);
  for (const std::string& text : options.lines) {
    const absl::StatusOr<v1::LineUnits> line = ParseLineUnits(text);
    if (!line.ok()) return line.status();
    *request.add_lines() = *line;
  }
  return request;
}

int64_t UnitsOf(const v1::Reservation& reservation) {
  int64_t units = 0;
  for (const v1::ReservationLine& line : reservation.lines()) units += line.units();
  return units;
}

}  // namespace

absl::StatusOr<v1::BasketLine> ParseBasketLine(const std::string& text) {
  v1::BasketLine line;
  line.set_units(1);
  for (size_t equals = text.find('='); equals != std::string::npos;
       equals = text.find('=', equals + 1)) {
    size_t end = equals + 1;
    while (end < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[end]))) ++end;
    if (end == equals + 1 || (end < text.size() && text[end] != '@')) continue;
    int32_t units = 0;
    if (!absl::SimpleAtoi(text.substr(equals + 1, end - equals - 1), &units) || units < 1) {
      return UsageError("LINE", text, "give 1 to 10,000 units");
    }
    line.set_sku(text.substr(0, equals));
    line.set_units(units);
    if (end < text.size()) line.set_location_id(text.substr(end + 1));
    break;
  }
  if (line.sku().empty()) line.set_sku(text);
  if (line.sku().empty() || line.sku().front() == '=') {
    return UsageError("LINE", text, "give SKU=UNITS, such as 4711=2, or 4711=2@LOCATION");
  }
  return line;
}

absl::Status CreateReservation(Session& session, const CreateReservationOptions& options) {
  absl::StatusOr<v1::Basket> basket = BasketOf(options.basket);
  if (!basket.ok()) return basket.status();
  if (options.commit && options.order_reference.empty()) {
    return UsageError("--commit", "", "name the order that is placed: --order REFERENCE");
  }
  v1::CreateReservationRequest request;
  *request.mutable_basket() = *std::move(basket);
  if (!options.ttl.empty()) {
    const absl::StatusOr<int32_t> ttl_s = ParseSeconds("--ttl", options.ttl);
    if (!ttl_s.ok()) return ttl_s.status();
    request.set_ttl_s(*ttl_s);
  }
  request.set_order_reference(options.order_reference);
  request.set_allow_partial(options.allow_partial);
  request.set_commit(options.commit);
  const auto response = session.hub.Write(&Stub::CreateReservation, std::move(request));
  if (absl::Status status = ReportReservation(session, response); !status.ok() || session.json) {
    return status;
  }
  for (const v1::BasketAnswer& answer : response->answers()) {
    if (answer.units() == answer.wanted()) continue;
    session.out << "Of " << answer.sku() << " only " << answer.units() << " of " << answer.wanted()
                << " are held: " << answer.shortfall() << ".\n";
  }
  return absl::OkStatus();
}

absl::Status CheckBasket(Session& session, const BasketOptions& options) {
  absl::StatusOr<v1::Basket> basket = BasketOf(options);
  if (!basket.ok()) return basket.status();
  v1::CheckBasketRequest request;
  *request.mutable_basket() = *std::move(basket);
  const auto response = session.hub.Call(&Stub::CheckBasket, request);
  if (!response.ok()) return InOptions(response.status());
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  PrintAnswers(session, response->answers());
  session.out << (response->can_hold() ? "The basket can be held.\n"
                                       : "The basket cannot be held whole.\n");
  return absl::OkStatus();
}

absl::Status ExtendReservation(Session& session, const ExtendOptions& options) {
  v1::ExtendReservationRequest request;
  request.set_reservation_id(options.reservation_id);
  if (!options.ttl.empty()) {
    const absl::StatusOr<int32_t> ttl_s = ParseSeconds("--ttl", options.ttl);
    if (!ttl_s.ok()) return ttl_s.status();
    request.set_ttl_s(*ttl_s);
  }
  return ReportReservation(session,
                           session.hub.Write(&Stub::ExtendReservation, std::move(request)));
}

absl::Status CommitReservation(Session& session, const ReservationName& options) {
  v1::CommitReservationRequest request;
  SetName(options, request);
  return ReportReservation(session,
                           session.hub.Write(&Stub::CommitReservation, std::move(request)));
}

absl::Status PickReservation(Session& session, const StepOptions& options) {
  auto request = StepRequest<v1::PickReservationRequest>("reservation pick", options);
  if (!request.ok()) return request.status();
  return ReportReservation(session, session.hub.Write(&Stub::PickReservation, *std::move(request)));
}

absl::Status FulfilReservation(Session& session, const StepOptions& options) {
  auto request = StepRequest<v1::FulfilReservationRequest>("reservation fulfil", options);
  if (!request.ok()) return request.status();
  return ReportReservation(session,
                           session.hub.Write(&Stub::FulfilReservation, *std::move(request)));
}

absl::Status ReleaseReservation(Session& session, const StepOptions& options) {
  auto request = StepRequest<v1::ReleaseReservationRequest>("reservation release", options);
  if (!request.ok()) return request.status();
  request->set_author(options.author);
  request->set_reason(options.reason);
  return ReportReservation(session,
                           session.hub.Write(&Stub::ReleaseReservation, *std::move(request)));
}

absl::Status ReassignLine(Session& session, const ReassignOptions& options) {
  v1::ReassignLineRequest request;
  request.set_reservation_id(options.reservation_id);
  request.set_line_id(options.line_id);
  request.set_location_id(options.location_id);
  request.set_author(options.author);
  request.set_reason(options.reason);
  return ReportReservation(session, session.hub.Write(&Stub::ReassignLine, std::move(request)));
}

absl::Status FailPick(Session& session, const FailPickOptions& options) {
  if (absl::Status status = CheckName("reservation fail-pick", options.name); !status.ok()) {
    return status;
  }
  const auto failure = ValueOf<v1::PickFailure>("--failure", options.failure);
  if (!failure.ok()) return failure.status();
  const auto then = ValueOf<v1::AfterFailedPick>("--then", options.then);
  if (!then.ok()) return then.status();
  if (!options.location_id.empty() && *then != v1::AFTER_FAILED_PICK_REASSIGN) {
    return UsageError("--location", options.location_id, "it goes with --then reassign only");
  }
  v1::FailPickRequest request;
  SetName(options.name, request);
  request.set_line_id(options.line_id);
  request.set_failure(*failure);
  request.set_found_units(options.found_units);
  request.set_then(*then);
  request.set_location_id(options.location_id);
  request.set_author(options.author);
  request.set_reason(options.reason);
  return ReportReservation(session, session.hub.Write(&Stub::FailPick, std::move(request)));
}

absl::Status ShowReservation(Session& session, const ReservationName& options) {
  if (absl::Status status = CheckName("reservation show", options); !status.ok()) return status;
  v1::GetReservationRequest request;
  SetName(options, request);
  return ReportReservation(session, session.hub.Call(&Stub::GetReservation, request));
}

absl::Status ListReservations(Session& session, const ListReservationsOptions& options) {
  v1::ListReservationsRequest request;
  if (!options.state.empty()) {
    const auto state = ValueOf<v1::ReservationState>("--state", options.state);
    if (!state.ok()) return state.status();
    request.set_state(*state);
  }
  request.set_sku(options.sku);
  request.set_location_id(options.location_id);
  const auto response = ListAll(session, &Stub::ListReservations, request);
  if (!response.ok()) return InOptions(response.status());
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({"RESERVATION", "ORDER", "CHANNEL", "STATE", ">LINES", ">UNITS", "MADE", "UNTIL"});
  const absl::Time now = HubNow(session);
  for (const v1::Reservation& one : response->reservations()) {
    table.Add(
        {one.reservation_id(), one.order_reference(), one.channel_id(), NameOf(one.state()),
         absl::StrCat(one.lines_size()), absl::StrCat(UnitsOf(one)),
         FormatMoment(FromProto(one.created_at()), now, session.zone),
         one.has_expires_at() ? FormatMoment(FromProto(one.expires_at()), now, session.zone) : ""});
  }
  table.Print(session.out, "No reservations.");
  return absl::OkStatus();
}

absl::Status CheckShortages(Session& session, const std::string& location_id) {
  constexpr int kWaitingShown = 3;
  v1::ListShortagesRequest request;
  request.set_location_id(location_id);
  const auto response = ListAll(session, &Stub::ListShortages, request);
  if (!response.ok()) return InOptions(response.status());
  if (session.json) {
    PrintJson(session, *response);
    return absl::OkStatus();
  }
  Table table({"SKU", "LOCATION", ">SHORT", "WHO WAITS, THE OLDEST FIRST"});
  for (const v1::Shortage& shortage : response->shortages()) {
    const auto& ids = shortage.reservation_ids();
    const int shown = std::min(ids.size(), kWaitingShown);
    std::string waiting = absl::StrJoin(ids.begin(), ids.begin() + shown, ", ");
    if (shown < ids.size()) absl::StrAppend(&waiting, " and ", ids.size() - shown, " more");
    table.Add({shortage.sku(), shortage.location_id(), absl::StrCat(shortage.units()), waiting});
  }
  table.Print(session.out, "Nowhere is more promised than there is.");
  return absl::OkStatus();
}

}  // namespace onhand::cli
