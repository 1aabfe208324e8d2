// A device's memory at one moment as a picture: a row for each segment, largest first, with its blocks and holes in
// their places.
//
//   20.00 MiB  [####  ##### ~~~~      ###]  large, stream 7
//
// A segment longer than a row goes on in the next. What would be narrower than can be seen is drawn as one shape that
// says how many blocks and bytes it stands for. Threads: pure function.
#pragma once

#include <string>

#include "analyze/explanation.h"
#include "analyze/state.h"

namespace unfrag::report {

/// An <svg> element for a page or a file of its own (svg.h), under 60 KB. `state`: of the device of `findings` at the
/// moment they are about.
std::string address_space_svg(const analyze::Explanation& explanation, const analyze::DeviceFindings& findings,
                              const analyze::MemoryState& state);

}  // namespace unfrag::report
