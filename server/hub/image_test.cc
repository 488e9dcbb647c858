#include "server/hub/image.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <random>
#include <string>

#include "absl/synchronization/notification.h"
#include "server/hub/chain_for_tests.h"
#include "server/hub/image_stream.h"
#include "server/ledger/encode.h"
#include "storage/memory/memory_store.h"

namespace onhand::hub {
namespace {

constexpr uint64_t kWhole = std::numeric_limits<uint64_t>::max();

// A store whose next image waits before its first segment until the test lets it go on.
class GatedStore : public storage::Store, public storage::ImageStore {
 public:
  explicit GatedStore(storage::Store* store) : store_(*store) {}
  void Shut() { gate_ = std::make_unique<absl::Notification>(); }
  void Open() { gate_->Notify(); }
  void Fail(bool fail) { fail_ = fail; }

  absl::Status Begin(uint64_t revision) override {
    if (gate_) gate_->WaitForNotification();
    return store_.images().Begin(revision);
  }
  absl::Status PutBlock(uint64_t revision, uint32_t block, absl::string_view bytes) override {
    if (fail_) return absl::UnavailableError("staged accident");
    return store_.images().PutBlock(revision, block, bytes);
  }
  absl::Status Seal(const storage::ImageHeader& header) override {
    return store_.images().Seal(header);
  }
  absl::StatusOr<std::vector<storage::ImageHeader>> List() override {
    return store_.images().List();
  }
  absl::Status Read(const storage::ImageHeader& header,
                    absl::FunctionRef<absl::Status(absl::string_view)> visit) override {
    return store_.images().Read(header, visit);
  }

  absl::string_view kind() const override { return store_.kind(); }
  absl::StatusOr<std::vector<std::string>> Migrate() override { return store_.Migrate(); }
  absl::Status CheckSchema() override { return store_.CheckSchema(); }
  storage::Journal& journal() override { return store_.journal(); }
  absl::StatusOr<std::unique_ptr<storage::Journal>> OpenJournalReader() override {
    return store_.OpenJournalReader();
  }
  storage::ImageStore& images() override { return *this; }
  storage::Projection& projection() override { return store_.projection(); }

 private:
  absl::StatusOr<std::string> StoredJournalId() override { return store_.JournalId(); }
  absl::Status SetJournalId(const std::string&) override { return absl::UnimplementedError(""); }

  storage::Store& store_;
  std::unique_ptr<absl::Notification> gate_;
  std::atomic<bool> fail_{false};
};

class ImageTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kItems = 1500;
  static constexpr uint32_t kLocations = 4;

  void SetUp() override {
    ASSERT_TRUE(memory_->Migrate().ok());
    chain_.SetUp(kItems, kLocations);
  }
  void Happen(int rows, ImageWriter* images = nullptr) {
    for (int i = 0; i < rows; ++i) {
      const size_t bytes = chain_.Commit(chain_.SomethingHappens(random_, kItems, kLocations));
      if (images) images->AfterRow(chain_.head(), bytes);
    }
  }
  std::string Live() { return ledger::EncodeState(chain_.ledger().state()); }
  // What a hub that starts now would hold.
  std::string Restarted(uint64_t* image_revision) {
    ledger::Ledger ledger{ledger::Settings{}};
    const absl::StatusOr<LoadedImage> loaded = LoadImage(memory_->images(), ledger);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    *image_revision = loaded->header.revision;
    storage::JournalHead head{loaded->header.revision, loaded->header.chain};
    EXPECT_TRUE(ReplayJournal(memory_->journal(), kWhole, head, ledger, nullptr).ok());
    EXPECT_EQ(head.chain, chain_.head().chain);
    return ledger::EncodeState(ledger.state());
  }
  std::string Replayed() {
    ledger::Ledger ledger{ledger::Settings{}};
    storage::JournalHead head;
    EXPECT_TRUE(ReplayJournal(memory_->journal(), kWhole, head, ledger, nullptr).ok());
    return ledger::EncodeState(ledger.state());
  }
  absl::StatusOr<VerifiedImage> Verified() {
    return VerifyImage(memory_->images(), memory_->journal(), ledger::Settings{});
  }
  static constexpr uint8_t kFormer = 2;
  // An image of what is applied now, as version 2 wrote it: it did not mark positions that deltas
  // alone told of either.
  void WriteInFormerFormat() {
    ledger::State copy{ledger::Settings{}};
    ASSERT_TRUE(ledger::DecodeTables(ledger::EncodeTables(chain_.ledger().state()), copy).ok());
    ImageBlockWriter blocks(&memory_->images(), chain_.head().revision);
    ASSERT_TRUE(memory_->images().Begin(chain_.head().revision).ok());
    const auto put = [&](ImageChunk kind, const std::string& bytes) {
      ASSERT_TRUE(blocks.Put(kind, bytes).ok());
    };
    put(ImageChunk::kTables, ledger::EncodeTables(copy, kFormer));
    for (uint32_t segment = 0; segment < ledger::SegmentCount(copy); ++segment) {
      const std::string bytes = ledger::EncodeSegment(chain_.ledger().state(), segment);
      ASSERT_TRUE(ledger::DecodeSegment(bytes, copy).ok());
    }
    for (uint32_t item = 0; item < copy.positions.item_end(); ++item) {
      for (ledger::Cell& cell : copy.positions.CellsOf(item)) {
        if (!cell.HasAbsolute()) cell.absolute_s = 0;
      }
    }
    for (uint32_t segment = 0; segment < ledger::SegmentCount(copy); ++segment) {
      put(ImageChunk::kSegment, ledger::EncodeSegment(copy, segment, kFormer));
    }
    const absl::StatusOr<uint32_t> count = blocks.Finish();
    ASSERT_TRUE(count.ok());
    ASSERT_TRUE(memory_->images()
                    .Seal({.revision = chain_.head().revision,
                           .chain = chain_.head().chain,
                           .committed_at_us = copy.counters.time_us,
                           .block_count = *count})
                    .ok());
  }
  std::unique_ptr<ImageWriter> Writer(ImageWriter::Options options = {}) {
    return std::make_unique<ImageWriter>(&store_, &chain_.ledger(), &chain_.mutex(), LoadedImage{},
                                         options);
  }

