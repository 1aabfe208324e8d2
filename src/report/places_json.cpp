#include "report/places_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace unfrag::report {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

Json PlacesJson::text(trace::StringIdx idx) const {
  constexpr size_t kLongest = 8192;
  return escape_text(trace_.strings[idx].substr(0, kLongest));
}

Json PlacesJson::place(trace::FrameIdx idx) const {
  if (idx.is_none()) return {{"function", nullptr}, {"file", nullptr}, {"line", nullptr}};
  const trace::Frame& frame = trace_.frames[idx];
  return {{"function", text(frame.name)}, {"file", text(frame.filename)}, {"line", frame.line}};
}

Json PlacesJson::place(const analyze::Culprit& culprit) const {
  Json json = place(culprit.frame);
  json["origin"] = culprit.frame.is_none() ? Json(nullptr) : Json(analyze::origin_name(culprit.origin));
  if (culprit.origin == analyze::Origin::kNative) json["file"] = json["line"] = nullptr;
  return json;
}

Json PlacesJson::stack(trace::StackIdx idx) {
  constexpr size_t kDeepest = 4096;
  constexpr size_t kAround = 64;  // what JSON puts around the names
  constexpr size_t kMostNames = 16384;
  Json frames = Json::array();
  for (const trace::FrameIdx frame : trace_.stacks[idx]) {
    if (frames.size() == kDeepest || room_ == 0) break;
    frames.push_back(place(frame));
    const trace::Frame& names = trace_.frames[frame];
    const size_t bytes = trace_.strings[names.name].size() + trace_.strings[names.filename].size() + kAround;
    room_ -= std::min(room_, std::min(bytes, kMostNames));
  }
  return frames;
}

}  // namespace unfrag::report
