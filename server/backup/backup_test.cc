#include "server/backup/backup.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <random>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/hub/chain_for_tests.h"
#include "server/hub/image.h"
#include "server/ledger/encode.h"
#include "storage/open.h"

namespace onhand::backup {
namespace {

using ::testing::HasSubstr;

class BackupTest : public testing::Test {
 protected:
  static constexpr uint32_t kItems = 300;
  static constexpr uint32_t kLocations = 3;

  BackupTest() {
    EXPECT_TRUE(store_->Migrate().ok());
    chain_.SetUp(kItems, kLocations);
    Happen(20);
  }
  void Happen(int rows) {
    for (int i = 0; i < rows; ++i)
      chain_.Commit(chain_.SomethingHappens(random_, kItems, kLocations));
  }
  // An image of what is applied now; the journal is compacted as a hub does it.
  void TakeImage() {
    hub::ImageWriter images(store_.get(), &chain_.ledger(), &chain_.mutex(), {}, {});
    ASSERT_TRUE(images.Begin(chain_.head()));
    ASSERT_TRUE(images.Wait().ok());
  }
  // What a hub that starts on this store would hold.
  static std::string StateOf(storage::Store& store) {
    ledger::Ledger ledger{ledger::Settings{}};
    const absl::StatusOr<hub::LoadedImage> loaded = hub::LoadImage(store.images(), ledger);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    storage::JournalHead head{loaded->header.revision, loaded->header.chain};
    EXPECT_TRUE(hub::ReplayJournal(store.journal(), std::numeric_limits<uint64_t>::max(), head,
                                   ledger, nullptr)
                    .ok());
    return ledger::EncodeState(ledger.state());
  }
  std::unique_ptr<storage::Store> NewStore() { return *storage::OpenStore("memory:", ""); }
  std::string Content() const {
    std::ostringstream content;
    content << std::ifstream(path_, std::ios::binary).rdbuf();
    return std::move(content).str();
  }
  void Replace(const std::string& content) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  }

  const std::string path_ =
      (std::filesystem::path(testing::TempDir()) /
       (std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + ".backup"))
          .string();
  const bool removed_ = std::filesystem::remove(path_);
  std::mt19937 random_{1};
  std::unique_ptr<storage::Store> store_ = NewStore();
  hub::ChainForTests chain_{store_.get()};
};

TEST_F(BackupTest, WhatIsRestoredIsWhatWasThere) {
  // Without an image, with one, and with two and rows dropped.
  for (int images = 0; images <= 2; ++images) {
    if (images > 0) {
      TakeImage();
      Happen(10);
    }
    std::filesystem::remove(path_);
    const absl::StatusOr<Summary> written = Write(*store_, "1.2.3", path_);
    ASSERT_TRUE(written.ok()) << written.status();
    EXPECT_EQ(written->revision, chain_.head().revision);
    EXPECT_EQ(written->images, static_cast<uint64_t>(images));
    EXPECT_EQ(written->bytes, std::filesystem::file_size(path_));
    EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
    EXPECT_FALSE(std::filesystem::exists(path_ + ".part"));

    const auto other = NewStore();
    const absl::StatusOr<Summary> restored = Restore(path_, ledger::Settings{}, *other);
    ASSERT_TRUE(restored.ok()) << restored.status();
    EXPECT_EQ(restored->version, "1.2.3");
    EXPECT_EQ(restored->rows, written->rows);
    EXPECT_EQ(restored->journal_id, *store_->JournalId());
    EXPECT_NE(*other->JournalId(), *store_->JournalId());
    EXPECT_EQ(StateOf(*other), ledger::EncodeState(chain_.ledger().state()));
    EXPECT_EQ(other->journal().Head()->chain, chain_.head().chain);
    const auto verified = hub::VerifyImage(other->images(), other->journal(), ledger::Settings{});
    EXPECT_TRUE(verified.ok()) << verified.status();
  }
  EXPECT_GT(*store_->journal().FirstRevision(), 1u);
}

TEST_F(BackupTest, ADamagedFileIsRefusedBeforeAnythingIsWritten) {
  TakeImage();
  Happen(2);
  TakeImage();
  Happen(2);
  ASSERT_TRUE(Write(*store_, "1", path_).ok());
  const std::string whole = Content();
  const auto expect_refused = [&](const std::string& content) {
    Replace(content);
    const auto other = NewStore();
    const absl::Status status = Restore(path_, ledger::Settings{}, *other).status();
    ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    ASSERT_TRUE(other->Migrate().ok());
    ASSERT_EQ(other->journal().Head()->revision, 0u);
  };
  // Every byte of what is small, and some of the rest.
  for (size_t at = 0; at < whole.size(); at += at < 400 || at + 400 > whole.size() ? 1 : 997) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    expect_refused(damaged);
    expect_refused(whole.substr(0, at));
  }
  expect_refused(whole + "x");
  Replace(whole);
  EXPECT_TRUE(Restore(path_, ledger::Settings{}, *NewStore()).ok());
}

