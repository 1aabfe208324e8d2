// The device, as far as the user tells: a recording does not. Threads: values.
#pragma once

#include <optional>

#include "base/strong.h"

namespace unfrag::replay {

struct Card {
  std::optional<Bytes> memory{};     ///< All of it.
  std::optional<Bytes> context{};    ///< Of that, not PyTorch's to take: the process's own context.
  std::optional<double> fraction{};  ///< torch.cuda.set_per_process_memory_fraction; in [0, 1].
  bool operator==(const Card&) const = default;
  [[nodiscard]] bool given() const { return memory || context || fraction; }
};

}  // namespace unfrag::replay
