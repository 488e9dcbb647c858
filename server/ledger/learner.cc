#include "server/ledger/learner.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kDay_us = int64_t{24} * 3600 * kMicrosPerSecond;
constexpr int64_t kNight_us = int64_t{4} * 3600 * kMicrosPerSecond;  // after local midnight
// Offsets are told anew when they reach less far than this.
constexpr int64_t kOffsetsAhead_us = 180 * kDay_us;
// A location's row has 514 floats beside its numbers: a fact stays well below a megabyte.
constexpr uint32_t kLocationsPerFact = 100;
constexpr int kItemsPerFact = 256;

// Whether a night took effect in part: from then on it is installed to its end.
bool IsInstalling(const State& state) { return state.learned().chain.night().installed() > 0; }

}  // namespace

void Learner::NoteFact(const journal::Fact& fact) {
  // A lesson from past sales changed what the night began with.
  const bool is_lesson = fact.has_learned_chain() || fact.has_positions_taught();
  if (is_lesson && night_.has_value()) {
    night_.reset();
    phase_ = Phase::kWaiting;
  }
  if (fact.has_location_set() || fact.has_chain_set()) offsets_due_ = true;
}

int64_t Learner::NightAfter(const State& committed, int64_t at_us) const {
  const StoreClock& chain = committed.learned().LocationOf(0).clock;
  const int64_t midnight_us = chain.DayStart(at_us / kMicrosPerSecond) * kMicrosPerSecond;
  const int64_t night_us = midnight_us + kNight_us;
  return night_us > at_us ? night_us : night_us + kDay_us;
}

bool Learner::HasDue(const State& committed, int64_t now_us) {
  if (phase_ != Phase::kWaiting || IsInstalling(committed)) return true;
  if (offsets_of_ != nullptr && (offsets_due_ || now_us >= offsets_until_us_)) return true;
  if (first_seen_us_ == 0) first_seen_us_ = now_us;
  const int64_t last_us = committed.learned().chain.at_us();
  if (last_us == 0) return now_us >= NightAfter(committed, first_seen_us_);
  // Where clocks go back, four o'clock comes again an hour later.
  return now_us >= std::max(NightAfter(committed, last_us), last_us + kDay_us / 2);
}

void Learner::Step(Group& group, int positions_max) {
  const State& state = group.committed();
  switch (phase_) {
    case Phase::kWaiting:
      if (offsets_of_ != nullptr && (offsets_due_ || group.now_us() >= offsets_until_us_)) {
        return TellOffsets(group);
      }
      if (IsInstalling(state)) return Install(group, state);
      night_.emplace(state, group.now_us());
      phase_ = Phase::kReading;
      next_ = 1;
      return;
    case Phase::kReading:
      for (int read = 0; read < positions_max && next_ < night_->item_end(); ++next_) {
        read += 1 + night_->AddItem(state, next_);
      }
      if (next_ < night_->item_end()) return;
      night_->Close(state);
      phase_ = Phase::kTellingLocations;
      next_ = 1;
      return;
    case Phase::kTellingLocations:
      return TellLocations(group);
    case Phase::kTellingItems:
      return TellItems(group, positions_max);
    case Phase::kInstalling:
      phase_ = Phase::kWaiting;
      return Install(group, state);
  }
}

void Learner::TellOffsets(Group& group) {
  const State& state = group.committed();
  journal::Fact fact;
  offsets_until_us_ = std::numeric_limits<int64_t>::max();
  const auto tell = [&](uint32_t location, const std::string& time_zone) {
    const journal::LocationOffsets& known = state.learned().LocationOf(location).offsets;
    int64_t until_us = known.until_s() * kMicrosPerSecond;
    if (known.time_zone() != time_zone || until_us < group.now_us() + kOffsetsAhead_us) {
      journal::LocationOffsets offsets = offsets_of_(time_zone, group.now_us());
      until_us = offsets.until_s() * kMicrosPerSecond;
      offsets.set_location(location);
      *fact.mutable_offsets_learned()->add_locations() = std::move(offsets);
    }
    offsets_until_us_ = std::min(offsets_until_us_, until_us - kOffsetsAhead_us);
  };
  const journal::Chain* chain = state.chain.Find(0);
  tell(0, chain == nullptr ? "" : chain->time_zone());
  for (uint32_t id = 1; id < state.counters.location_end; ++id) {
    if (const journal::Location* location = state.locations.Find(id)) {
      tell(id, location->time_zone());
    }
  }
  offsets_due_ = false;
  if (fact.has_offsets_learned()) group.Add(std::move(fact));
}

void Learner::TellLocations(Group& group) {
  const uint32_t end = night_->location_end();
  if (next_ == 1) {
    journal::Fact fact;
    *fact.mutable_night_begun()->mutable_chain() = night_->Chain();
    group.Add(std::move(fact));
  }
  journal::Fact fact;
  for (uint32_t told = 0; told < kLocationsPerFact && next_ < end; ++told, ++next_) {
    *fact.mutable_night_rows()->mutable_locations()->add_locations() = night_->Location(next_);
  }
  if (fact.has_night_rows()) group.Add(std::move(fact));
  if (next_ < end) return;
  phase_ = Phase::kTellingItems;
  next_ = 1;
}

void Learner::TellItems(Group& group, int positions_max) {
  const State& state = group.committed();
  const uint32_t end = night_->item_end();
  journal::Fact fact;
  journal::LearnedItems& rows = *fact.mutable_night_rows()->mutable_items();
  for (int told = 0; told < positions_max && rows.item_size() < kItemsPerFact && next_ < end;
       ++next_) {
    if (night_->AppendItem(state, next_, rows)) {
      told += 1 + static_cast<int>(state.positions.Of(next_).cells.size());
    }
  }
  if (rows.item_size() > 0) group.Add(std::move(fact));
  if (next_ < end) return;
  night_.reset();
  phase_ = Phase::kInstalling;
}

void Learner::Install(Group& group, const State& state) {
  const journal::ToldNight& night = state.learned().chain.night();
  const auto next = static_cast<int>(night.installed());
  journal::Fact fact;
  auto& items = *fact.mutable_night_installed()->mutable_item();
  if (next < night.rows_size()) items = night.rows(next).items().item();
  group.Add(std::move(fact));
}

}  // namespace onhand::ledger
