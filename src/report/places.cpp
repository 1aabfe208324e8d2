#include "report/places.h"

#include <fmt/format.h>

#include "base/text.h"

namespace unfrag::report {

std::string place_text(const trace::Trace& trace, trace::FrameIdx frame, analyze::Origin origin, PlaceDetail detail) {
  if (frame.is_none()) {
    const bool others_have = trace.stacks.size() > 1;
    return others_have ? "(no Python stack: mostly the backward thread)" : "(no stacks recorded)";
  }
  const trace::Frame& names = trace.frames[frame];
  const std::string function = escape_text(trace.strings[names.name]);
  if (origin == analyze::Origin::kNative) {
    return fmt::format("(no Python frame) {}", function.substr(0, function.find('(', 1)));
  }
  const std::string file = escape_text(trace.strings[names.filename]);
  if (detail == PlaceDetail::kFunction) return fmt::format("{} {}", file, function);
  return fmt::format("{}:{} {}", file, names.line, function);
}

void write_stack(Page& page, const trace::Trace& trace, trace::StackIdx stack) {
  for (const trace::FrameIdx frame : trace.stacks[stack]) {
    page.paragraph(place_text(trace, frame, analyze::Origin::kUser, PlaceDetail::kLine), 6, 8);
  }
}

}  // namespace unfrag::report
