#include "server/gateway/conditional_get.h"

#include <xxhash.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/time_util.h"
#include "onhand/v1/availability.pb.h"

namespace onhand::gateway {
namespace {

using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;

// A shop may show what it has for so long while it asks again.
constexpr int64_t kRevalidateS = 10;
constexpr char kGzipMark[] = "-gzip";

// The least of what some answers said.
struct Least {
  uint64_t revision = std::numeric_limits<uint64_t>::max();
  std::optional<Timestamp> known_through;
  std::optional<int64_t> cache_until_us;
  bool known = true;  // all said a known_through
  bool any = false;

  void Take(v1::Availability* answer) {
    any = true;
    revision = std::min(revision, answer->revision());
    if (!answer->has_known_through()) {
      known = false;
    } else if (!known_through.has_value() ||
               TimeUtil::TimestampToNanoseconds(answer->known_through()) <
                   TimeUtil::TimestampToNanoseconds(*known_through)) {
      known_through = answer->known_through();
    }
    const int64_t until_us = TimeUtil::TimestampToMicroseconds(answer->cache_until());
    cache_until_us = std::min(cache_until_us.value_or(until_us), until_us);
    answer->clear_revision();
    answer->clear_known_through();
    answer->clear_cache_until();
    for (v1::LocationAvailability& location : *answer->mutable_locations()) {
      location.clear_known_through();
    }
  }
};

// Parses, lets `each` have every answer, and writes back what is left.
template <class Message, class Each>
void Rewrite(std::string* bytes, Each&& each) {
  Message message;
  if (!message.ParseFromString(*bytes)) return;
  each(message);
  *bytes = message.SerializeAsString();
}

std::string BareTag(absl::string_view tag) {
  tag = absl::StripAsciiWhitespace(tag);
  absl::ConsumePrefix(&tag, "W/");
  absl::ConsumePrefix(&tag, "\"");
  absl::ConsumeSuffix(&tag, "\"");
  absl::ConsumeSuffix(&tag, kGzipMark);
  return std::string(tag);
}

bool ClientHas(const std::string& if_none_match, const std::string& tag) {
  if (absl::StripAsciiWhitespace(if_none_match) == "*") return true;
  for (const absl::string_view part : absl::StrSplit(if_none_match, ',')) {
    if (BareTag(part) == tag) return true;
  }
  return false;
}

}  // namespace

bool Freshness::TakeOut(const std::string& type, std::string* bytes, HttpResponse* response) const {
  Least least;
  if (type == v1::GetAvailabilityResponse::descriptor()->full_name()) {
    Rewrite<v1::GetAvailabilityResponse>(bytes, [&](v1::GetAvailabilityResponse& message) {
      least.Take(message.mutable_availability());
    });
  } else if (type == v1::BatchGetAvailabilityResponse::descriptor()->full_name()) {
    Rewrite<v1::BatchGetAvailabilityResponse>(
        bytes, [&](v1::BatchGetAvailabilityResponse& message) {
          for (v1::BatchAvailability& result : *message.mutable_results()) {
            if (result.has_availability()) least.Take(result.mutable_availability());
          }
        });
  } else {
    return false;
  }
  auto& headers = response->headers;
  if (least.any) headers.emplace_back("Onhand-Revision", absl::StrCat(least.revision));
  if (least.any && least.known) {
    headers.emplace_back("Onhand-Known-Through", TimeUtil::ToString(*least.known_through));
  }
  // A second of a scaled clock is less than one of the client's.
  const int64_t left_us = (least.cache_until_us.value_or(0) - clock_->NowUs()) /
                          std::max<int64_t>(clock_->scale().factor, 1);
  headers.emplace_back("Cache-Control",
                       absl::StrCat("max-age=", std::max<int64_t>(left_us / 1'000'000, 0),
                                    ", stale-while-revalidate=", kRevalidateS));
  return true;
}

void Freshness::Tag(const HttpRequest& request, HttpResponse* response) const {
  const uint64_t hash = XXH3_64bits(response->body.data(), response->body.size());
  const std::string tag = absl::StrCat(journal_id_, "-", absl::Hex(hash, absl::kZeroPad16));
  response->headers.emplace_back("ETag", absl::StrCat("\"", tag, "\""));
  if (!ClientHas(request.Header("if-none-match"), tag)) return;
  response->status = 304;
  response->body.clear();
  response->content_type.clear();
}

std::string GzipTag(const std::string& tag) {
  return absl::StrCat(absl::StripSuffix(tag, "\""), kGzipMark, "\"");
}

}  // namespace onhand::gateway
