// The text of an out-of-memory error of any PyTorch release to the figures in it: CUDA, HIP, XPU and MPS, as printed
// by the interpreter, a logger, a notebook or a web page. What the figures mean is for analyze.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "trace/message.h"

namespace unfrag::ingest {

struct FoundMessages {
  std::optional<trace::OomMessage> last;
  uint64_t count = 0;
  trace::LaterMessages later;
};

/// The last out-of-memory message in `squeezed` (see squeeze.h) that has figures, how many tell a size, and what comes
/// after it: a wrapper often repeats the first words of an error alone. Where none has figures, the last that tells a
/// size; where none tells one, the last bare one, and how often its phrase occurs.
/// Cost: linear; the figures are looked for in the 16 KiB after a message's first words, and not beyond the next one's.
FoundMessages find_oom_messages(std::string_view squeezed);

}  // namespace unfrag::ingest
