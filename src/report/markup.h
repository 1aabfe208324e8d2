// Text made safe for HTML and XML: names in a recording are whatever somebody wrote there. Threads: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unfrag::report {

/// `text` as the content of an element, or of an attribute between either kind of quotes: nothing in it is markup, and
/// what is not plain printable text is made visible (escape_text).
std::string markup(std::string_view text);

/// A name from a file, or its end after "…" where it is longer than there is room for; escaped like escape_text, and
/// not yet markup.
std::string name_in_table(std::string_view name, size_t columns = 120);

}  // namespace unfrag::report
