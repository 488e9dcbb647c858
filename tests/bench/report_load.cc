#include "tests/bench/report_load.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "onhand/v1/report.pb.h"
#include "tests/bench/chain.h"
#include "tests/bench/measure.h"
#include "tests/bench/unary_load.h"

namespace onhand::bench {
namespace {

constexpr int kUnacknowledgedMax = 8;
// Different batches of one generator: enough that no cache knows them by heart.
constexpr int kPackedBatches = 64;
constexpr size_t kTimeBytes = 8;  // of a present-day moment in microseconds, as a varint

void WriteVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

// A serialized Batch without its sequence, and where its times are.
class PackedBatch {
 public:
  PackedBatch(std::mt19937& random, int items) {
    const int64_t now_us = WallUs();
    v1::KnownThrough known_through;
    known_through.set_at_us(now_us);
    Append(v1::Batch::kKnownThroughFieldNumber, known_through.SerializeAsString());
    std::uniform_int_distribution<int> any_item(0, items - 1);
    for (int i = 0; i < kBatchMovements; ++i) {
      v1::Movement sale;
      sale.set_sku(SkuOf(any_item(random)));
      sale.set_kind(v1::MOVEMENT_KIND_SALE);
      sale.set_quantity(1 + i % 3);
      sale.set_occurred_at_us(now_us);
      Append(v1::Batch::kMovementsFieldNumber, sale.SerializeAsString());
    }
  }

  // A ReportRequest with this batch. A field may come after the others, so the sequence does.
  grpc::ByteBuffer Message(uint64_t sequence) {
    std::string now;
    WriteVarint(static_cast<uint64_t>(WallUs()), &now);
    for (const size_t at : times_) body_.replace(at, kTimeBytes, now);
    std::string tail(1, static_cast<char>(v1::Batch::kSequenceFieldNumber << 3));
    WriteVarint(sequence, &tail);
    std::string head(1, static_cast<char>(v1::ReportRequest::kBatchFieldNumber << 3 | 2));
    WriteVarint(body_.size() + tail.size(), &head);
    const grpc::Slice slices[] = {grpc::Slice(head), grpc::Slice(body_), grpc::Slice(tail)};
    return grpc::ByteBuffer(slices, 3);
  }

 private:
  // Both messages end with their time.
  void Append(int field, const std::string& message) {
    body_.push_back(static_cast<char>(field << 3 | 2));
    WriteVarint(message.size(), &body_);
    body_ += message;
    times_.push_back(body_.size() - kTimeBytes);
  }

  std::string body_;
  std::vector<size_t> times_;
};

grpc::ByteBuffer Pack(const v1::ReportRequest& request) {
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

v1::ReportResponse Unpack(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  v1::ReportResponse response;
  if (!buffer.DumpToSingleSlice(&slice).ok() ||
      !response.ParseFromArray(slice.begin(), static_cast<int>(slice.size()))) {
    throw std::runtime_error("the hub's word on a stream is unreadable");
  }
  return response;
}

}  // namespace

// What the generators share with their owner.
struct ReportLoad::Shared {
  struct Acknowledged {
    uint64_t revision;
    uint64_t movements;
  };
  std::atomic<bool> sending{false};
  std::atomic<bool> finishing{false};
  std::atomic<uint64_t> acknowledged{0};
  std::mutex mutex;
  std::vector<Acknowledged> beyond;  // not yet counted by AcknowledgedThrough
  uint64_t through = 0;
};

class ReportLoad::Generator {
 public:
  Generator(Shared* shared, const std::string& address, int location, int items)
      : shared_(shared), stub_(Connect(address)) {
    std::mt19937 random(static_cast<uint32_t>(location));
    for (int i = 0; i < kPackedBatches; ++i) batches_.emplace_back(random, items);
    std::promise<void> opened;
    std::future<void> is_open = opened.get_future();
    outcome_ = std::async(std::launch::async, [this, location, &opened] {
      try {
        Open(location);
      } catch (...) {
        opened.set_exception(std::current_exception());
        return;
      }
      opened.set_value();
      Run();
    });
    is_open.get();
  }

  // Rethrows what ended the thread. The owner has asked it to finish.
  void Join() {
    if (outcome_.valid()) outcome_.get();
  }
  // For an owner that does not care any more.
  void Cancel() { context_.TryCancel(); }

 private:
  enum Tag : intptr_t { kStarted = 1, kWritten, kRead, kEnded };

  static void* AsTag(Tag tag) { return reinterpret_cast<void*>(static_cast<intptr_t>(tag)); }

