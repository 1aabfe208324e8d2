// Places in the program as JSON: function, file and line, and whole stacks. What one report says of all stacks is
// bounded: a file that was made to do so could have each of a million holders repeat its longest text.
// Threads: one report.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>

#include "analyze/user_code.h"
#include "trace/trace.h"

namespace unfrag::report {

class PlacesJson {
 public:
  explicit PlacesJson(const trace::Trace& trace) : trace_(trace) {}

  /// Escaped, and cut where no name of a program is that long.
  [[nodiscard]] nlohmann::ordered_json text(trace::StringIdx idx) const;
  /// {function, file, line}; nulls for none().
  [[nodiscard]] nlohmann::ordered_json place(trace::FrameIdx idx) const;
  /// The same with `origin`; of a C++ frame only the function says what was computed.
  [[nodiscard]] nlohmann::ordered_json place(const analyze::Culprit& culprit) const;
  /// [{function, file, line}], innermost first.
  [[nodiscard]] nlohmann::ordered_json stack(trace::StackIdx idx);

 private:
  static constexpr size_t kRoom = size_t{64} << 20;

  const trace::Trace& trace_;
  size_t room_ = kRoom;  // bytes left for stacks; real files need a fraction
};

}  // namespace unfrag::report
