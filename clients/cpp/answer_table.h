// The answers that a cache holds, by SKU, for many readers and few writers. Reading takes no lock:
// an entry never moves once it is there, its words are guarded by a version that is odd while they
// are being written, and the index over the entries is only ever replaced by a larger one. Owned by
// the cache. Any thread; writers take turns.
#ifndef ONHAND_CLIENTS_CPP_ANSWER_TABLE_H_
#define ONHAND_CLIENTS_CPP_ANSWER_TABLE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "onhand/v1/types.pb.h"

namespace onhand::client {

// What is held about a SKU. Moments are microseconds since 1970; 0: unset.
struct HeldAnswer {
  v1::AvailabilityStatus status = v1::AVAILABILITY_STATUS_UNSPECIFIED;
  bool orderable = false;
  int32_t max_quantity = 0;
  uint64_t revision = 0;
  int64_t available_from_us = 0;
  int64_t known_through_us = 0;
  int64_t cache_until_us = 0;
  // When the hub gave this answer, in the ledger's time.
  int64_t as_of_us = 0;
  // How often everything had been told anew when it was given: revisions compare only within one
  // telling, because a hub restored from a backup counts from further back.
  uint32_t telling = 0;

  bool operator==(const HeldAnswer&) const = default;
};

class AnswerTable {
 public:
  AnswerTable();
  AnswerTable(const AnswerTable&) = delete;
  AnswerTable& operator=(const AnswerTable&) = delete;

  std::optional<HeldAnswer> Find(absl::string_view sku) const;

  // Holds `answer`, unless it is of a telling that was dropped, or what is held is of a later
  // telling or, in the same, of a later revision.
  void Put(absl::string_view sku, const HeldAnswer& answer) ABSL_LOCKS_EXCLUDED(mu_);

  // Drops what was last given before this telling, and what still comes of it.
  void DropBefore(uint32_t telling) ABSL_LOCKS_EXCLUDED(mu_);

  // How many SKUs have an answer.
  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Words = std::array<uint64_t, 7>;

  struct Entry {
    explicit Entry(absl::string_view named) : sku(named.data(), named.size()) {}
    const std::string sku;
    std::atomic<uint64_t> version{0};
    // All zero: no answer. A SKU that was dropped keeps its entry, as it may come back.
    std::array<std::atomic<uint64_t>, 7> words{};
  };
  // The entry is stored last: whoever sees it sees its hash and SKU.
  struct Slot {
    std::atomic<uint64_t> hash{0};
    std::atomic<Entry*> entry{nullptr};
  };
  // Open addressing; at most half full, so that every search ends.
  struct Index {
    explicit Index(size_t slot_count) : mask(slot_count - 1), slots(slot_count) {}
    const size_t mask;
    std::vector<Slot> slots;
  };

  static Words Pack(const HeldAnswer& answer);
  static HeldAnswer Unpack(const Words& words);
  static Words Read(const Entry& entry);
  static void Write(Entry& entry, const Words& words);
  static Entry* Search(const Index& index, uint64_t hash, absl::string_view sku);
  static void Insert(Index& index, uint64_t hash, Entry* entry);
  Entry& FindOrAdd(absl::string_view sku) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  std::atomic<const Index*> index_;

  mutable absl::Mutex mu_;
  std::deque<Entry> entries_ ABSL_GUARDED_BY(mu_);
  size_t answer_count_ ABSL_GUARDED_BY(mu_) = 0;
  uint32_t oldest_telling_ ABSL_GUARDED_BY(mu_) = 0;
  // The last is index_; readers may still be in the ones before, which together are no larger.
  std::vector<std::unique_ptr<Index>> indexes_ ABSL_GUARDED_BY(mu_);
};

}  // namespace onhand::client

#endif  // ONHAND_CLIENTS_CPP_ANSWER_TABLE_H_
