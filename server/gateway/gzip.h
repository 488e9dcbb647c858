// gzip, as bodies carry it. Values; one thread each.
#ifndef ONHAND_SERVER_GATEWAY_GZIP_H_
#define ONHAND_SERVER_GATEWAY_GZIP_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace onhand::gateway {

// Takes the gzip off a body piece by piece, and stops where it would grow too large.
class GzipReader {
 public:
  GzipReader();
  ~GzipReader();

  enum class Result { kMore, kEnd, kTooLarge, kBroken };
  // Appends what comes out of `bytes` to `out` while that has at most `bytes_max`.
  Result Add(absl::string_view bytes, size_t bytes_max, std::string* out);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  bool ended_ = false;
};

// A whole body at once. False: broken, or more than `bytes_max`.
bool Gunzip(absl::string_view bytes, size_t bytes_max, std::string* out);
std::string Gzip(absl::string_view bytes);

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_GZIP_H_
