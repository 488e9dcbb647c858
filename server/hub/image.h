// Images of the ledger: loading the newest sealed one at start, and taking new ones beside live
// traffic by copy-on-write a segment, so that a start replays a short tail only. Owned by the hub.
// LoadImage and Verify run on the caller's thread. ImageWriter has a thread of its own; each of its
// methods says who calls it.
#ifndef ONHAND_SERVER_HUB_IMAGE_H_
#define ONHAND_SERVER_HUB_IMAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/ledger/ledger.h"
#include "storage/store.h"

namespace onhand::hub {

// What a start found.
struct LoadedImage {
  storage::ImageHeader header;        // revision 0: there was no image, the ledger is empty
  uint64_t bytes = 0;                 // of its encoded form
  std::vector<std::string> warnings;  // images that could not be used, for the log
};

// Fills `ledger` (empty) from the newest sealed image and calls its Rebuild(). An image with
// damaged blocks is passed over with a warning, and the older one is taken. DATA_LOSS if images are
// there and none is readable; FAILED_PRECONDITION if the ledger's settings or the image's format
// differ from this program's.
absl::StatusOr<LoadedImage> LoadImage(storage::ImageStore& images, ledger::Ledger& ledger);

// Applies the journal's rows behind `head` (the row that `ledger` stands at) up to and including
// `last_revision`, and moves `head`. DATA_LOSS if a row does not continue the chain or cannot be
// read. Calls `after` (may be null) after each row with the payload's size.
absl::Status ReplayJournal(storage::Journal& journal, uint64_t last_revision,
                           storage::JournalHead& head, ledger::Ledger& ledger,
                           const std::function<void(size_t)>& after);

// What a verification compared.
struct VerifiedImage {
  uint64_t revision = 0;  // of the newest sealed image; 0: there was none
  uint8_t format = 0;     // in which it was written
  // Every byte. False: an older version of this program wrote the image, and the same rows mean
  // more to this one (what it learns, what it remembers of a position); then the stock of every
  // position was compared.
  bool whole = true;
};

// Replays the journal from the older sealed image (from the beginning if there is only one) to the
// newer one's revision and compares the encoded bytes of both. OK also if there is no image.
// DATA_LOSS says where they differ; OUT_OF_RANGE if the journal no longer holds the rows between.
absl::StatusOr<VerifiedImage> VerifyImage(storage::ImageStore& images, storage::Journal& journal,
                                          const ledger::Settings& settings);

class ImageWriter : public ledger::SegmentObserver {
 public:
  struct Options {
    // A new image is due when the journal grew by more than this and by more than the last image.
    uint64_t journal_bytes_min = 64 << 20;
    // Rows above this revision are still needed by somebody else (the projection); null: none are.
    // Called on the writer's thread.
    std::function<uint64_t()> needed_above;
  };

  // `mutex` guards `ledger`: the sequencer applies under it exclusively, the writer encodes under
  // it shared. Both, and `store`, outlive the writer. Registers itself as the observer of the
  // ledger's positions. `loaded` is what the start found. Uses store->images(), which nobody else
  // may use while the writer lives, and a journal of its own.
  ImageWriter(storage::Store* store, ledger::Ledger* ledger, std::shared_mutex* mutex,
              const LoadedImage& loaded, Options options);
  // Abandons an image under way. Precondition: nothing is applied any more.
  ~ImageWriter() override;

  // The starting thread, for every row that a start replays: they count towards the next image.
  void CountReplayed(size_t payload_bytes) { journal_bytes_ += payload_bytes; }

  // The sequencer's thread, for every applied row, between rows and without the lock. Counts the
  // bytes, and begins an image if one is due or asked for. `head` is the applied row's identity.
  // Encoding the tables (not the positions) takes its time on the caller's thread.
  void AfterRow(const storage::JournalHead& head, size_t payload_bytes);

  // Any thread: the next AfterRow at which none is under way begins an image, however short the
  // journal.
  void Ask() { asked_.store(true, std::memory_order_relaxed); }

  // The applying thread, between rows, without the lock: begins an image of what is applied now.
  // False if one is under way or the newest one already stands at this revision.
  bool Begin(const storage::JournalHead& head);
  // Any thread but the applying one while it must go on: waits until no image is under way. The
  // last one's outcome.
  absl::Status Wait();

  // Any thread: the newest sealed image's revision, 0 before the first.
  uint64_t sealed_revision() const { return sealed_revision_.load(std::memory_order_acquire); }
  // Any thread: the outcome of the last image and its compaction, OK before the first. A failed one
  // is given up; the next is begun when it is due again.
  absl::Status last_outcome() const;

  // The applying thread, under the lock, through the ledger's positions.
  void BeforeChange(uint32_t segment) override {
    if (segment < pending_.size() && pending_[segment]) TakeBeforeChange(segment);
  }

 private:
  void Run();
  absl::Status WriteImage(storage::ImageHeader header, const std::string& tables);
  absl::Status Compact();
  void TakeBeforeChange(uint32_t segment);
  // The next encoded segment: one that a change pushed out, else the next pending one. False when
  // all are out.
  bool NextSegment(std::string* encoded);
  void DropPending();

  storage::Store* const store_;
  ledger::Ledger* const ledger_;
  std::shared_mutex* const mutex_;
  const Options options_;
  std::unique_ptr<storage::Journal>
      compactor_;  // the writer's thread only; opened when first needed

  // Guarded by *mutex_: the applying thread changes them while it holds it exclusively or while no
  // image is under way, the writer's thread while it holds it shared (and is then the only one to
  // change them).
  std::vector<uint8_t> pending_;  // by segment: still to be encoded as it is
  uint32_t next_pending_ = 0;     // no pending segment lies below
  // Segments that were encoded because a change came first. At most the image itself, since each
  // goes in once.
  std::deque<std::string> pushed_;

  // The applying thread only.
  uint64_t journal_bytes_ = 0;  // since the image that was begun last

  std::atomic<bool> asked_{false};
  std::atomic<uint64_t> image_bytes_{0};
  std::atomic<uint64_t> sealed_revision_{0};

  mutable absl::Mutex work_mutex_;
  bool stopping_ ABSL_GUARDED_BY(work_mutex_) = false;
  bool busy_ ABSL_GUARDED_BY(work_mutex_) = false;  // from Begin until sealed or given up
  bool handed_over_ ABSL_GUARDED_BY(work_mutex_) = false;
  storage::ImageHeader header_ ABSL_GUARDED_BY(work_mutex_);
  std::string tables_ ABSL_GUARDED_BY(work_mutex_);
  absl::Status outcome_ ABSL_GUARDED_BY(work_mutex_);

  std::thread thread_;
};

}  // namespace onhand::hub

#endif  // ONHAND_SERVER_HUB_IMAGE_H_