  const std::shared_ptr<storage::MemoryDatabase> database_ =
      std::make_shared<storage::MemoryDatabase>();
  const std::unique_ptr<storage::Store> memory_ = storage::NewMemoryStore(database_);
  GatedStore store_{memory_.get()};
  ChainForTests chain_{memory_.get()};
  const uint32_t seed_ = std::random_device{}();
  const ::testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
  std::mt19937 random_{seed_};
};

TEST_F(ImageTest, ImageTakenBesideTrafficAndTailEqualAFullReplay) {
  // Nothing is compacted, so that the full replay stays possible.
  const auto images = Writer({.needed_above = [] { return 0; }});
  Happen(100);
  for (int round = 0; round < 5; ++round) {
    store_.Shut();
    const uint64_t revision = chain_.head().revision;
    ASSERT_TRUE(images->Begin(chain_.head()));
    // First every touched segment is pushed out by its change, then the writer's thread takes them
    // in turn with it.
    Happen(20, images.get());
    store_.Open();
    Happen(60, images.get());
    ASSERT_TRUE(images->Wait().ok()) << images->last_outcome();
    EXPECT_EQ(images->sealed_revision(), revision);

    uint64_t image_revision = 0;
    const std::string restarted = Restarted(&image_revision);
    EXPECT_EQ(image_revision, revision);
    ASSERT_TRUE(restarted == Live());
    ASSERT_TRUE(restarted == Replayed());
    EXPECT_TRUE(Verified().ok());
  }
}

TEST_F(ImageTest, HubGoesOnFromAnImageAsIfItHadNeverStopped) {
  const auto images = Writer();
  Happen(50);
  ASSERT_TRUE(images->Begin(chain_.head()));
  ASSERT_TRUE(images->Wait().ok());
  ledger::Ledger restarted{ledger::Settings{}};
  ASSERT_TRUE(LoadImage(memory_->images(), restarted).ok());
  EXPECT_TRUE(ledger::EncodeState(restarted.state()) == Live());
  EXPECT_EQ(restarted.sku_order(), chain_.ledger().sku_order());
}

TEST_F(ImageTest, EmptyStoreStartsEmpty) {
  ledger::Ledger ledger{ledger::Settings{}};
  const absl::StatusOr<LoadedImage> loaded = LoadImage(memory_->images(), ledger);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->header.revision, 0u);
  EXPECT_TRUE(Verified().ok());
}

TEST_F(ImageTest, DamagedImageFallsBackToTheOlderOne) {
  const auto images = Writer();
  Happen(20);
  const uint64_t older = chain_.head().revision;
  ASSERT_TRUE(images->Begin(chain_.head()));
  ASSERT_TRUE(images->Wait().ok());
  Happen(20);
  const uint64_t newer = chain_.head().revision;
  ASSERT_TRUE(images->Begin(chain_.head()));
  ASSERT_TRUE(images->Wait().ok());
  {
    absl::MutexLock lock(&database_->mutex);
    database_->blocks[{newer, 0}].bytes.back() ^= 1;
  }
  uint64_t image_revision = 0;
  EXPECT_TRUE(Restarted(&image_revision) == Live());
  EXPECT_EQ(image_revision, older);
  ledger::Ledger ledger{ledger::Settings{}};
  EXPECT_EQ(LoadImage(memory_->images(), ledger)->warnings.size(), 1u);
  EXPECT_TRUE(absl::IsDataLoss(Verified().status()));
  {
    absl::MutexLock lock(&database_->mutex);
    database_->blocks.erase({older, 0});
  }
  ledger::Ledger none{ledger::Settings{}};
  EXPECT_TRUE(absl::IsDataLoss(LoadImage(memory_->images(), none).status()));
}

