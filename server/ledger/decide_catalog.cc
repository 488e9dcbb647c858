#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/decide_catalog.h"
#include "server/ledger/decide_quarantine.h"
#include "server/ledger/decide_rules.h"
#include "server/ledger/decide_supply.h"
#include "server/ledger/refusal.h"
#include "server/ledger/reservation_steps.h"
#include "server/ledger/validate.h"

namespace onhand::ledger {
namespace {

constexpr int kItemsMax = 1'000;
constexpr int kAliasesMax = 64;
constexpr uint32_t kPackFactorMax = 100'000;
constexpr double kUnitValueMax = 1e9;

absl::Status RefuseItem(absl::string_view field, std::string value, std::string problem,
                        std::string remedy) {
  return Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_ITEM",
                                                     .field = field,
                                                     .value = std::move(value),
                                                     .problem = std::move(problem),
                                                     .remedy = std::move(remedy)});
}

// A code and the source that means it so; no source: all of them.
using Code = std::pair<std::string, std::string>;

std::vector<Code> CodesOf(const journal::Item& item) {
  std::vector<Code> codes = {{"", item.sku()}};
  for (const journal::Alias& alias : item.aliases()) {
    codes.emplace_back(alias.source_id(), alias.code());
  }
  return codes;
}

const CodeTarget* FindCode(const State& state, const Code& code) {
  return code.first.empty() ? state.codes.Find(code.second) : state.source_codes.Find(code);
}

absl::Status CheckCategory(const std::string& field, const std::string& category) {
  if (absl::Status status = CheckText(field, category); !status.ok()) return status;
  if (category.empty()) return absl::OkStatus();
  for (const absl::string_view part : absl::StrSplit(category, '/')) {
    if (!part.empty()) continue;
    return RefuseItem(field, category, "has an empty part",
                      "separate parts by one '/' and begin and end without it, such as "
                      "footwear/running");
  }
  return absl::OkStatus();
}

