#include "ingest/unpack_first_bytes.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace unfrag::ingest::unpacking {
namespace {

using namespace std::string_view_literals;

struct Magic {
  size_t at;
  std::string_view bytes;
  std::string_view name;
};

// "torch.save()" before version 1.6: a pickle of its own that holds only this number.
// Source: PyTorch torch/serialization.py, MAGIC_NUMBER.
constexpr Magic kOldCheckpoint = {0, "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."sv,
                                  "a checkpoint of an old torch.save()"sv};

constexpr Magic kMagics[] = {
    kOldCheckpoint,
    {0,
     "\x7f"
     "ELF"sv,
     "an ELF program or library"sv},
    {0, "MZ"sv, "a Windows program"sv},
    {0, "\x89PNG"sv, "a PNG picture"sv},
    {0, "\xff\xd8\xff"sv, "a JPEG picture"sv},
    {0, "%PDF"sv, "a PDF document"sv},
    {0, "\x89HDF"sv, "an HDF5 file"sv},
    {0, "SQLite format 3"sv, "an SQLite database"sv},
    {0, "\x93NUMPY"sv, "a NumPy array"sv},
    {0, "GGUF"sv, "a GGUF model"sv},
    {0, "PAR1"sv, "a Parquet file"sv},
    {0, "BZh"sv, "bzip2 data, which is to be unpacked first"sv},
    {0,
     "\xfd"
     "7zXZ"sv,
     "xz data, which is to be unpacked first"sv},
    {0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive, which is to be unpacked first"sv},
    {0, "Rar!"sv, "a RAR archive, which is to be unpacked first"sv},
    {0, "\x04\x22\x4d\x18"sv, "lz4 data, which is to be unpacked first"sv},
    {257, "ustar"sv, "a tar archive, which is to be unpacked first"sv},
    {0, "\xff\xfe"sv, "UTF-16 text"sv},
    {0, "\xfe\xff"sv, "UTF-16 text"sv},
};

bool has(std::string_view bytes, const Magic& magic) {
  return bytes.size() >= magic.at && bytes.substr(magic.at).starts_with(magic.bytes);
}

// A length of eight bytes, the lowest first, and a JSON object: the length can begin like a pickle or like text.
bool is_safetensors(std::string_view bytes) {
  return bytes.size() > 8 && bytes[8] == '{' && bytes.substr(5, 3) == "\0\0\0"sv;
}

std::string_view without_white_space(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '.'; }

// GLOBAL: 'c', then the names of a module and of something in it, each on its line.
bool starts_global(std::string_view bytes) {
  for (int line = 0; line < 2; ++line) {
    bytes.remove_prefix(line == 0 ? 1 : 0);
    const auto end = std::find_if_not(bytes.begin(), bytes.end(), is_name_char);
    if (end == bytes.begin() || end == bytes.end() || *end != '\n') return false;
    bytes.remove_prefix(static_cast<size_t>(end - bytes.begin()) + 1);
  }
  return true;
}

// Protocols 0 and 1 have no magic number and start with printable characters; a README must not pass for one.
bool starts_old_pickle(std::string_view bytes) {
  switch (bytes[0]) {
    case '}':  // EMPTY_DICT
    case ']':  // EMPTY_LIST
      return true;
    case '(':  // MARK: "(dp0", "(lp0", but also "(see below)".
      if (bytes.size() > 1 && bytes[1] == 'c') return starts_global(bytes.substr(1));
      return bytes.size() < 4 || !is_lower(bytes[2]) || !is_lower(bytes[3]);
    case 'c': return starts_global(bytes);
    case 'I':  // INT
      return bytes.size() > 1 && (is_digit(bytes[1]) || bytes[1] == '-');
    case 'N':  // NONE
      return bytes.size() > 1 && bytes[1] == '.';
    default: return false;
  }
}

bool is_text(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (byte >= 0x20 && byte != 0x7f) || "\t\n\r\f\x1b"sv.find(c) != std::string_view::npos;
  });
}

constexpr char kHex[] = "0123456789abcdef";

std::string hex(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return {kHex[byte >> 4], kHex[byte & 15]};
}

}  // namespace

bool starts_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

bool starts_zstd(std::string_view bytes) {
  if (bytes.starts_with("\x28\xb5\x2f\xfd")) return true;
  return bytes.size() >= 4 && (bytes[0] & 0xf0) == 0x50 && bytes.substr(1).starts_with("\x2a\x4d\x18");
}

Kind kind_of(std::string_view first_bytes) {
  if (starts_gzip(first_bytes)) return Kind::kGzip;
  if (starts_zstd(first_bytes)) return Kind::kZstd;
  if (first_bytes.starts_with("PK\x03\x04") || first_bytes.starts_with("PK\x05\x06")) return Kind::kZip;
  if (is_safetensors(first_bytes) || has(first_bytes, kOldCheckpoint)) return Kind::kOther;
  if (first_bytes.starts_with('\x80')) return Kind::kPickle;
  const std::string_view text = without_white_space(first_bytes);
  if (text.starts_with('<')) return Kind::kHtml;
  if (text.starts_with('{') || text.starts_with('[') || text.starts_with('"')) return Kind::kJson;
  return !first_bytes.empty() && starts_old_pickle(first_bytes) ? Kind::kPickle : Kind::kOther;
}

std::string looks_like(std::string_view first_bytes) {
  if (is_safetensors(first_bytes)) return "a safetensors file";
  for (const Magic& magic : kMagics) {
    if (has(first_bytes, magic)) return std::string(magic.name);
  }
  if (is_text(first_bytes.substr(0, 256))) return "plain text";
  std::string bytes = "the bytes";
  for (const char c : first_bytes.substr(0, 4)) bytes += ' ' + hex(c);
  return bytes;
}

}  // namespace unfrag::ingest::unpacking
