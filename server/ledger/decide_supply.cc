#include "server/ledger/decide_supply.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

absl::Status RefuseIncoming(absl::string_view field, std::string value, std::string problem,
                            std::string remedy) {
  return Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_INCOMING",
                                                     .field = field,
                                                     .value = std::move(value),
                                                     .problem = std::move(problem),
                                                     .remedy = std::move(remedy)});
}

absl::Status CheckDue(const v1::Incoming& incoming, int64_t now_us) {
  if (!incoming.has_due_at()) {
    return RefuseIncoming("incoming.due_at", "", "is missing", "say when it should be there");
  }
  if (MicrosOf(incoming.due_at()) > now_us - kIncomingGraceUs) return absl::OkStatus();
  return RefuseIncoming("incoming.due_at", absl::StrCat(incoming.due_at().seconds()),
                        "is more than two days past, so it would back no promise",
                        "send when it is expected now, or 0 units to close it");
}

// The row that a request asks for.
absl::StatusOr<journal::IncomingSet> RowOf(const State& state, int64_t now_us,
                                           const v1::SetIncomingRequest& request) {
  const v1::Incoming& incoming = request.incoming();
  for (const absl::Status& status :
       {CheckId("incoming.reference", incoming.reference()),
        CheckUnits("incoming.units", incoming.units(), 0), CheckText("author", request.author()),
        CheckText("reason", request.reason())}) {
    if (!status.ok()) return status;
  }
  const absl::StatusOr<uint32_t> item = FindItem(state, "incoming.sku", incoming.sku());
  if (!item.ok()) return item.status();
  const absl::StatusOr<uint32_t> location =
      FindLocation(state, "incoming.location_id", incoming.location_id());
  if (!location.ok()) return location.status();
  journal::IncomingSet row;
  row.set_reference(incoming.reference());
  row.set_item(*item);
  row.set_location(*location);
  row.set_author(request.author());
  row.set_reason(request.reason());
  if (incoming.units() == 0) return row;
  if (absl::Status status = CheckDue(incoming, now_us); !status.ok()) return status;
  row.set_units(incoming.units());
  row.set_due_us(MicrosOf(incoming.due_at()));
  return row;
}

}  // namespace

absl::StatusOr<v1::SetIncomingResponse> DecideSetIncoming(Group& group,
                                                          const v1::SetIncomingRequest& request) {
  absl::StatusOr<journal::IncomingSet> row = RowOf(group.state(), group.now_us(), request);
  if (!row.ok()) return row.status();
  v1::SetIncomingResponse response;
  response.set_revision(group.revision());

  const std::vector<journal::IncomingSet>* open = group.state().incoming.Find(row->item());
  const auto same = [&row](const journal::IncomingSet& one) {
    return one.reference() == row->reference() && one.location() == row->location();
  };
  const bool known = open != nullptr && std::any_of(open->begin(), open->end(), same);
  if (row->units() == 0 && !known) return response;
  if (!known && open != nullptr && open->size() >= kIncomingMax) {
    return RefuseIncoming("incoming.sku", request.incoming().sku(),
                          absl::StrCat("has ", open->size(), " open announcements already"),
                          "close those that came or never will (0 units)");
  }
  journal::Fact fact;
  *fact.mutable_incoming_set() = *std::move(row);
  group.Add(std::move(fact));
  return response;
}

void MoveIncoming(Group& group, uint32_t from_item, uint32_t to_item, const std::string& reason) {
  const std::vector<journal::IncomingSet>* open = group.state().incoming.Find(from_item);
  if (open == nullptr) return;
  // A copy: each fact changes the table.
  for (journal::IncomingSet row : std::vector<journal::IncomingSet>(*open)) {
    row.clear_author();
    row.set_reason(reason);
    journal::Fact closed;
    *closed.mutable_incoming_set() = row;
    closed.mutable_incoming_set()->set_units(0);
    group.Add(std::move(closed));
    if (const auto* there = group.state().incoming.Find(to_item)) {
      for (const journal::IncomingSet& other : *there) {
        if (other.reference() != row.reference() || other.location() != row.location()) continue;
        row.set_units(std::min(kUnitsMax, row.units() + other.units()));
        row.set_due_us(std::max(row.due_us(), other.due_us()));
      }
    }
    row.set_item(to_item);
    journal::Fact moved;
    *moved.mutable_incoming_set() = std::move(row);
    group.Add(std::move(moved));
  }
}

}  // namespace onhand::ledger
