// Decisions about what the chain sells, where, and through which channels. Each checks its whole
// request first and adds its facts last, so that a refusal leaves the group as it was.
// Pure functions over a Group; the sequencer's thread.
#ifndef ONHAND_SERVER_LEDGER_DECIDE_CATALOG_H_
#define ONHAND_SERVER_LEDGER_DECIDE_CATALOG_H_

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "onhand/v1/catalog.pb.h"
#include "server/ledger/group.h"

namespace onhand::ledger {

// Whether an IANA time zone exists. Given by the caller, because time zones are read from files.
using TimeZoneKnown = absl::FunctionRef<bool(absl::string_view name)>;

// INVALID_ARGUMENT: INVALID_ID, INVALID_ITEM, BATCH_TOO_LARGE. ALREADY_EXISTS: ALIAS_TAKEN.
// Elements are taken in order: a code that one gives up may be taken by a later one.
absl::StatusOr<v1::BatchUpsertItemsResponse> DecideUpsertItems(
    Group& group, const v1::BatchUpsertItemsRequest& request);
// NOT_FOUND: UNKNOWN_ITEM. ALREADY_EXISTS: SKU_TAKEN. INVALID_ARGUMENT: INVALID_ID.
absl::StatusOr<v1::RenameItemResponse> DecideRenameItem(Group& group,
                                                        const v1::RenameItemRequest& request);
// NOT_FOUND: UNKNOWN_ITEM. INVALID_ARGUMENT: INVALID_MERGE. The duplicate's rules and supply on its
// way become the item's.
absl::StatusOr<v1::MergeItemsResponse> DecideMergeItems(Group& group,
                                                        const v1::MergeItemsRequest& request);
// NOT_FOUND: UNKNOWN_ITEM. INVALID_ARGUMENT: REASON_MISSING (stopping without one).
absl::StatusOr<v1::StopItemResponse> DecideStopItem(Group& group,
                                                    const v1::StopItemRequest& request);

// INVALID_ARGUMENT: INVALID_ID, INVALID_LOCATION, BATCH_TOO_LARGE.
absl::StatusOr<v1::BatchUpsertLocationsResponse> DecideUpsertLocations(
    Group& group, const v1::BatchUpsertLocationsRequest& request, TimeZoneKnown time_zone_known);
// NOT_FOUND: UNKNOWN_LOCATION, UNKNOWN_CHANNEL. INVALID_ARGUMENT: INVALID_STATE.
absl::StatusOr<v1::SetLocationStateResponse> DecideSetLocationState(
    Group& group, const v1::SetLocationStateRequest& request);
absl::StatusOr<v1::AnnounceStocktakeResponse> DecideAnnounceStocktake(
    Group& group, const v1::AnnounceStocktakeRequest& request);
// INVALID_ARGUMENT: INVALID_ID, INVALID_GROUP, BATCH_TOO_LARGE. NOT_FOUND: UNKNOWN_LOCATION.
absl::StatusOr<v1::BatchUpsertGroupsResponse> DecideUpsertGroups(
    Group& group, const v1::BatchUpsertGroupsRequest& request);
// INVALID_ARGUMENT: INVALID_ID, INVALID_CHANNEL. NOT_FOUND: UNKNOWN_LOCATION, UNKNOWN_GROUP.
absl::StatusOr<v1::BatchUpsertChannelsResponse> DecideUpsertChannels(
    Group& group, const v1::BatchUpsertChannelsRequest& request);
// INVALID_ARGUMENT: INVALID_CHAIN, INVALID_TEXT.
absl::StatusOr<v1::SetChainResponse> DecideSetChain(Group& group,
                                                    const v1::SetChainRequest& request,
                                                    TimeZoneKnown time_zone_known);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_DECIDE_CATALOG_H_
