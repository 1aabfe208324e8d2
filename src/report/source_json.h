// The file that a JSON report is about. Threads: pure function.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "trace/trace.h"

namespace unfrag::report {

struct Source {
  const std::string& path;
  uint64_t bytes = 0;  ///< Unpacked.
  const trace::Trace& trace;
  uint64_t events = 0;
  bool complete = false;                ///< It begins at the process's first allocation.
  std::vector<std::string> warnings{};  ///< Besides the trace's own.
};
nlohmann::ordered_json source_json(const Source& source);

}  // namespace unfrag::report
