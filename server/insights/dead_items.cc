#include "server/insights/dead_items.h"

#include <algorithm>
#include <vector>

#include "server/insights/belief.h"
#include "server/ledger/availability.h"
#include "server/ledger/catalog_view.h"

namespace onhand::insights {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kDay_s = 86'400;

ledger::ItemActivity ActivityOf(const ledger::State& state, uint32_t item) {
  return item < state.activity.size() ? state.activity[item] : ledger::ItemActivity{};
}

// The earliest moment at which the ledger can prove that it knew the item, seconds.
int64_t KnownSince_s(const ledger::State& state, uint32_t item) {
  int64_t since_s = state.counters.time_us / kMicrosPerSecond;
  for (const ledger::Cell& cell : state.positions.Of(item).cells) {
    if (cell.HasAbsolute()) since_s = std::min<int64_t>(since_s, cell.absolute_s);
  }
  for (uint32_t channel = 0; channel < ledger::RuleBook::kChannelsMax; ++channel) {
    const ledger::Display* display = state.display.Find(ledger::DisplayKey{item, channel});
    if (display != nullptr) since_s = std::min(since_s, display->changed_us / kMicrosPerSecond);
  }
  const uint32_t receipt_s = ActivityOf(state, item).last_receipt_s;
  return receipt_s == 0 ? since_s : std::min<int64_t>(since_s, receipt_s);
}

bool IsStill(const ledger::State& state, uint32_t item, const DeadQuestion& question) {
  const int64_t now_s = state.counters.time_us / kMicrosPerSecond;
  const ledger::ItemActivity activity = ActivityOf(state, item);
  const int64_t sale_since_s = now_s - question.sale_days * kDay_s;
  const int64_t receipt_since_s = now_s - question.receipt_days * kDay_s;
  if (activity.last_sale_s > sale_since_s || activity.last_receipt_s > receipt_since_s)
    return false;
  const int64_t known_s = KnownSince_s(state, item);
  const bool sale_proven = activity.last_sale_s != 0 || known_s <= sale_since_s;
  const bool receipt_proven = activity.last_receipt_s != 0 || known_s <= receipt_since_s;
  return sale_proven && receipt_proven;
}

// No more of it will come.
bool HasEnded(const ledger::State& state, const ledger::journal::Item& item) {
  if (item.supply() == v1::SUPPLY_ENDED) return true;
  return item.supply() == v1::SUPPLY_SEASONAL && item.supply_us() != 0 &&
         item.supply_us() <= state.counters.time_us;
}

std::vector<uint32_t> SellingChannels(const ledger::Ledger& ledger, uint32_t item) {
  std::vector<uint32_t> channels;
  for (uint32_t channel = 0; channel < ledger::RuleBook::kChannelsMax; ++channel) {
    if (!ledger.rule_book().HasChannel(channel)) continue;
    const ledger::Promise promise =
        ledger::Evaluate(ledger.state(), ledger.rule_book(), {.item = item, .channel = channel});
    if (promise.orderable) channels.push_back(channel);
  }
  return channels;
}

}  // namespace

bool DeadScan::Step(const ledger::Ledger& ledger) {
  const auto& order = ledger.sku_order();
  int cost = 0;
  for (auto at = order.upper_bound(after_); at != order.end(); ++at) {
    cost += CostOf(ledger.state(), at->second);
    if (cost > kPositionsPerSlice && cost > CostOf(ledger.state(), at->second)) return false;
    after_ = at->first;
    Look(ledger, at->second);
  }
  return true;
}

void DeadScan::Look(const ledger::Ledger& ledger, uint32_t item) {
  const ledger::State& state = ledger.state();
  const ledger::journal::Item& row = *state.items.Find(item);
  const bool ended = HasEnded(state, row);
  if (!row.published() || (!ended && !IsStill(state, item, question_))) return;
  const std::vector<uint32_t> channels = SellingChannels(ledger, item);
  if (channels.empty()) return;
  response_.set_dead_count(response_.dead_count() + 1);
  if (static_cast<size_t>(response_.items_size()) >= question_.listed_max) return;
  v1::DeadItem& dead = *response_.add_items();
  dead.set_sku(row.sku());
  dead.set_name(row.name());
  dead.set_reason(ended ? v1::DEAD_REASON_ENDED : v1::DEAD_REASON_NO_MOVEMENT);
  int64_t on_hand = 0;
  for (const ledger::Cell& cell : state.positions.Of(item).cells)
    on_hand += std::max(0, cell.on_hand);
  dead.set_on_hand(on_hand);
  const ledger::ItemActivity activity = ActivityOf(state, item);
  if (activity.last_sale_s != 0)
    *dead.mutable_last_sale_at() = ledger::TimestampOf(activity.last_sale_s * kMicrosPerSecond);
  if (activity.last_receipt_s != 0)
    *dead.mutable_last_receipt_at() =
        ledger::TimestampOf(activity.last_receipt_s * kMicrosPerSecond);
  for (const uint32_t channel : channels)
    dead.add_channel_ids(state.channels.Find(channel)->channel_id());
}

}  // namespace onhand::insights