absl::Status CheckAliases(const std::string& field, const v1::Item& item) {
  if (item.aliases_size() > kAliasesMax) {
    return RefuseItem(absl::StrCat(field, ".aliases"), absl::StrCat(item.aliases_size()),
                      "are too many", absl::StrCat("give an item at most ", kAliasesMax));
  }
  absl::flat_hash_set<Code> seen;
  for (int i = 0; i < item.aliases_size(); ++i) {
    const v1::Alias& alias = item.aliases(i);
    const std::string path = absl::StrCat(field, ".aliases[", i, "]");
    const std::string code_path = absl::StrCat(path, ".code");
    if (absl::Status status = CheckId(code_path, alias.code()); !status.ok()) return status;
    if (!alias.source_id().empty()) {
      absl::Status status = CheckId(absl::StrCat(path, ".source_id"), alias.source_id());
      if (!status.ok()) return status;
    }
    if (alias.pack_factor() > kPackFactorMax) {
      return RefuseItem(absl::StrCat(path, ".pack_factor"), absl::StrCat(alias.pack_factor()),
                        "is out of range", absl::StrCat("send 1 to ", kPackFactorMax));
    }
    if (alias.source_id().empty() && alias.code() == item.sku()) {
      return RefuseItem(code_path, alias.code(), "is the item's own SKU", "leave it out");
    }
    if (!seen.emplace(alias.source_id(), alias.code()).second) {
      return RefuseItem(code_path, alias.code(), "is given twice for the same source",
                        "give it once");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckItem(const std::string& field, const v1::Item& item) {
  if (absl::Status status = CheckId(absl::StrCat(field, ".sku"), item.sku()); !status.ok()) {
    return status;
  }
  if (absl::Status status = CheckText(absl::StrCat(field, ".name"), item.name()); !status.ok()) {
    return status;
  }
  if (!item.parent_sku().empty()) {
    absl::Status status = CheckId(absl::StrCat(field, ".parent_sku"), item.parent_sku());
    if (!status.ok()) return status;
  }
  if (absl::Status status = CheckCategory(absl::StrCat(field, ".category"), item.category());
      !status.ok()) {
    return status;
  }
  if (!v1::Supply_IsValid(item.supply())) {
    return RefuseItem(absl::StrCat(field, ".supply"), absl::StrCat(item.supply()),
                      "is no kind of supply", "send REORDERABLE, SEASONAL or ENDED");
  }
  if (!item.like_sku().empty()) {
    absl::Status status = CheckId(absl::StrCat(field, ".like_sku"), item.like_sku());
    if (!status.ok()) return status;
  }
  // Written so that what is not a number is refused too.
  if (!(item.unit_value() >= 0 && item.unit_value() <= kUnitValueMax)) {
    return RefuseItem(absl::StrCat(field, ".unit_value"), absl::StrCat(item.unit_value()),
                      "is out of range", "send 0 to 1000000000");
  }
  return CheckAliases(field, item);
}

// An earlier SKU of an item, kept by a rename or a merge: it has no pack.
bool IsOldSku(const journal::Alias& alias) { return alias.pack_factor() == 0; }

// The row that an element asks for; what only the hub knows is taken from the known one. Earlier
// SKUs stay, whether the element lists them or not: a till that has not heard of the new one goes
// on sending them.
journal::Item RowOf(const v1::Item& item, uint32_t id, const journal::Item* known) {
  journal::Item row;
  row.set_id(id);
  row.set_sku(item.sku());
  row.set_name(item.name());
  std::vector<journal::Alias> old_skus;
  if (known != nullptr) {
    std::copy_if(known->aliases().begin(), known->aliases().end(), std::back_inserter(old_skus),
                 IsOldSku);
  }
  const auto is_old_sku = [&old_skus](const v1::Alias& alias) {
    return alias.source_id().empty() && alias.pack_factor() <= 1 &&
           std::any_of(old_skus.begin(), old_skus.end(),
                       [&](const journal::Alias& old) { return old.code() == alias.code(); });
  };
  for (const v1::Alias& alias : item.aliases()) {
    if (is_old_sku(alias)) continue;
    journal::Alias& added = *row.add_aliases();
    added.set_code(alias.code());
    added.set_source_id(alias.source_id());
    added.set_pack_factor(alias.pack_factor() == 0 ? 1 : alias.pack_factor());
  }
  for (journal::Alias& old : old_skus) *row.add_aliases() = std::move(old);
  row.set_parent_sku(item.parent_sku());
  row.set_category(item.category());
  row.set_supply(static_cast<uint32_t>(
      item.supply() == v1::SUPPLY_UNSPECIFIED ? v1::SUPPLY_REORDERABLE : item.supply()));
  if (item.has_supply_date()) row.set_supply_us(MicrosOf(item.supply_date()));
  row.set_published(item.published());
  row.set_stopped(known != nullptr && known->stopped());
  row.set_like_sku(item.like_sku());
  row.set_unit_value(item.unit_value());
  return row;
}

bool SameRow(const journal::Item& known, const journal::Item& wanted) {
  journal::Item before = known;
  before.set_revision(0);
  return before.SerializeAsString() == wanted.SerializeAsString();
}

// Who owns which code while the elements of one request are taken in order.
class CodeOwners {
 public:
  explicit CodeOwners(const State& state) : state_(state) {}

  uint32_t OwnerOf(const Code& code) const {
    if (const auto found = changed_.find(code); found != changed_.end()) return found->second;
    const CodeTarget* target = FindCode(state_, code);
    return target == nullptr ? 0 : target->item;
  }
  void Give(const Code& code, uint32_t item) { changed_[code] = item; }

 private:
  const State& state_;
  absl::flat_hash_map<Code, uint32_t> changed_;  // 0: nobody
};

absl::Status CheckOwner(const State& state, const CodeOwners& owners, const Code& code,
                        uint32_t item, const std::string& field) {
  const uint32_t owner = owners.OwnerOf(code);
  if (owner == 0 || owner == item) return absl::OkStatus();
  const journal::Item* other = state.items.Find(owner);
  return Refuse(
      absl::StatusCode::kAlreadyExists,
      {.reason = "ALIAS_TAKEN",
       .field = field,
       .value = code.second,
       .problem = other == nullptr ? "is a code of another item of this request"
                                   : absl::StrCat("is a code of item '", other->sku(), "'"),
       .remedy = "take the code from that item first, or merge the two items"});
}

// What a checked request will do.
struct ItemPlan {
  std::vector<journal::Item> rows;
  std::vector<std::string> new_codes;
  v1::BatchUpsertItemsResponse response;
};

// Plans one element that passed CheckItem.
absl::Status PlanItem(const State& state, const v1::Item& item, const std::string& field,
                      CodeOwners& owners, ItemPlan& plan) {
  const uint32_t owner = owners.OwnerOf({"", item.sku()});
  const journal::Item* known = state.items.Find(owner);
  if (owner != 0 && (known == nullptr || known->sku() != item.sku())) {
    return CheckOwner(state, owners, {"", item.sku()}, 0, absl::StrCat(field, ".sku"));
  }
  const uint32_t id =
      known != nullptr ? known->id() : state.counters.item_end + plan.response.created_count();
  journal::Item row = RowOf(item, id, known);
  if (known != nullptr && SameRow(*known, row)) {
    plan.response.set_unchanged_count(plan.response.unchanged_count() + 1);
    return absl::OkStatus();
  }
  for (int i = 0; i < row.aliases_size(); ++i) {
    const Code code(row.aliases(i).source_id(), row.aliases(i).code());
    absl::Status status =
        CheckOwner(state, owners, code, id, absl::StrCat(field, ".aliases[", i, "].code"));
    if (!status.ok()) return status;
  }
  const std::vector<Code> codes = CodesOf(row);
  for (const Code& code : codes) {
    if (owners.OwnerOf(code) == 0) plan.new_codes.push_back(code.second);
  }
  if (known != nullptr) {
    for (const Code& code : CodesOf(*known)) owners.Give(code, 0);
    plan.response.set_updated_count(plan.response.updated_count() + 1);
  } else {
    plan.response.set_created_count(plan.response.created_count() + 1);
  }
  for (const Code& code : codes) owners.Give(code, id);
  if (!row.like_sku().empty() && owners.OwnerOf({"", row.like_sku()}) == id) {
    return RefuseItem(absl::StrCat(field, ".like_sku"), row.like_sku(), "is the item itself",
                      "name another item that sells like it, or none");
  }
  plan.rows.push_back(std::move(row));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::BatchUpsertItemsResponse> DecideUpsertItems(
    Group& group, const v1::BatchUpsertItemsRequest& request) {
  if (request.items_size() > kItemsMax) {
    return Refuse(absl::StatusCode::kInvalidArgument,
                  {.reason = "BATCH_TOO_LARGE",
                   .field = "items",
                   .value = absl::StrCat(request.items_size()),
                   .problem = "are too many",
                   .remedy = absl::StrCat("send at most ", kItemsMax, " in one request")});
  }
  CodeOwners owners(group.state());
  ItemPlan plan;
  absl::flat_hash_set<absl::string_view> seen;
  for (int i = 0; i < request.items_size(); ++i) {
    const v1::Item& item = request.items(i);
    const std::string field = absl::StrCat("items[", i, "]");
    if (absl::Status status = CheckItem(field, item); !status.ok()) return status;
    if (!seen.insert(item.sku()).second) {
      return RefuseItem(absl::StrCat(field, ".sku"), item.sku(), "is given twice",
                        "send each SKU once in a request");
    }
    if (absl::Status status = PlanItem(group.state(), item, field, owners, plan); !status.ok()) {
      return status;
    }
  }
  if (request.dry_run()) return plan.response;

  plan.response.set_revision(group.revision());
  for (journal::Item& row : plan.rows) {
    journal::Fact fact;
    fact.mutable_item_set()->set_by_catalog(true);
    *fact.mutable_item_set()->mutable_item() = std::move(row);
    group.Add(std::move(fact));
  }
  for (const std::string& code : plan.new_codes) TakeHeldRows(group, code);
  return plan.response;
}

absl::StatusOr<v1::RenameItemResponse> DecideRenameItem(Group& group,
                                                        const v1::RenameItemRequest& request) {
  const absl::StatusOr<uint32_t> item = FindItem(group.state(), "sku", request.sku());
  if (!item.ok()) return item.status();
  if (absl::Status status = CheckId("new_sku", request.new_sku()); !status.ok()) return status;
  const CodeTarget* taken = group.state().codes.Find(request.new_sku());
  if (taken != nullptr && taken->item != *item) {
    return Refuse(absl::StatusCode::kAlreadyExists,
                  {.reason = "SKU_TAKEN",
                   .field = "new_sku",
                   .value = request.new_sku(),
                   .problem = absl::StrCat("is a code of item '",
                                           group.state().items.Find(taken->item)->sku(), "'"),
                   .remedy = "choose another SKU, or merge the two items"});
  }
  const bool is_new = taken == nullptr;
  if (group.state().items.Find(*item)->sku() != request.new_sku()) {
    journal::Fact fact;
    fact.mutable_item_renamed()->set_item(*item);
    fact.mutable_item_renamed()->set_new_sku(request.new_sku());
    group.Add(std::move(fact));
    if (is_new) TakeHeldRows(group, request.new_sku());
  }
  v1::RenameItemResponse response;
  *response.mutable_item() = ItemOf(*group.state().items.Find(*item));
  return response;
}

absl::StatusOr<v1::MergeItemsResponse> DecideMergeItems(Group& group,
                                                        const v1::MergeItemsRequest& request) {
  const absl::StatusOr<uint32_t> item = FindItem(group.state(), "sku", request.sku());
  if (!item.ok()) return item.status();
  const absl::StatusOr<uint32_t> duplicate =
      FindItem(group.state(), "duplicate_sku", request.duplicate_sku());
  if (!duplicate.ok()) return duplicate.status();
  const auto refuse = [&](std::string problem, std::string remedy) {
    return Refuse(absl::StatusCode::kInvalidArgument, {.reason = "INVALID_MERGE",
                                                       .field = "duplicate_sku",
                                                       .value = request.duplicate_sku(),
                                                       .problem = std::move(problem),
                                                       .remedy = std::move(remedy)});
  };
  if (*item == *duplicate) {
    return refuse("leads to the item itself", "name the SKU of another item");
  }
  journal::Fact fact;
  journal::ItemsMerged& merged = *fact.mutable_items_merged();
  merged.set_item(*item);
  merged.set_duplicate(*duplicate);
  merged.set_occurred_us(group.now_us());
  const State& state = group.Settled();
  merged.set_ordinal(state.counters.person_ordinal + 1);
  for (const uint32_t location : state.positions.LocationsOf(*duplicate)) {
    const PositionTable::View from = state.positions.Find(*duplicate, location);
    const PositionTable::View to = state.positions.Find(*item, location);
    const int64_t sum = int64_t{from.cell->on_hand} + (to.cell == nullptr ? 0 : to.cell->on_hand);
    if (sum != static_cast<int32_t>(sum)) {
      return refuse(
          absl::StrCat("would bring location '", state.locations.Find(location)->location_id(),
                       "' to ", sum, " units, which no position can hold"),
          "correct the numbers of one of the two items first");
    }
    merged.add_location(location);
    merged.add_on_hand(from.cell->on_hand);
    merged.add_unavailable(from.beside == nullptr ? 0 : from.beside->now.unavailable());
  }
  const std::string reason =
      absl::StrCat("'", request.duplicate_sku(), "' became '", request.sku(), "'");
  // Before the positions of the duplicate go.
  MoveReservations(group, *duplicate, *item, reason);
  group.Add(std::move(fact));
  RescopeRules(group, *duplicate, *item, reason);
  MoveIncoming(group, *duplicate, *item, reason);
  v1::MergeItemsResponse response;
  *response.mutable_item() = ItemOf(*group.state().items.Find(*item));
  return response;
}

absl::StatusOr<v1::StopItemResponse> DecideStopItem(Group& group,
                                                    const v1::StopItemRequest& request) {
  const absl::StatusOr<uint32_t> item = FindItem(group.state(), "sku", request.sku());
  if (!item.ok()) return item.status();
  if (absl::Status status = CheckText("reason", request.reason()); !status.ok()) return status;
  if (absl::Status status = CheckText("author", request.author()); !status.ok()) return status;
  if (request.stopped() && request.reason().empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument,
                  {.reason = "REASON_MISSING",
                   .field = "reason",
                   .problem = "is empty",
                   .remedy = "say why the item is stopped; the audit keeps it"});
  }
  if (group.state().items.Find(*item)->stopped() != request.stopped()) {
    journal::Fact fact;
    journal::ItemStopped& stopped = *fact.mutable_item_stopped();
    stopped.set_item(*item);
    stopped.set_stopped(request.stopped());
    stopped.set_reason(request.reason());
    stopped.set_author(request.author());
    group.Add(std::move(fact));
  }
  v1::StopItemResponse response;
  *response.mutable_item() = ItemOf(*group.state().items.Find(*item));
  response.set_revision(group.revision());
  return response;
}

}  // namespace onhand::ledger
