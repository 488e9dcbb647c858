#include "server/ledger/positions.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace onhand::ledger {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

}  // namespace

FoldState PlainFold(const Cell& cell) {
  return FoldState::Plain(
      cell.on_hand, cell.level_source,
      cell.HasAbsolute() ? int64_t{cell.absolute_s} * kMicrosPerSecond : FoldState::kNever);
}

Reserved& Reserved::operator+=(const Reserved& other) {
  held += other.held;
  committed += other.committed;
  picked += other.picked;
  deducted += other.deducted;
  return *this;
}

Reserved Reserved::operator-() const {
  return {.held = -held, .committed = -committed, .picked = -picked, .deducted = -deducted};
}

void PositionTable::Block::Grow(uint32_t capacity_wanted) {
  auto grown = std::make_unique<std::byte[]>(capacity_wanted * (sizeof(uint32_t) + sizeof(Cell)));
  if (count > 0) {
    std::memcpy(grown.get(), locations(), count * sizeof(uint32_t));
    std::memcpy(grown.get() + sizeof(uint32_t) * capacity_wanted, cells(), count * sizeof(Cell));
  }
  bytes = std::move(grown);
  capacity = capacity_wanted;
}

PositionTable::View PositionTable::Find(uint32_t item, uint32_t location) const {
  if (base_ != nullptr) {
    const auto found = changed_.find(PositionKey{item, location});
    if (found == changed_.end()) return base_->Find(item, location);
    if (found->second == nullptr) return {};
    return {found->second.get(), BesideOf(*found->second)};
  }
  const Cell* cell = FindCell(item, location);
  if (cell == nullptr) return {};
  return {cell, BesideOf(*cell)};
}

PositionTable::Editor PositionTable::Edit(uint32_t item, uint32_t location) {
  Editor editor;
  editor.table_ = this;
  if (base_ != nullptr) {
    auto [entry, inserted] = changed_.try_emplace(PositionKey{item, location});
    if (inserted || entry->second == nullptr) {
      const View below = inserted ? base_->Find(item, location) : View{};
      entry->second = std::make_unique<Cell>(below.cell != nullptr ? *below.cell : Cell{});
      entry->second->beside = 0;
      editor.created_ = below.cell == nullptr;
      if (below.beside != nullptr) {
        const uint32_t slot = pool_.Take();
        pool_[slot] = *below.beside;
        entry->second->beside = slot;
      }
    }
    editor.cell_ = entry->second.get();
    return editor;
  }
  if (observer_ != nullptr) observer_->BeforeChange(item / kItemsPerSegment);
  if (item >= blocks_.size()) blocks_.resize(item + 1);
  Block& block = blocks_[item];
  uint32_t* found = std::lower_bound(block.locations(), block.locations() + block.count, location);
  const auto index = static_cast<uint32_t>(found - block.locations());
  if (index == block.count || *found != location) {
    // Grows by a quarter: exact fit would copy a large item's block once a location.
    if (block.count == block.capacity) block.Grow(block.count + block.count / 4 + 1);
    uint32_t* locations = block.locations();
    Cell* cells = block.cells();
    std::memmove(locations + index + 1, locations + index,
                 (block.count - index) * sizeof(uint32_t));
    std::memmove(static_cast<void*>(cells + index + 1), cells + index,
                 (block.count - index) * sizeof(Cell));
    locations[index] = location;
    cells[index] = Cell{};
    ++block.count;
    ++size_;
    editor.created_ = true;
  }
  editor.cell_ = block.cells() + index;
  return editor;
}

void PositionTable::Erase(uint32_t item, uint32_t location) {
  if (base_ != nullptr) {
    std::unique_ptr<Cell>& cell = changed_[PositionKey{item, location}];
    if (cell != nullptr && cell->beside != 0) {
      pool_.GiveBack(cell->beside);
    }
    cell.reset();
    return;
  }
  if (item >= blocks_.size()) return;
  Block& block = blocks_[item];
  uint32_t* locations = block.locations();
  uint32_t* found = std::lower_bound(locations, locations + block.count, location);
  if (found == locations + block.count || *found != location) return;
  if (observer_ != nullptr) observer_->BeforeChange(item / kItemsPerSegment);
  const auto index = static_cast<uint32_t>(found - locations);
  Cell* cells = block.cells();
  if (cells[index].beside != 0) {
    pool_.GiveBack(cells[index].beside);
  }
  std::memmove(locations + index, locations + index + 1,
               (block.count - index - 1) * sizeof(uint32_t));
  std::memmove(static_cast<void*>(cells + index), cells + index + 1,
               (block.count - index - 1) * sizeof(Cell));
  --block.count;
  --size_;
}

