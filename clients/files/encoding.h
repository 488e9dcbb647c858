// Turns the bytes of an export into UTF-8: tills write UTF-8, UTF-16 with a byte order mark, or
// Windows-1252. Pure functions, any thread.
#ifndef ONHAND_CLIENTS_FILES_ENCODING_H_
#define ONHAND_CLIENTS_FILES_ENCODING_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhand::files {

enum class Encoding { kDetect, kUtf8, kUtf16LittleEndian, kUtf16BigEndian, kWindows1252 };

struct DecodedText {
  // Without byte order mark.
  std::string text;
  Encoding encoding = Encoding::kUtf8;
};

// kDetect: the byte order mark decides; without one, valid UTF-8 is UTF-8 and everything else
// Windows-1252, whose five unassigned bytes become U+FFFD. INVALID_ARGUMENT: the bytes are not in
// the declared encoding.
absl::StatusOr<DecodedText> DecodeText(absl::string_view bytes, Encoding declared);

// Whether `text` is well-formed UTF-8 (no overlong forms, no surrogates).
bool IsUtf8(absl::string_view text);

// The name used in mappings: "utf-8", "utf-16le", "utf-16be", "windows-1252", "auto".
const char* EncodingName(Encoding encoding);

}  // namespace onhand::files

#endif  // ONHAND_CLIENTS_FILES_ENCODING_H_