  void Await(Tag wanted) {
    void* tag = nullptr;
    bool ok = false;
    if (!queue_.Next(&tag, &ok) || !ok || tag != AsTag(wanted)) Fail();
  }

  [[noreturn]] void Fail() {
    grpc::Status status;
    stream_->Finish(&status, AsTag(kEnded));
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok) && tag != AsTag(kEnded)) {
    }
    throw std::runtime_error("a report stream ended: " + status.error_message());
  }

  void Open(int location) {
    stream_ = stub_.PrepareCall(&context_, "/onhand.v1.ReportService/Report", &queue_);
    stream_->StartCall(AsTag(kStarted));
    Await(kStarted);
    v1::ReportRequest hello;
    *hello.mutable_hello() = HelloOf(location, "wire");
    stream_->Write(Pack(hello), AsTag(kWritten));
    Await(kWritten);
    stream_->Read(&incoming_, AsTag(kRead));
    Await(kRead);
    sequence_ = acknowledged_ = Unpack(incoming_).welcome().durable_sequence();
  }

  void Run() {
    stream_->Read(&incoming_, AsTag(kRead));
    bool writing = false;
    while (!shared_->finishing || acknowledged_ < sequence_ || writing) {
      if (shared_->sending && !writing && sequence_ < acknowledged_ + kUnacknowledgedMax) {
        ++sequence_;
        stream_->Write(batches_[sequence_ % kPackedBatches].Message(sequence_), AsTag(kWritten));
        writing = true;
      }
      void* tag = nullptr;
      bool ok = false;
      const auto status = queue_.AsyncNext(
          &tag, &ok, std::chrono::system_clock::now() + std::chrono::milliseconds(2));
      if (status == grpc::CompletionQueue::TIMEOUT) continue;
      if (status == grpc::CompletionQueue::SHUTDOWN || !ok) Fail();
      if (tag == AsTag(kWritten)) {
        writing = false;
      } else {
        Take(Unpack(incoming_));
        stream_->Read(&incoming_, AsTag(kRead));
      }
    }
    context_.TryCancel();
    grpc::Status ignored;
    stream_->Finish(&ignored, AsTag(kEnded));
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok) && tag != AsTag(kEnded)) {
    }
  }

  void Take(const v1::ReportResponse& response) {
    if (!response.has_ack()) throw std::runtime_error("the hub drains or redirects");
    const v1::Ack& ack = response.ack();
    if (ack.problems_size() > 0) throw std::runtime_error(ack.problems(0).message());
    const uint64_t movements = (ack.durable_sequence() - acknowledged_) * kBatchMovements;
    acknowledged_ = ack.durable_sequence();
    shared_->acknowledged += movements;
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    shared_->beyond.push_back({ack.revision(), movements});
  }

  Shared* const shared_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  grpc::ByteBuffer incoming_;
  std::vector<PackedBatch> batches_;
  uint64_t sequence_ = 0;
  uint64_t acknowledged_ = 0;
  std::future<void> outcome_;
};

ReportLoad::ReportLoad(const std::string& address, int generators, int items)
    : shared_(std::make_unique<Shared>()) {
  for (int location = 0; location < generators; ++location) {
    generators_.push_back(std::make_unique<Generator>(shared_.get(), address, location, items));
  }
}

ReportLoad::~ReportLoad() {
  SetSending(false);
  shared_->finishing = true;
  for (const auto& generator : generators_) {
    generator->Cancel();
    try {
      generator->Join();
    } catch (const std::exception&) {
      // Said by Finish if anybody asked.
    }
  }
}

void ReportLoad::SetSending(bool sending) { shared_->sending = sending; }

void ReportLoad::Finish() {
  SetSending(false);
  shared_->finishing = true;
  for (const auto& generator : generators_) generator->Join();
}

uint64_t ReportLoad::acknowledged() const { return shared_->acknowledged; }

uint64_t ReportLoad::AcknowledgedThrough(uint64_t revision) {
  const std::lock_guard<std::mutex> lock(shared_->mutex);
  std::erase_if(shared_->beyond, [&](const Shared::Acknowledged& one) {
    if (one.revision > revision) return false;
    shared_->through += one.movements;
    return true;
  });
  return shared_->through;
}

double ReportLoad::Burst(double seconds) {
  const auto start = SteadyClock::now();
  SetSending(true);
  while (SecondsSince(start) < seconds) {
    ThrowIfInterrupted();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  Finish();
  return static_cast<double>(acknowledged()) / SecondsSince(start);
}

}  // namespace onhand::bench
