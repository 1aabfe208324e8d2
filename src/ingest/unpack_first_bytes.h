// Tells a wrapping, a pickle or JSON by the first bytes, and names what else they may be. Internal to unpack.
// Threads: pure functions, safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unfrag::ingest::unpacking {

/// As many bytes as `kind_of` looks at: white space before the first character of a page counts.
inline constexpr size_t kFirstBytes = 4096;

enum class Kind { kGzip, kZstd, kZip, kHtml, kPickle, kJson, kOther };

Kind kind_of(std::string_view first_bytes);
bool starts_gzip(std::string_view bytes);
/// A frame with data or one to skip.
bool starts_zstd(std::string_view bytes);

/// What bytes of Kind::kOther start like: "an ELF program", "plain text", "the bytes 00 01 02 03".
std::string looks_like(std::string_view first_bytes);

}  // namespace unfrag::ingest::unpacking
