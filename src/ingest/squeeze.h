// A text reduced to what its words are: letters, digits and a few signs, with no white space at all. An error message
// that a terminal has broken in the middle of a number, a logger has indented, a notebook has coloured, or a web page
// has marked up reads the same then. What it is not: text to show.
// Threads: pure function.
#pragma once

#include <string>
#include <string_view>

namespace unfrag::ingest {

/// Keeps letters, digits and . , ; : ( ) | _ /. Terminal escapes (also written out, as in a notebook's JSON), "\n"
/// written out, HTML tags and entities vanish whole. Text in UTF-16 comes out as if it were ASCII.
/// Cost: linear; the result is never longer.
std::string squeeze(std::string_view text);

}  // namespace unfrag::ingest