TEST_F(BackupTest, NothingIsOverwritten) {
  ASSERT_TRUE(Write(*store_, "1", path_).ok());
  const std::string whole = Content();
  EXPECT_EQ(Write(*store_, "1", path_).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Content(), whole);
  const absl::Status status = Restore(path_, ledger::Settings{}, *store_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("empty database"));
  EXPECT_EQ(StateOf(*store_), ledger::EncodeState(chain_.ledger().state()));
  EXPECT_TRUE(store_->JournalId().ok());
}

TEST_F(BackupTest, AFileThatIsNotThereIsNamed) {
  const absl::Status status = Check("/no/such.backup").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/no/such.backup"));
  EXPECT_EQ(Write(*store_, "1", "/no/such/folder.backup").status().code(),
            absl::StatusCode::kUnavailable);
}

// Drops what the backup still needs while it reads, as a hub may.
class BusyImages : public storage::ImageStore {
 public:
  BusyImages(storage::ImageStore* images, std::function<void()> meanwhile)
      : images_(*images), meanwhile_(std::move(meanwhile)) {}
  absl::Status Begin(uint64_t revision) override { return images_.Begin(revision); }
  absl::Status PutBlock(uint64_t revision, uint32_t block, absl::string_view bytes) override {
    return images_.PutBlock(revision, block, bytes);
  }
  absl::Status Seal(const storage::ImageHeader& header) override { return images_.Seal(header); }
  absl::StatusOr<std::vector<storage::ImageHeader>> List() override {
    auto listed = images_.List();
    if (meanwhile_) std::exchange(meanwhile_, nullptr)();
    return listed;
  }
  absl::Status Read(const storage::ImageHeader& header,
                    absl::FunctionRef<absl::Status(absl::string_view)> visit) override {
    return images_.Read(header, visit);
  }

 private:
  storage::ImageStore& images_;
  std::function<void()> meanwhile_;
};

class BusyStore : public storage::Store {
 public:
  BusyStore(storage::Store* store, std::function<void()> meanwhile)
      : store_(*store), images_(&store->images(), std::move(meanwhile)) {}
  absl::string_view kind() const override { return store_.kind(); }
  absl::StatusOr<std::vector<std::string>> Migrate() override { return store_.Migrate(); }
  absl::Status CheckSchema() override { return store_.CheckSchema(); }
  storage::Journal& journal() override { return store_.journal(); }
  absl::StatusOr<std::unique_ptr<storage::Journal>> OpenJournalReader() override {
    return store_.OpenJournalReader();
  }
  storage::ImageStore& images() override { return images_; }
  storage::Projection& projection() override { return store_.projection(); }

 protected:
  absl::StatusOr<std::string> StoredJournalId() override { return store_.JournalId(); }
  absl::Status SetJournalId(const std::string&) override { return absl::UnimplementedError(""); }

 private:
  storage::Store& store_;
  BusyImages images_;
};

TEST_F(BackupTest, ItBeginsAnewWhenTheHubDropsWhatItNeeds) {
  TakeImage();
  Happen(5);
  TakeImage();
  BusyStore busy(store_.get(), [&] {
    for (int image = 0; image < 2; ++image) {
      Happen(5);
      TakeImage();
    }
  });
  const absl::StatusOr<Summary> written = Write(busy, "1", path_);
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(written->revision, chain_.head().revision);
  const auto other = NewStore();
  ASSERT_TRUE(Restore(path_, ledger::Settings{}, *other).ok());
  EXPECT_EQ(StateOf(*other), ledger::EncodeState(chain_.ledger().state()));
}

}  // namespace
}  // namespace onhand::backup
