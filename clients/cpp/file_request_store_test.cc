// What the file keeps through ends of every kind.
#include "clients/cpp/file_request_store.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhand::client {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class FileRequestStoreTest : public ::testing::Test {
 protected:
  FileRequestStoreTest() {
    std::string folder = (std::filesystem::temp_directory_path() / "onhand-store-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    folder_ = folder;
    path_ = (folder_ / "requests").string();
  }
  ~FileRequestStoreTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::unique_ptr<FileRequestStore> Open() {
    auto store = FileRequestStore::Open(path_);
    if (!store.ok()) {
      ADD_FAILURE() << store.status();
      std::abort();
    }
    return *std::move(store);
  }

  static StoredRequest RequestOf(const std::string& id) {
    return {id, "CreateReservation", "cart of " + id, std::string("body\0of ", 8) + id};
  }
  std::string Bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(FileRequestStoreTest, WhatWasPutIsThereAfterReopeningInItsOrder) {
  {
    auto store = Open();
    for (const char* id : {"b", "a", "c"}) ASSERT_TRUE(store->Put(RequestOf(id)).ok());
    ASSERT_TRUE(store->Remove("a").ok());
    ASSERT_TRUE(store->Remove("never put").ok());
  }
  EXPECT_THAT(*Open()->Load(), ElementsAre(RequestOf("b"), RequestOf("c")));
}

// A crash is a copy of the file at any moment: whatever was acknowledged must be in it.
TEST_F(FileRequestStoreTest, WhatWasAcknowledgedIsInTheFileAtOnce) {
  auto store = Open();
  ASSERT_TRUE(store->Put(RequestOf("a")).ok());
  const std::string copy = (folder_ / "copy").string();
  std::filesystem::copy_file(path_, copy);
  EXPECT_THAT(*(*FileRequestStore::Open(copy))->Load(), ElementsAre(RequestOf("a")));
}

TEST_F(FileRequestStoreTest, ATornEndIsDroppedWhereverItIsTorn) {
  {
    auto store = Open();
    ASSERT_TRUE(store->Put(RequestOf("kept")).ok());
  }
  const std::string kept = Bytes();
  {
    auto store = Open();
    ASSERT_TRUE(store->Put(RequestOf("torn")).ok());
  }
  const std::string whole = Bytes();
  for (size_t size = kept.size(); size < whole.size(); ++size) {
    Write(whole.substr(0, size));
    auto store = Open();
    ASSERT_THAT(*store->Load(), ElementsAre(RequestOf("kept"))) << size;
    ASSERT_TRUE(store->Put(RequestOf("next")).ok());
    store.reset();
    ASSERT_THAT(*Open()->Load(), ElementsAre(RequestOf("kept"), RequestOf("next"))) << size;
  }
  // The length reached the disk, the content did not.
  Write(kept + whole.substr(kept.size(), 8) + std::string(whole.size() - kept.size() - 8, '\0'));
  EXPECT_THAT(*Open()->Load(), ElementsAre(RequestOf("kept")));
  Write(kept + std::string(4096, '\0'));
  EXPECT_THAT(*Open()->Load(), ElementsAre(RequestOf("kept")));
}

TEST_F(FileRequestStoreTest, ADamagedFileIsRefused) {
  {
    auto store = Open();
    for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(store->Put(RequestOf(id)).ok());
  }
  std::string bytes = Bytes();
  bytes[12] ^= 1;
  Write(bytes);
  EXPECT_EQ(FileRequestStore::Open(path_).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Bytes(), bytes);
}

TEST_F(FileRequestStoreTest, ASecondOpeningIsRefused) {
  auto store = Open();
  EXPECT_EQ(FileRequestStore::Open(path_).status().code(), absl::StatusCode::kUnavailable);
  store.reset();
  Open();
}

TEST_F(FileRequestStoreTest, TheFileStaysSmallAndTheLockWithIt) {
  auto store = Open();
  ASSERT_TRUE(store->Put(RequestOf("kept")).ok());
  StoredRequest large = RequestOf("large");
  large.body.assign(4096, 'x');
  for (int i = 0; i < 200; ++i) {
    large.request_id = absl::StrCat("large-", i);
    ASSERT_TRUE(store->Put(large).ok());
    ASSERT_TRUE(store->Remove(large.request_id).ok());
  }
  EXPECT_LT(std::filesystem::file_size(path_), 100u << 10);
  EXPECT_EQ(FileRequestStore::Open(path_).status().code(), absl::StatusCode::kUnavailable);
  store.reset();
  EXPECT_THAT(*Open()->Load(), ElementsAre(RequestOf("kept")));
}

TEST_F(FileRequestStoreTest, ManyThreadsLoseNothing) {
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  {
    auto store = Open();
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kEach; ++i) {
          const std::string id = absl::StrCat(thread, "-", i);
          EXPECT_TRUE(store->Put(RequestOf(id)).ok());
          if (i % 2 == 1) continue;
          EXPECT_TRUE(store->Remove(id).ok());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_THAT(*Open()->Load(), SizeIs(kThreads * kEach / 2));
}

TEST_F(FileRequestStoreTest, AFileThatCannotBeWrittenIsSaidSoAndKeepsWhatItHad) {
  auto store = Open();
  ASSERT_TRUE(store->Put(RequestOf("kept")).ok());
  // No file of this process may grow any more, as on a full disk.
  signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit full = before;
  full.rlim_cur = std::filesystem::file_size(path_) + 10;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  EXPECT_FALSE(store->Put(RequestOf("lost")).ok());
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(store->Put(RequestOf("later")).ok());
  store.reset();
  EXPECT_THAT(*Open()->Load(), ElementsAre(RequestOf("kept")));
}

}  // namespace
}  // namespace onhand::client