uint32_t BesidePool::Take() {
  if (!free_.empty()) {
    const uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  if (end_ / kSlab >= slabs_.size()) slabs_.push_back(std::make_unique<Beside[]>(kSlab));
  return end_++;
}

void BesidePool::GiveBack(uint32_t slot) {
  Beside& beside = (*this)[slot];
  beside.before = FoldState();
  beside.now = FoldState();
  beside.window.clear();
  beside.window.shrink_to_fit();
  beside.arrived_minute = 0;
  beside.reserved = {};
  free_.push_back(slot);
}

size_t BesidePool::Bytes() const {
  size_t bytes = slabs_.size() * kSlab * sizeof(Beside) + free_.capacity() * sizeof(uint32_t);
  for (uint32_t slot = 1; slot < end_; ++slot) {
    const Beside& beside = (*this)[slot];
    if (beside.window.capacity() > 1) bytes += beside.window.capacity() * sizeof(Event);
    for (const FoldState* state : {&beside.before, &beside.now}) {
      if (state->rare() == nullptr) continue;
      bytes += sizeof(FoldState::Rare) +
               state->rare()->others.capacity() * sizeof(FoldState::OtherSource) +
               state->rare()->corrections.capacity() * sizeof(Correction);
    }
  }
  return bytes;
}

Beside* PositionTable::Editor::beside() {
  return cell_->beside == 0 ? nullptr : &table_->pool_[cell_->beside];
}

Beside& PositionTable::Editor::MakeBeside() {
  if (cell_->beside == 0) {
    cell_->beside = table_->pool_.Take();
    Beside& fresh = table_->pool_[cell_->beside];
    fresh.before = PlainFold(*cell_);
    fresh.now = fresh.before;
  }
  return table_->pool_[cell_->beside];
}

void PositionTable::Editor::DropBeside() {
  if (cell_->beside == 0) return;
  table_->pool_.GiveBack(cell_->beside);
  cell_->beside = 0;
}

PositionTable::ItemPositions PositionTable::Of(uint32_t item) const {
  if (item >= blocks_.size()) return {};
  const Block& block = blocks_[item];
  return {absl::MakeConstSpan(block.locations(), block.count),
          absl::MakeConstSpan(block.cells(), block.count)};
}

absl::Span<Cell> PositionTable::CellsOf(uint32_t item) {
  if (item >= blocks_.size() || blocks_[item].count == 0) return {};
  if (observer_ != nullptr) observer_->BeforeChange(item / kItemsPerSegment);
  return absl::MakeSpan(blocks_[item].cells(), blocks_[item].count);
}

std::vector<uint32_t> PositionTable::LocationsOf(uint32_t item) const {
  if (base_ == nullptr) {
    const ItemPositions positions = Of(item);
    return {positions.locations.begin(), positions.locations.end()};
  }
  std::vector<uint32_t> locations = base_->LocationsOf(item);
  for (const auto& [key, cell] : changed_) {
    if (key.item == item) locations.push_back(key.location);
  }
  std::sort(locations.begin(), locations.end());
  locations.erase(std::unique(locations.begin(), locations.end()), locations.end());
  locations.erase(
      std::remove_if(locations.begin(), locations.end(),
                     [&](uint32_t location) { return Find(item, location).cell == nullptr; }),
      locations.end());
  return locations;
}

size_t PositionTable::BytesOfCells() const {
  size_t bytes = blocks_.capacity() * sizeof(Block);
  for (const Block& block : blocks_) bytes += block.capacity * (sizeof(uint32_t) + sizeof(Cell));
  return bytes;
}

size_t PositionTable::BytesBeside() const { return pool_.Bytes(); }

void PositionTable::Load(uint32_t item, absl::Span<const uint32_t> locations,
                         absl::Span<const Cell> cells) {
  if (locations.empty()) return;
  if (item >= blocks_.size()) blocks_.resize(item + 1);
  Block& block = blocks_[item];
  block = Block{};
  block.Grow(static_cast<uint32_t>(locations.size()));
  std::memcpy(block.locations(), locations.data(), locations.size() * sizeof(uint32_t));
  std::memcpy(static_cast<void*>(block.cells()), cells.data(), cells.size() * sizeof(Cell));
  block.count = static_cast<uint32_t>(locations.size());
  size_ += locations.size();
  for (const Cell& cell : cells) NoteOnHand(cell.on_hand);
}

Beside& PositionTable::LoadBeside(uint32_t item, size_t index) {
  const uint32_t slot = pool_.Take();
  blocks_[item].cells()[index].beside = slot;
  return pool_[slot];
}

}  // namespace onhand::ledger
