// What a setting costs or breaks, by release: known before anybody tries it. Threads: pure function.
#pragma once

#include <string_view>
#include <vector>

#include "alloc/settings.h"

namespace unfrag::advise {

struct Drawback {
  std::string_view key;   ///< The setting it comes with.
  std::string_view text;  ///< One sentence.
};

/// Those of every setting that differs from the defaults, in a fixed order.
/// Source: the documentation of each release and the reports named in the sentences.
std::vector<Drawback> drawbacks_of(const alloc::Settings& settings, alloc::Version version);

}  // namespace unfrag::advise
