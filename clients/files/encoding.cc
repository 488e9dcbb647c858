#include "clients/files/encoding.h"

#include <array>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace onhand::files {
namespace {

constexpr uint32_t kReplacement = 0xFFFD;

// Code points of the bytes 0x80 to 0x9F (WHATWG index-windows-1252; unassigned bytes are replaced).
constexpr std::array<uint16_t, 32> kWindows1252High = {
    0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

void AppendCodePoint(uint32_t point, std::string& out) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (point >> 6)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  } else if (point < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (point >> 12)));
    out.push_back(static_cast<char>(0x80 | ((point >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (point >> 18)));
    out.push_back(static_cast<char>(0x80 | ((point >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((point >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  }
}

std::string FromWindows1252(absl::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    AppendCodePoint(byte >= 0x80 && byte < 0xA0 ? kWindows1252High[byte - 0x80] : byte, out);
  }
  return out;
}

absl::StatusOr<std::string> FromUtf16(absl::string_view bytes, bool little_endian) {
  if (bytes.size() % 2 != 0) {
    return absl::InvalidArgumentError(
        "the file has an odd number of bytes, so its UTF-16 text is cut: export it again");
  }
  const auto unit = [&](size_t at) -> uint32_t {
    const auto first = static_cast<unsigned char>(bytes[at]);
    const auto second = static_cast<unsigned char>(bytes[at + 1]);
    return little_endian ? first | second << 8 : first << 8 | second;
  };
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size(); at += 2) {
    uint32_t point = unit(at);
    if (point >= 0xD800 && point < 0xDC00 && at + 2 < bytes.size()) {
      const uint32_t low = unit(at + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        at += 2;
      }
    }
    AppendCodePoint(point >= 0xD800 && point < 0xE000 ? kReplacement : point, out);
  }
  return out;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return false;
    uint32_t point = lead & (0x7F >> length);
    for (size_t next = at + 1; next < at + length; ++next) {
      const auto byte = static_cast<unsigned char>(text[next]);
      if ((byte & 0xC0) != 0x80) return false;
      point = point << 6 | (byte & 0x3F);
    }
    const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    if (overlong || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
    at += length;
  }
  return true;
}

absl::StatusOr<DecodedText> DecodeText(absl::string_view bytes, Encoding declared) {
  const bool utf8_mark = absl::StartsWith(bytes, "\xEF\xBB\xBF");
  const bool little_mark = absl::StartsWith(bytes, "\xFF\xFE");
  const bool big_mark = absl::StartsWith(bytes, "\xFE\xFF");

  Encoding encoding = declared;
  if (declared == Encoding::kDetect) {
    encoding = little_mark                  ? Encoding::kUtf16LittleEndian
               : big_mark                   ? Encoding::kUtf16BigEndian
               : utf8_mark || IsUtf8(bytes) ? Encoding::kUtf8
                                            : Encoding::kWindows1252;
  }
  switch (encoding) {
    case Encoding::kUtf16LittleEndian:
    case Encoding::kUtf16BigEndian: {
      const bool little = encoding == Encoding::kUtf16LittleEndian;
      if (little ? little_mark : big_mark) bytes.remove_prefix(2);
      absl::StatusOr<std::string> text = FromUtf16(bytes, little);
      if (!text.ok()) return text.status();
      return DecodedText{*std::move(text), encoding};
    }
    case Encoding::kWindows1252:
      return DecodedText{FromWindows1252(bytes), encoding};
    case Encoding::kUtf8:
    case Encoding::kDetect:
      break;
  }
  if (utf8_mark) bytes.remove_prefix(3);
  if (!IsUtf8(bytes)) {
    return absl::InvalidArgumentError(
        "the file is not the UTF-8 that its mark or mapping says: set \"encoding\" in the mapping "
        "or export it again");
  }
  return DecodedText{std::string(bytes), Encoding::kUtf8};
}

const char* EncodingName(Encoding encoding) {
  switch (encoding) {
    case Encoding::kUtf8:
      return "utf-8";
    case Encoding::kUtf16LittleEndian:
      return "utf-16le";
    case Encoding::kUtf16BigEndian:
      return "utf-16be";
    case Encoding::kWindows1252:
      return "windows-1252";
    case Encoding::kDetect:
      break;
  }
  return "auto";
}

}  // namespace onhand::files
