#include "server/ledger/fold.h"

#include <algorithm>
#include <utility>

namespace onhand::ledger {

bool BeforeAtOneMoment(const Event& a, const Event& b, SourceName name) {
  if (a.source != b.source) return name(a.source) < name(b.source);
  if (a.spool != b.spool) return a.spool < b.spool;
  if (a.sequence != b.sequence) return a.sequence < b.sequence;
  return a.row < b.row;
}

int64_t OnHandChange(EventKind kind, int64_t quantity) {
  switch (kind) {
    case EventKind::kReturn:
    case EventKind::kReceipt:
    case EventKind::kTransferIn:
    case EventKind::kAdjustment:
      return quantity;
    case EventKind::kSale:
    case EventKind::kTransferOut:
    case EventKind::kDeducted:
    case EventKind::kHandOver:
      return -quantity;
    case EventKind::kSetAside:
    case EventKind::kPutBack:
    case EventKind::kLevel:
    case EventKind::kCount:
    case EventKind::kCorrection:
    case EventKind::kLastingCorrection:
    case EventKind::kEndCorrections:
    case EventKind::kCorrectionEnded:
    case EventKind::kLastingCorrectionEnded:
      return 0;
  }
  return 0;
}

FoldState::FoldState(const FoldState& other)
    : base_(other.base_),
      unavailable_(other.unavailable_),
      absolute_us_(other.absolute_us_),
      level_source_(other.level_source_),
      rare_(other.rare_ ? std::make_unique<Rare>(*other.rare_) : nullptr) {}

FoldState& FoldState::operator=(const FoldState& other) {
  if (this != &other) *this = FoldState(other);
  return *this;
}

FoldState FoldState::Plain(int64_t on_hand, uint32_t level_source, int64_t absolute_us) {
  return Restore(on_hand, 0, absolute_us, level_source, {});
}

FoldState FoldState::Restore(int64_t base, int64_t unavailable, int64_t absolute_us,
                             uint32_t level_source, Rare rare) {
  FoldState state;
  state.base_ = base;
  state.unavailable_ = unavailable;
  state.absolute_us_ = absolute_us;
  state.level_source_ = level_source;
  if (!rare.others.empty() || !rare.corrections.empty()) {
    state.rare_ = std::make_unique<Rare>(std::move(rare));
  }
  return state;
}

int64_t FoldState::CorrectionSum() const {
  int64_t sum = 0;
  if (rare_) {
    for (const Correction& correction : rare_->corrections) sum += correction.amount;
  }
  return sum;
}

int64_t FoldState::UnitsCorrected(bool lasting) const {
  int64_t units = 0;
  if (rare_) {
    for (const Correction& correction : rare_->corrections) {
      if (correction.lasting == lasting && correction.amount < 0) units -= correction.amount;
    }
  }
  return units;
}

// The oldest first.
void FoldState::EndCorrections(int64_t units, bool lasting) {
  if (!rare_) return;
  auto& corrections = rare_->corrections;
  for (Correction& correction : corrections) {
    if (correction.lasting != lasting || correction.amount >= 0) continue;
    const int64_t ended = std::min(units, -correction.amount);
    correction.amount += ended;
    units -= ended;
  }
  corrections.erase(std::remove_if(corrections.begin(), corrections.end(),
                                   [](const Correction& c) { return c.amount == 0; }),
                    corrections.end());
  DropEmptyRare();
}

bool FoldState::ExpectedLevel(uint32_t source, int64_t* level) const {
  if (source != 0 && source == level_source_) {
    *level = base_;
    return true;
  }
  if (rare_) {
    for (const OtherSource& other : rare_->others) {
      if (other.source == source) {
        *level = base_ + other.offset;
        return true;
      }
    }
  }
  return false;
}

FoldState::Rare& FoldState::MutableRare() {
  if (!rare_) rare_ = std::make_unique<Rare>();
  return *rare_;
}

void FoldState::DropEmptyRare() {
  if (rare_ && rare_->others.empty() && rare_->corrections.empty()) rare_.reset();
}

void FoldState::TakeLevel(const Event& event) {
  const int64_t level = event.quantity;
  int64_t expected = 0;
  if (ExpectedLevel(event.source, &expected) && level != expected && rare_) {
    auto& corrections = rare_->corrections;
    const auto explained = std::find_if(
        corrections.begin(), corrections.end(),
        [&](const Correction& c) { return !c.lasting && c.amount == level - expected; });
    if (explained != corrections.end()) corrections.erase(explained);
  }
  // The others keep expecting what they did, now counted from another base.
  const bool other_source = level_source_ != 0 && level_source_ != event.source;
  if (other_source || rare_) {
    auto& others = MutableRare().others;
    if (other_source) others.push_back({level_source_, 0});
    for (OtherSource& other : others) other.offset += base_ - level;
    others.erase(std::remove_if(others.begin(), others.end(),
                                [&](const OtherSource& o) { return o.source == event.source; }),
                 others.end());
    std::sort(others.begin(), others.end(),
              [](const OtherSource& a, const OtherSource& b) { return a.source < b.source; });
    DropEmptyRare();
  }
  base_ = level;
  level_source_ = event.source;
  absolute_us_ = event.at_us;
}

void FoldState::Advance(const Event& event) {
  if (event.inferred) return;
  switch (event.event_kind()) {
    case EventKind::kLevel:
      TakeLevel(event);
      return;
    case EventKind::kCount:
      if (level_source_ == 0) {
        base_ = event.quantity - CorrectionSum();
      } else if (const int64_t missing = event.quantity - on_hand(); missing != 0) {
        MutableRare().corrections.push_back({missing, false});
      }
      absolute_us_ = event.at_us;
      return;
    case EventKind::kSetAside:
      unavailable_ += event.quantity;
      return;
    case EventKind::kPutBack:
      unavailable_ -= event.quantity;
      return;
    case EventKind::kCorrection:
    case EventKind::kLastingCorrection:
      MutableRare().corrections.push_back(
          {event.quantity, event.event_kind() == EventKind::kLastingCorrection});
      return;
    case EventKind::kEndCorrections:
      if (rare_) rare_->corrections.clear();
      DropEmptyRare();
      return;
    case EventKind::kCorrectionEnded:
      return EndCorrections(event.quantity, /*lasting=*/false);
    case EventKind::kLastingCorrectionEnded:
      return EndCorrections(event.quantity, /*lasting=*/true);
    case EventKind::kSale:
    case EventKind::kReturn:
    case EventKind::kReceipt:
    case EventKind::kTransferOut:
    case EventKind::kTransferIn:
    case EventKind::kAdjustment:
    case EventKind::kDeducted:
    case EventKind::kHandOver:
      base_ += OnHandChange(event.event_kind(), event.quantity);
      return;
  }
}

}  // namespace onhand::ledger
