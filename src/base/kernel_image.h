// For which GPUs a library brings kernels: compiled for an architecture, or as PTX that the driver compiles.
//
// Compute capability 8.6 is architecture 86. Rules of CUDA C++ Programming Guide, "Binary compatibility" and "PTX
// compatibility". Threads: values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace unfrag {

struct KernelImage {
  int architecture = 0;
  bool ptx = false;
  bool exactly = false;  ///< Runs on its own architecture alone, as sm_90a, else on later ones of the same major too.

  friend bool operator==(const KernelImage&, const KernelImage&) = default;
};

/// What cudaFuncGetAttributes says of a kernel.
struct KernelCode {
  int ptx_version = 0;
  int binary_version = 0;

  friend bool operator==(const KernelCode&, const KernelCode&) = default;
};

/// What a device of an architecture runs: the closest binary, else the latest PTX, compiled for it; nothing where no
/// image fits, which CUDA calls cudaErrorNoKernelImageForDevice.
std::optional<KernelCode> code_for(std::span<const KernelImage> images, int architecture);

}  // namespace unfrag
