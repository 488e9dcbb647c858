#include "clients/cpp/answer_table.h"

#include <thread>

#include "absl/hash/hash.h"

namespace onhand::client {
namespace {

constexpr size_t kFirstSlots = 1024;

uint64_t HashOf(absl::string_view sku) { return absl::Hash<absl::string_view>{}(sku); }

// Of the first word: max_quantity in its lower half, above it one byte of status and one of flags.
constexpr int kStatusShift = 32;
constexpr int kOrderableShift = 40;
constexpr int kPresentShift = 41;

}  // namespace

AnswerTable::AnswerTable() {
  absl::MutexLock lock(&mu_);
  indexes_.push_back(std::make_unique<Index>(kFirstSlots));
  index_.store(indexes_.back().get(), std::memory_order_release);
}

AnswerTable::Words AnswerTable::Pack(const HeldAnswer& answer) {
  const uint64_t first = static_cast<uint32_t>(answer.max_quantity) |
                         static_cast<uint64_t>(answer.status) << kStatusShift |
                         static_cast<uint64_t>(answer.orderable) << kOrderableShift |
                         uint64_t{1} << kPresentShift;
  return {first,
          answer.revision,
          static_cast<uint64_t>(answer.available_from_us),
          static_cast<uint64_t>(answer.known_through_us),
          static_cast<uint64_t>(answer.cache_until_us),
          static_cast<uint64_t>(answer.as_of_us),
          answer.telling};
}

HeldAnswer AnswerTable::Unpack(const Words& words) {
  HeldAnswer answer;
  answer.max_quantity = static_cast<int32_t>(static_cast<uint32_t>(words[0]));
  answer.status = static_cast<v1::AvailabilityStatus>(words[0] >> kStatusShift & 0xFF);
  answer.orderable = (words[0] >> kOrderableShift & 1) != 0;
  answer.revision = words[1];
  answer.available_from_us = static_cast<int64_t>(words[2]);
  answer.known_through_us = static_cast<int64_t>(words[3]);
  answer.cache_until_us = static_cast<int64_t>(words[4]);
  answer.as_of_us = static_cast<int64_t>(words[5]);
  answer.telling = static_cast<uint32_t>(words[6]);
  return answer;
}

// A word that a writer stored after its odd version brings that version along (each word is stored
// with release and loaded with acquire), so a mixture of two answers never shows one version twice.
AnswerTable::Words AnswerTable::Read(const Entry& entry) {
  for (;;) {
    const uint64_t before = entry.version.load(std::memory_order_acquire);
    Words words;
    for (size_t i = 0; i < words.size(); ++i) {
      words[i] = entry.words[i].load(std::memory_order_acquire);
    }
    const uint64_t after = entry.version.load(std::memory_order_relaxed);
    if (before == after && before % 2 == 0) return words;
    std::this_thread::yield();  // the writer may wait for this very processor
  }
}

void AnswerTable::Write(Entry& entry, const Words& words) {
  const uint64_t version = entry.version.load(std::memory_order_relaxed);
  entry.version.store(version + 1, std::memory_order_relaxed);
  for (size_t i = 0; i < words.size(); ++i) {
    entry.words[i].store(words[i], std::memory_order_release);
  }
  entry.version.store(version + 2, std::memory_order_release);
}

AnswerTable::Entry* AnswerTable::Search(const Index& index, uint64_t hash, absl::string_view sku) {
  for (size_t at = hash & index.mask;; at = (at + 1) & index.mask) {
    const Slot& slot = index.slots[at];
    Entry* const entry = slot.entry.load(std::memory_order_acquire);
    if (entry == nullptr) return nullptr;
    if (slot.hash.load(std::memory_order_relaxed) == hash &&
        absl::string_view(entry->sku.data(), entry->sku.size()) == sku) {
      return entry;
    }
  }
}

void AnswerTable::Insert(Index& index, uint64_t hash, Entry* entry) {
  size_t at = hash & index.mask;
  while (index.slots[at].entry.load(std::memory_order_relaxed) != nullptr) {
    at = (at + 1) & index.mask;
  }
  index.slots[at].hash.store(hash, std::memory_order_relaxed);
  index.slots[at].entry.store(entry, std::memory_order_release);
}

std::optional<HeldAnswer> AnswerTable::Find(absl::string_view sku) const {
  const Index& index = *index_.load(std::memory_order_acquire);
  const Entry* const entry = Search(index, HashOf(sku), sku);
  if (entry == nullptr) return std::nullopt;
  const Words words = Read(*entry);
  if (words[0] == 0) return std::nullopt;
  return Unpack(words);
}

AnswerTable::Entry& AnswerTable::FindOrAdd(absl::string_view sku) {
  const uint64_t hash = HashOf(sku);
  if (Entry* const entry = Search(*indexes_.back(), hash, sku)) return *entry;
  Entry& entry = entries_.emplace_back(sku);
  if (entries_.size() * 2 > indexes_.back()->slots.size()) {
    auto larger = std::make_unique<Index>(indexes_.back()->slots.size() * 2);
    for (Entry& each : entries_) Insert(*larger, HashOf(each.sku), &each);
    index_.store(larger.get(), std::memory_order_release);
    indexes_.push_back(std::move(larger));
  } else {
    Insert(*indexes_.back(), hash, &entry);
  }
  return entry;
}

void AnswerTable::Put(absl::string_view sku, const HeldAnswer& answer) {
  absl::MutexLock lock(&mu_);
  if (answer.telling < oldest_telling_) return;
  Entry& entry = FindOrAdd(sku);
  const Words words = Read(entry);
  if (words[0] != 0) {
    const HeldAnswer held = Unpack(words);
    if (held.telling > answer.telling) return;
    if (held.telling == answer.telling && held.revision > answer.revision) return;
  } else {
    ++answer_count_;
  }
  Write(entry, Pack(answer));
}

void AnswerTable::DropBefore(uint32_t telling) {
  absl::MutexLock lock(&mu_);
  oldest_telling_ = telling;
  for (Entry& entry : entries_) {
    const Words words = Read(entry);
    if (words[0] == 0 || Unpack(words).telling >= telling) continue;
    Write(entry, Words{});
    --answer_count_;
  }
}

size_t AnswerTable::size() const {
  absl::MutexLock lock(&mu_);
  return answer_count_;
}

}  // namespace onhand::client
