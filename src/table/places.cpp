#include <utility>

#include "table/trace_tables.h"

namespace unfrag::table {

Places::Places(const trace::Trace& trace) {
  auto functions = std::make_shared<Texts>();
  auto files = std::make_shared<Texts>();
  of_frames_.reserve(trace.frames.size());
  for (uint32_t i = 0; i < trace.frames.size(); ++i) {
    const trace::Frame& frame = trace.frames[trace::FrameIdx(i)];
    of_frames_.push_back({.function = functions->add(trace.strings[frame.name]),
                          .file = files->add(trace.strings[frame.filename]),
                          .line = static_cast<int32_t>(frame.line)});
  }
  const analyze::UserCode user_code(trace);
  of_stacks_.reserve(trace.stacks.size());
  for (uint32_t i = 0; i < trace.stacks.size(); ++i) {
    const analyze::Culprit culprit = user_code.culprit(trace::StackIdx(i));
    Place place;
    if (!culprit.frame.is_none()) place = of_frames_[culprit.frame.value()];
    if (culprit.origin == analyze::Origin::kNative) place.file = place.line = -1;
    of_stacks_.push_back(place);
  }
  functions_ = std::move(functions);
  files_ = std::move(files);
}

Source source_of(std::shared_ptr<const trace::Trace> trace) {
  auto places = std::make_shared<const Places>(*trace);
  return {std::move(trace), std::move(places)};
}

}  // namespace unfrag::table
