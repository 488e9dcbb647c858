#include "server/ledger/state.h"

#include <algorithm>
#include <limits>

namespace onhand::ledger {

int64_t LocationClock::KnownThrough() const {
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const SourceMoment& moment : sources) least = std::min(least, moment.known_through_us);
  return sources.empty() ? 0 : least;
}

int64_t LocationClock::ToldThrough() const {
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const SourceMoment& moment : sources) {
    if (moment.known_through_us != 0) least = std::min(least, moment.known_through_us);
  }
  return least == std::numeric_limits<int64_t>::max() ? 0 : least;
}

State::State(const State* base)
    : settings(base->settings),
      counters(base->counters),
      positions(&base->positions),
      items(&base->items),
      codes(&base->codes),
      source_codes(&base->source_codes),
      locations(&base->locations),
      location_ids(&base->location_ids),
      clocks(&base->clocks),
      groups(&base->groups),
      group_ids(&base->group_ids),
      channels(&base->channels),
      channel_ids(&base->channel_ids),
      rules(&base->rules),
      rule_versions(&base->rule_versions),
      chain(&base->chain),
      sources(&base->sources),
      source_ids(&base->source_ids),
      staging(&base->staging),
      staged_rows(&base->staged_rows),
      snapshots_taken(&base->snapshots_taken),
      quarantine(&base->quarantine),
      held_rows(&base->held_rows),
      display(&base->display),
      answers(&base->answers),
      incoming(&base->incoming),
      reservations(&base->reservations),
      webhooks(&base->webhooks),
      tokens(&base->tokens),
      demand_rules(base->demand_rules),
      is_overlay(true),
      learned_(base->learned_) {}

absl::string_view State::SourceNameOf(uint32_t source) const {
  if (source == 0) return "";
  const SourceState* row = sources.Find(source);
  return row == nullptr ? absl::string_view() : absl::string_view(row->opened.source_id());
}

const CodeTarget* State::Resolve(absl::string_view code, uint32_t source) const {
  if (source != 0 && counters.source_aliases) {
    const std::pair<std::string, std::string> key(SourceNameOf(source), code);
    if (const CodeTarget* target = source_codes.Find(key)) return target;
  }
  return codes.Find(code);
}

void UpgradeRule(journal::Rule& rule) {
  if (rule.has_buffer_units()) rule.mutable_buffer()->set_units(rule.buffer_units());
  if (rule.has_chain_buffer_units()) {
    rule.mutable_chain_buffer()->set_units(rule.chain_buffer_units());
  }
  rule.clear_buffer_units();
  rule.clear_chain_buffer_units();
}

EvidencePlace State::PlaceOf(uint32_t location) const {
  const LocationClock* clock = clocks.Find(location);
  return {.location = location,
          .learned = &learned().LocationOf(location),
          .known_through_us = clock == nullptr ? 0 : clock->KnownThrough()};
}

int64_t RequestIdTimeUs(absl::string_view request_id) {
  int64_t milliseconds = 0;
  for (size_t i = 0; i < 6; ++i)
    milliseconds = milliseconds << 8 | static_cast<uint8_t>(request_id[i]);
  return milliseconds * 1'000;
}

int64_t AnswerExpiryUs(const Settings& settings, absl::string_view request_id) {
  return RequestIdTimeUs(request_id) + settings.request_kept_us;
}

}  // namespace onhand::ledger
