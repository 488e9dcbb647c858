#include "server/hub/journal_record.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "storage/crc32c.h"

namespace onhand::hub {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kHeadBytes = 5;

}  // namespace

std::string EncodeRecord(const ::onhand::journal::v1::Record& record) {
  const size_t record_bytes = record.ByteSizeLong();
  std::string payload(kHeadBytes + record_bytes, '\0');
  auto* bytes = reinterpret_cast<uint8_t*>(payload.data());
  record.SerializeWithCachedSizesToArray(bytes + kHeadBytes);
  const uint32_t checksum = storage::Crc32c({payload.data() + kHeadBytes, record_bytes});
  bytes[0] = kFormat;
  for (size_t i = 0; i < 4; ++i) bytes[1 + i] = static_cast<uint8_t>(checksum >> (8 * i));
  return payload;
}

absl::Status DecodeRecord(absl::string_view payload, ::onhand::journal::v1::Record* record) {
  record->Clear();
  if (payload.size() < kHeadBytes) {
    return absl::DataLossError(
        absl::StrCat("journal payload has ", payload.size(), " bytes, less than its head"));
  }
  const auto* bytes = reinterpret_cast<const uint8_t*>(payload.data());
  if (bytes[0] == 0)
    return absl::DataLossError("journal payload has format 0, which no program wrote");
  if (bytes[0] > kFormat) {
    return absl::FailedPreconditionError(
        absl::StrCat("journal payload has format ", int{bytes[0]}, ", this program knows ",
                     int{kFormat}, ": start the program that wrote it, or a newer one"));
  }
  uint32_t said = 0;
  for (size_t i = 0; i < 4; ++i) said |= uint32_t{bytes[1 + i]} << (8 * i);
  const absl::string_view rest = payload.substr(kHeadBytes);
  if (const uint32_t found = storage::Crc32c(rest); found != said) {
    return absl::DataLossError(absl::StrCat("journal payload's CRC32C is ", absl::Hex(found),
                                            ", its head says ", absl::Hex(said)));
  }
  if (!record->ParseFromArray(rest.data(), static_cast<int>(rest.size()))) {
    return absl::DataLossError("journal payload's checksum is right but its Record does not parse");
  }
  return absl::OkStatus();
}

}  // namespace onhand::hub