TEST_F(ImageTest, ImageThatDiffersFromTheJournalIsFound) {
  const auto images = Writer();
  Happen(20);
  ASSERT_TRUE(images->Begin(chain_.head()));
  ASSERT_TRUE(images->Wait().ok());
  chain_.ledger().mutable_state().positions.Edit(9, 1).cell().on_hand += 1;
  Happen(1);
  ASSERT_TRUE(images->Begin(chain_.head()));
  ASSERT_TRUE(images->Wait().ok());
  EXPECT_TRUE(absl::IsDataLoss(Verified().status()));
}

// What an older version derived from the same rows is not what this one derives, and its stock is.
TEST_F(ImageTest, ImageOfAnOlderFormatIsVerifiedByItsStock) {
  const auto images = Writer();
  Happen(60);
  ASSERT_TRUE(images->Begin(chain_.head()));
  ASSERT_TRUE(images->Wait().ok());
  EXPECT_TRUE(Verified()->whole);
  Happen(60);
  WriteInFormerFormat();
  const absl::StatusOr<VerifiedImage> verified = Verified();
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_FALSE(verified->whole);
  EXPECT_EQ(verified->format, kFormer);
  EXPECT_EQ(verified->revision, chain_.head().revision);
}

TEST_F(ImageTest, WrongStockInAnImageOfAnOlderFormatIsFound) {
  const auto images = Writer();
  Happen(20);
  chain_.ledger().mutable_state().positions.Edit(9, 1).cell().on_hand += 1;
  Happen(1);
  WriteInFormerFormat();
  EXPECT_TRUE(absl::IsDataLoss(Verified().status()));
}

TEST_F(ImageTest, JournalIsCompactedToTheOlderImageOnceNobodyNeedsIt) {
  uint64_t needed_above = 3;
  const auto images = Writer({.needed_above = [&needed_above] { return needed_above; }});
  const auto take = [&] {
    Happen(10);
    EXPECT_TRUE(images->Begin(chain_.head()));
    EXPECT_TRUE(images->Wait().ok());
  };
  take();
  EXPECT_EQ(*memory_->journal().FirstRevision(), 1u);
  take();
  EXPECT_EQ(*memory_->journal().FirstRevision(), 4u);
  needed_above = kWhole;
  const uint64_t older = chain_.head().revision;
  take();
  EXPECT_EQ(*memory_->journal().FirstRevision(), older + 1);
  EXPECT_TRUE(Verified().ok());
}

TEST_F(ImageTest, NewImageIsDueWhenTheJournalOutgrowsTheLast) {
  const auto images = Writer({.journal_bytes_min = 4000});
  size_t bytes = 0;
  while (bytes <= 4000) {
    ASSERT_TRUE(images->Wait().ok());
    EXPECT_EQ(images->sealed_revision(), 0u);
    bytes += chain_.Commit(chain_.SomethingHappens(random_, kItems, kLocations));
    images->AfterRow(chain_.head(), 0);
  }
  images->AfterRow(chain_.head(), bytes);
  ASSERT_TRUE(images->Wait().ok());
  const uint64_t first = images->sealed_revision();
  EXPECT_EQ(first, chain_.head().revision);

  // The image is larger than the minimum by now: that much more journal is not enough.
  Happen(1);
  images->AfterRow(chain_.head(), 4001);
  ASSERT_TRUE(images->Wait().ok());
  EXPECT_EQ(images->sealed_revision(), first);
  images->Ask();
  images->AfterRow(chain_.head(), 1);
  ASSERT_TRUE(images->Wait().ok());
  EXPECT_GT(images->sealed_revision(), first);
}

TEST_F(ImageTest, FailedImageIsGivenUpAndTheNextOneIsWhole) {
  const auto images = Writer();
  Happen(10);
  store_.Fail(true);
  ASSERT_TRUE(images->Begin(chain_.head()));
  EXPECT_FALSE(images->Wait().ok());
  EXPECT_EQ(images->sealed_revision(), 0u);
  store_.Fail(false);
  Happen(10);
  ASSERT_TRUE(images->Begin(chain_.head()));
  ASSERT_TRUE(images->Wait().ok());
  uint64_t image_revision = 0;
  EXPECT_TRUE(Restarted(&image_revision) == Live());
  EXPECT_EQ(image_revision, chain_.head().revision);
}

TEST_F(ImageTest, StoppingAbandonsTheImageUnderWay) {
  auto images = Writer();
  Happen(10);
  store_.Shut();
  ASSERT_TRUE(images->Begin(chain_.head()));
  EXPECT_FALSE(images->Begin(chain_.head()));
  store_.Open();
  images.reset();
  Happen(5);
  uint64_t image_revision = 0;
  EXPECT_TRUE(Restarted(&image_revision) == Live());
}

TEST_F(ImageTest, ReplayRefusesARowThatDoesNotContinueTheChain) {
  Happen(5);
  {
    absl::MutexLock lock(&database_->mutex);
    database_->journal[4].payload.back() ^= 1;
  }
  ledger::Ledger ledger{ledger::Settings{}};
  storage::JournalHead head;
  EXPECT_TRUE(absl::IsDataLoss(ReplayJournal(memory_->journal(), kWhole, head, ledger, nullptr)));
  EXPECT_EQ(head.revision, 3u);
}

}  // namespace
}  // namespace onhand::hub
