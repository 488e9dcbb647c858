#include "server/gateway/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace onhand::gateway {
namespace {

// The window's size, and that the format is gzip and nothing else.
constexpr int kGzipWindow = 16 + MAX_WBITS;

Bytef* BytesOf(absl::string_view bytes) {
  // zlib takes what it only reads as if it would write it.
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

}  // namespace

struct GzipReader::Stream {
  z_stream z = {};
};

GzipReader::GzipReader() : stream_(std::make_unique<Stream>()) {
  if (inflateInit2(&stream_->z, kGzipWindow) != Z_OK) abort();  // out of memory
}

GzipReader::~GzipReader() { inflateEnd(&stream_->z); }

GzipReader::Result GzipReader::Add(absl::string_view bytes, size_t bytes_max, std::string* out) {
  z_stream& z = stream_->z;
  z.next_in = BytesOf(bytes);
  z.avail_in = static_cast<uInt>(bytes.size());
  std::array<char, 16 << 10> piece;
  while (z.avail_in > 0 || z.avail_out == 0) {
    if (ended_) return Result::kBroken;  // something follows the end
    z.next_out = reinterpret_cast<Bytef*>(piece.data());
    z.avail_out = piece.size();
    const int code = inflate(&z, Z_NO_FLUSH);
    const size_t count = piece.size() - z.avail_out;
    if (out->size() + count > bytes_max) return Result::kTooLarge;
    out->append(piece.data(), count);
    if (code == Z_STREAM_END) {
      ended_ = true;
      if (z.avail_in == 0) break;
    } else if (code == Z_BUF_ERROR) {
      break;  // all that came is out
    } else if (code != Z_OK) {
      return Result::kBroken;
    }
  }
  return ended_ ? Result::kEnd : Result::kMore;
}

bool Gunzip(absl::string_view bytes, size_t bytes_max, std::string* out) {
  return GzipReader().Add(bytes, bytes_max, out) == GzipReader::Result::kEnd;
}

std::string Gzip(absl::string_view bytes) {
  z_stream z = {};
  // Answers are made for one client and once: quick rather than small.
  if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    abort();
  std::string out(deflateBound(&z, bytes.size()), '\0');
  z.next_in = BytesOf(bytes);
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  if (code != Z_STREAM_END) abort();  // the bound is a bound
  return out;
}

}  // namespace onhand::gateway
