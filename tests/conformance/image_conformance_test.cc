#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conformance/backend.h"

namespace onhand::storage {
namespace {

class ImageConformance : public ConformanceTest {
 protected:
  ImageStore& images() { return store_->images(); }

  ImageHeader Header(uint64_t revision, uint32_t blocks) {
    return {revision, 0xFEDC'BA98'7654'3210u + revision, 1'700'000'000'000'000, blocks};
  }

  void Put(uint64_t revision, const std::vector<std::string>& blocks) {
    ASSERT_TRUE(images().Begin(revision).ok());
    for (uint32_t block = 0; block < blocks.size(); ++block) {
      const absl::Status status = images().PutBlock(revision, block, blocks[block]);
      ASSERT_TRUE(status.ok()) << status;
    }
  }

  void PutAndSeal(uint64_t revision, const std::vector<std::string>& blocks) {
    Put(revision, blocks);
    const absl::Status status =
        images().Seal(Header(revision, static_cast<uint32_t>(blocks.size())));
    ASSERT_TRUE(status.ok()) << status;
  }

  std::vector<uint64_t> Sealed() {
    std::vector<uint64_t> revisions;
    const auto headers = images().List();
    EXPECT_TRUE(headers.ok()) << headers.status();
    for (const ImageHeader& header : *headers) revisions.push_back(header.revision);
    return revisions;
  }

  absl::Status Load(uint64_t revision, uint32_t blocks, std::vector<std::string>* loaded) {
    return images().Read(Header(revision, blocks), [&](absl::string_view bytes) {
      loaded->emplace_back(bytes);
      return absl::OkStatus();
    });
  }
};

TEST_P(ImageConformance, SealedImageIsReadBackByAnotherHub) {
  const std::vector<std::string> blocks = {EveryByte(ImageStore::kImageBlockBytesMax), "",
                                           EveryByte(12'345)};
  PutAndSeal(9, blocks);

  store_ = backend_->Open();
  const auto listed = images().List();
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ((*listed)[0].revision, 9u);
  EXPECT_EQ((*listed)[0].chain, Header(9, 3).chain);
  EXPECT_EQ((*listed)[0].committed_at_us, Header(9, 3).committed_at_us);
  EXPECT_EQ((*listed)[0].block_count, 3u);
  std::vector<std::string> loaded;
  ASSERT_TRUE(Load(9, 3, &loaded).ok());
  EXPECT_TRUE(loaded == blocks);
}

TEST_P(ImageConformance, UnsealedImageIsIgnored) {
  PutAndSeal(5, {"five"});
  Put(8, {"eight"});
  store_ = backend_->Open();
  EXPECT_THAT(Sealed(), ::testing::ElementsAre(5));
}

TEST_P(ImageConformance, BeginDropsAnUnsealedImageOfTheSameRevision) {
  Put(5, {"old 0", "old 1"});
  PutAndSeal(5, {"new"});
  std::vector<std::string> loaded;
  ASSERT_TRUE(Load(5, 1, &loaded).ok());
  EXPECT_THAT(loaded, ::testing::ElementsAre("new"));
}

TEST_P(ImageConformance, SealedImageIsNotBegunAgain) {
  PutAndSeal(5, {"five"});
  EXPECT_EQ(images().Begin(5).code(), absl::StatusCode::kAlreadyExists);
  std::vector<std::string> loaded;
  EXPECT_TRUE(Load(5, 1, &loaded).ok());
}

TEST_P(ImageConformance, SealMayBeRepeated) {
  PutAndSeal(5, {"five"});
  EXPECT_TRUE(images().Seal(Header(5, 1)).ok());
  EXPECT_THAT(Sealed(), ::testing::ElementsAre(5));
}

TEST_P(ImageConformance, TwoNewestSealedImagesAreKept) {
  Put(15, {"never sealed"});
  for (const uint64_t revision : {10, 20, 30}) {
    PutAndSeal(revision, std::vector<std::string>(20, "block"));
  }
  EXPECT_THAT(Sealed(), ::testing::ElementsAre(30, 20));
  EXPECT_EQ(backend_->CountBlocks(10), 0);
  EXPECT_EQ(backend_->CountBlocks(15), 0);
  EXPECT_EQ(backend_->CountBlocks(20), 20);
  EXPECT_EQ(backend_->CountBlocks(30), 20);
}

TEST_P(ImageConformance, SealRefusesMissingOrSurplusBlocks) {
  Put(5, {"0", "1", "2"});
  for (const uint32_t blocks : {2u, 4u}) {
    EXPECT_EQ(images().Seal(Header(5, blocks)).code(), absl::StatusCode::kFailedPrecondition);
  }
  backend_->DropBlock(5, 1);
  EXPECT_EQ(images().Seal(Header(5, 2)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Sealed(), ::testing::IsEmpty());
}

TEST_P(ImageConformance, DamagedBlockIsDataLoss) {
  PutAndSeal(5, {"zero", EveryByte(1000), "two"});
  std::string damaged = EveryByte(1000);
  damaged[500] ^= 1;
  backend_->ReplaceBlock(5, 1, damaged);
  std::vector<std::string> loaded;
  const absl::Status status = Load(5, 3, &loaded);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(loaded, ::testing::ElementsAre("zero"));
}

TEST_P(ImageConformance, MissingBlockIsDataLoss) {
  PutAndSeal(5, {"zero", "one"});
  backend_->DropBlock(5, 1);
  std::vector<std::string> loaded;
  EXPECT_EQ(Load(5, 2, &loaded).code(), absl::StatusCode::kDataLoss);
}

TEST_P(ImageConformance, BlockOverItsBoundIsRefused) {
  ASSERT_TRUE(images().Begin(5).ok());
  const std::string bytes(ImageStore::kImageBlockBytesMax + 1, 'x');
  EXPECT_EQ(images().PutBlock(5, 0, bytes).code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(ImageConformance, ReadStopsAtTheVisitorsError) {
  PutAndSeal(5, {"zero", "one"});
  int seen = 0;
  const absl::Status status = images().Read(Header(5, 2), [&](absl::string_view) {
    ++seen;
    return absl::CancelledError("enough");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(seen, 1);
}

INSTANTIATE_ON_ALL_BACKENDS(ImageConformance);

}  // namespace
}  // namespace onhand::storage
