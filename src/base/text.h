// Text for people: sizes, counts, and anything from a file made safe to print. Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"

namespace unfrag {

/// "512 B", "1.50 KiB", "12.00 MiB": IEC units, two decimals, rounded to the nearest as PyTorch does.
std::string format_bytes(Bytes bytes);

/// 1234567 → "1,234,567".
std::string format_count(uint64_t count);

/// `text` with everything that is not plain printable text made visible: control characters, escapes, invalid UTF-8
/// and invisible direction marks as \xNN or \u{NNNN}. Backslashes stay, so Windows paths read as they are.
std::string escape_text(std::string_view text);

/// `text` as Python's decoder takes it: what is not UTF-8 becomes U+FFFD. Lone surrogates, in which Python keeps the
/// bytes of undecodable file names, stay.
std::string mend_utf8(std::string_view text);

/// A name from a file for a message: escaped, and cut to 80 columns.
std::string excerpt(std::string_view text);

/// "FILE@WHERE: WHAT; try ACTION", escaped. `file`: empty, or "-" for standard input.
std::string error_text(const Error& error, std::string_view file);

/// Columns `text` takes on a terminal. Requires: escaped text.
size_t display_width(std::string_view text);

/// `text` padded with spaces on the right, or its tail after "…" ("~" in ASCII) where it is longer than `width`.
std::string fit_left(std::string_view text, size_t width, bool unicode);

/// The same, padded on the left.
std::string fit_right(std::string_view text, size_t width);

/// "8388608", "8MiB", "1.5 GiB", "2GB": a number with an optional unit; kB, MB, GB and TB are powers of ten.
/// Errors: kUsage.
Result<Bytes> parse_size(std::string_view text);

}  // namespace unfrag
