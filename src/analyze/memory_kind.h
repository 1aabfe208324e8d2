// What a block of memory is for, in the words of people who train models. Threads: values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace unfrag::analyze {

enum class MemoryKind : uint8_t {
  kParameters,      ///< Weights and buffers of modules.
  kGradients,       ///< What the backward pass computes: of parameters, and those that flow through it.
  kOptimizerState,  ///< What the optimizer remembers from step to step.
  kActivations,     ///< What the forward pass computes.
  kInputs,          ///< Batches and labels.
  kWorkspaces,      ///< Scratch memory of libraries and of the optimizer's step.
  kUnknown,         ///< The recording does not tell.
};
inline constexpr size_t kMemoryKinds = 7;

constexpr std::string_view kind_name(MemoryKind kind) {
  constexpr std::array<std::string_view, kMemoryKinds> kNames = {
      "parameters", "gradients", "optimizer_state", "activations", "inputs", "workspaces", "unknown"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace unfrag::analyze
