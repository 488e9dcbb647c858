#include "server/ledger/preview.h"

#include <algorithm>
#include <utility>

#include "onhand/v1/types.pb.h"

namespace onhand::ledger {
namespace {

// What a change may hide of what is shown before it asks for confirmation, unless the chain says
// otherwise.
constexpr double kAllowedPercent = 20;

bool IsShown(const Promise& promise) { return promise.status != v1::AVAILABILITY_STATUS_HIDDEN; }

bool IsShown(const Display& display) {
  return display.status != static_cast<uint32_t>(v1::AVAILABILITY_STATUS_HIDDEN) &&
         display.status != static_cast<uint32_t>(v1::AVAILABILITY_STATUS_UNSPECIFIED);
}

std::string RuleIdOf(const journal::Rule* rule) {
  return rule == nullptr ? std::string() : rule->rule_id();
}

uint8_t ChannelsOf(const State& state, const journal::Rule& rule) {
  uint8_t channels = 0;
  state.channels.ForEach([&](uint32_t id, const journal::Channel& channel) {
    if (rule.has_channel() && rule.channel() != id) return;
    if (rule.channel_kind() != 0 && rule.channel_kind() != channel.kind()) return;
    channels |= static_cast<uint8_t>(1u << id);
  });
  return channels;
}

}  // namespace

ChangeScope::ChangeScope(const State& state, const std::vector<RuleVersion>& changes) {
  for (const RuleVersion& change : changes) {
    if (!change.ended) Add(state, change.rule);
    if (const journal::Rule* known = state.rules.Find(change.rule.rule_id())) Add(state, *known);
  }
}

void ChangeScope::Add(const State& state, const journal::Rule& rule) {
  channels_ |= ChannelsOf(state, rule);
  if (rule.has_item()) {
    items_.insert(rule.item());
  } else if (!rule.category().empty()) {
    categories_.insert(rule.category());
  } else if (rule.supply() != 0) {
    supplies_ |= static_cast<uint8_t>(1u << rule.supply());
  } else {
    everything_ = true;
  }
}

bool ChangeScope::HasItem(uint32_t item, const ItemTraits& traits, absl::string_view category,
                          int64_t now_us) const {
  if (everything_ || items_.contains(item)) return true;
  if (supplies_ != 0 && (supplies_ >> SupplyAt(traits, now_us) & 1) != 0) return true;
  if (categories_.empty()) return false;
  for (;;) {
    if (categories_.contains(category)) return true;
    const size_t slash = category.rfind('/');
    if (slash == absl::string_view::npos) return false;
    category = category.substr(0, slash);
  }
}

Preview::Preview(std::vector<RuleVersion> changes, Extent extent, uint32_t listed_max)
    : changes_(std::move(changes)), extent_(extent), listed_max_(listed_max) {}

Preview::Places Preview::PlacesOf(const State& state) {
  Places places{.rules = state.rules.size()};
  const auto take = [&places](const auto&, const auto& row) {
    places.revision = std::max(places.revision, row.revision());
  };
  state.locations.ForEach(take);
  state.groups.ForEach(take);
  state.channels.ForEach(take);
  state.rules.ForEach(take);
  return places;
}

namespace {

bool IsInForce(const journal::Rule* rule, int64_t now_us) {
  return rule != nullptr && rule->effective_from_us() <= now_us &&
         (rule->effective_until_us() == 0 || now_us < rule->effective_until_us());
}

}  // namespace

void Preview::Begin(const Ledger& ledger) {
  const State& state = ledger.state();
  const int64_t now_us = state.counters.time_us;
  for (RuleVersion& change : changes_) {
    const int64_t from_us = change.rule.effective_from_us();
    if (from_us > now_us && IsInForce(state.rules.Find(change.rule.rule_id()), now_us)) {
      // What the commit does is to end it until then.
      change.ended = true;
    } else if (from_us == 0 || from_us > now_us) {
      change.rule.set_effective_from_us(now_us);
    }
  }
  allowed_percent_ = kAllowedPercent;
  if (const journal::Chain* chain = state.chain.Find(0)) {
    if (chain->has_confirm_hiding_percent()) allowed_percent_ = chain->confirm_hiding_percent();
  }
}

void Preview::BringUpToDate(const Ledger& ledger) {
  const State& state = ledger.state();
  if (response_.revision() == state.counters.revision && begun_) return;
  response_.set_revision(state.counters.revision);
  if (const Places places = PlacesOf(state); !begun_ || places != places_) {
    places_ = places;
    changed_.TakePlaces(state);
    for (const RuleVersion& change : changes_) {
      changed_.DropRule(change.rule.rule_id());
      if (!change.ended) changed_.TakeRule(change.rule);
    }
    scope_ = ChangeScope(state, changes_);
  } else {
    for (uint32_t id = 1; id < state.counters.location_end; ++id) {
      changed_.TakeKnownThrough(state, id);
    }
  }
  changed_.TakeLearned(state);
  if (begun_ || !scope_.only_items()) return;
  for (const uint32_t item : scope_.items()) only_items_.push_back(item);
  std::sort(only_items_.begin(), only_items_.end(), [&state](uint32_t a, uint32_t b) {
    return state.items.Find(a)->sku() < state.items.Find(b)->sku();
  });
}

bool Preview::CompareSlice(const Ledger& ledger) {
  if (phase_ == Phase::kDone) return false;
  if (!begun_) Begin(ledger);
  BringUpToDate(ledger);
  begun_ = true;
  if (phase_ == Phase::kComparing) {
    CompareItems(ledger);
  } else {
    CountElsewhere(ledger);
  }
  return phase_ != Phase::kDone;
}

void Preview::CompareItems(const Ledger& ledger) {
  if (scope_.only_items()) {
    for (int i = 0; i < kItemsASlice && only_next_ < only_items_.size(); ++i) {
      CompareItem(ledger, only_items_[only_next_++]);
    }
    if (only_next_ == only_items_.size()) phase_ = Phase::kCountingElsewhere;
    return;
  }
  const State& state = ledger.state();
  const RuleBook& book = ledger.rule_book();
  auto next = ledger.sku_order().upper_bound(after_sku_);
  const auto end = ledger.sku_order().end();
  int compared = 0;
  for (int passed = 0; next != end && compared < kItemsASlice && passed < kItemsPassedASlice;
       ++passed, ++next) {
    const ItemTraits traits = book.TraitsOf(next->second);
    if (scope_.HasItem(next->second, traits, book.CategoryOf(traits), state.counters.time_us)) {
      CompareItem(ledger, next->second);
      ++compared;
    }
    after_sku_ = next->first;
  }
  if (next == end) phase_ = Phase::kCountingElsewhere;
}

void Preview::CompareItem(const Ledger& ledger, uint32_t item) {
  const State& state = ledger.state();
  const journal::Item* row = state.items.Find(item);
  if (row == nullptr || row->merged_into() != 0) return;
  changed_.TakeItem(*row);
  response_.set_item_count(response_.item_count() + 1);
  changed_positions_.clear();
  for (uint32_t channel = 0; channel < RuleBook::kChannelsMax; ++channel) {
    if (!scope_.HasChannel(channel)) continue;
    const Question question{.item = item, .channel = channel, .decides_display = true};
    if (extent_ == Extent::kHiding) {
      CompareChain(state, question, Evaluate(state, ledger.rule_book(), question),
                   Evaluate(state, changed_, question));
    } else {
      CompareEverywhere(ledger, question);
    }
  }
  for (const ChangedPosition& changed : changed_positions_) {
    Note(state, changed.question, changed.before, changed.after);
  }
  response_.set_position_count(response_.position_count() +
                               state.positions.Of(item).locations.size());
}

// Both sides as the next display decision sees it: what only waits for that decision is no effect
// of the rules.
void Preview::CompareEverywhere(const Ledger& ledger, const Question& chain) {
  const State& state = ledger.state();
  before_.clear();
  const Promise before = EvaluateEverywhere(
      state, ledger.rule_book(), chain,
      [this](uint32_t, const Promise& promise) { before_.push_back(Told(promise)); });
  size_t next = 0;
  uint64_t changed = 0;
  const Promise after =
      EvaluateEverywhere(state, changed_, chain, [&](uint32_t location, const Promise& promise) {
        const Answer& was = before_[next++];
        const Answer is = Told(promise);
        if (was.status == is.status && was.max_quantity == is.max_quantity) return;
        ++changed;
        changed_positions_.push_back(
            {.question = {.item = chain.item, .channel = chain.channel, .location = location},
             .before = was,
             .after = is});
      });
  totals_[chain.channel].set_positions_changed(totals_[chain.channel].positions_changed() +
                                               changed);
  CompareChain(state, chain, before, after);
}

void Preview::CompareChain(const State& state, const Question& question, const Promise& before,
                           const Promise& after) {
  v1::PreviewTotals& totals = totals_[question.channel];
  const bool shown_before = IsShown(before);
  const bool shown_after = IsShown(after);
  totals.set_shown_before(totals.shown_before() + (shown_before ? 1 : 0));
  totals.set_shown_after(totals.shown_after() + (shown_after ? 1 : 0));
  shown_before_ += shown_before ? 1 : 0;
  if (shown_before && !shown_after) {
    totals.set_becomes_hidden(totals.becomes_hidden() + 1);
    ++becomes_hidden_;
  }
  if (!shown_before && shown_after) totals.set_becomes_shown(totals.becomes_shown() + 1);
  if (before.status == after.status && before.max_quantity == after.max_quantity) return;
  totals.set_items_changed(totals.items_changed() + 1);
  Note(state, question, Told(before), Told(after));
}

void Preview::Note(const State& state, const Question& question, const Answer& before,
                   const Answer& after) {
  response_.set_changed_count(response_.changed_count() + 1);
  if (response_.answers_size() >= static_cast<int>(listed_max_)) return;
  v1::PreviewedAnswer& answer = *response_.add_answers();
  answer.set_sku(state.items.Find(question.item)->sku());
  answer.set_channel_id(state.channels.Find(question.channel)->channel_id());
  if (question.location != 0) {
    answer.set_location_id(state.locations.Find(question.location)->location_id());
  }
  answer.set_status_before(before.status);
  answer.set_status_after(after.status);
  answer.set_max_quantity_before(before.max_quantity);
  answer.set_max_quantity_after(after.max_quantity);
  answer.set_rule_id_before(RuleIdOf(before.rule));
  answer.set_rule_id_after(RuleIdOf(after.rule));
}

// What the changes cannot touch is shown as the display facts say.
void Preview::CountElsewhere(const Ledger& ledger) {
  const State& state = ledger.state();
  const RuleBook& book = ledger.rule_book();
  const uint32_t last = std::min(state.counters.item_end, elsewhere_next_ + kItemsPassedASlice);
  for (; elsewhere_next_ < last; ++elsewhere_next_) {
    if (extent_ == Extent::kHiding && !IsConfirmationNeeded()) {
      phase_ = Phase::kDone;
      return;
    }
    const uint32_t item = elsewhere_next_;
    const ItemTraits traits = book.TraitsOf(item);
    if (!traits.published || traits.stopped) continue;
    const bool compared =
        scope_.HasItem(item, traits, book.CategoryOf(traits), state.counters.time_us);
    for (uint32_t channel = 0; channel < RuleBook::kChannelsMax; ++channel) {
      if (!book.HasChannel(channel) || (compared && scope_.HasChannel(channel))) continue;
      const Display* display = state.display.Find(DisplayKey{item, channel});
      if (display == nullptr || !IsShown(*display)) continue;
      totals_[channel].set_shown_before(totals_[channel].shown_before() + 1);
      totals_[channel].set_shown_after(totals_[channel].shown_after() + 1);
      ++shown_before_;
    }
  }
  if (elsewhere_next_ < state.counters.item_end) return;
  phase_ = Phase::kDone;
  state.channels.ForEach([&](uint32_t channel, const journal::Channel& row) {
    totals_[channel].set_channel_id(row.channel_id());
  });
}

// As a product, so that a share of nothing is no question.
bool Preview::IsConfirmationNeeded() const {
  return static_cast<double>(becomes_hidden_) * 100 >
         static_cast<double>(shown_before_) * allowed_percent_;
}

v1::PreviewRulesResponse Preview::Result() {
  std::sort(totals_.begin(), totals_.end(),
            [](const auto& a, const auto& b) { return a.channel_id() < b.channel_id(); });
  for (v1::PreviewTotals& totals : totals_) {
    if (!totals.channel_id().empty()) *response_.add_totals() = std::move(totals);
  }
  if (shown_before_ != 0) {
    response_.set_hidden_share(static_cast<double>(becomes_hidden_) /
                               static_cast<double>(shown_before_));
  }
  response_.set_confirmation_needed(IsConfirmationNeeded());
  return std::move(response_);
}

}  // namespace onhand::ledger
