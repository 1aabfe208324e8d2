// What grows from iteration to iteration, and what marks the iterations. Threads: one page.
#pragma once

#include "report/names.h"
#include "report/page.h"

namespace unfrag::report {

/// Over the lines that grow. Requires: there are any.
std::string growth_title(const analyze::Growth& growth);
/// Of one of them, with the bytes.
std::string growth_sentence(const Names& names, const analyze::Suspect& suspect);

/// The `top` lines that gained most and the sum of the others; nothing where nothing grows.
void write_growth(Page& page, const Names& names, const analyze::DeviceFindings& findings, size_t top);

}  // namespace unfrag::report
