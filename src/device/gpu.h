// NVIDIA's GPUs as a program sees them: what `unfrag rehearse --gpu NAME` presents to PyTorch where there is none.
//
// A table of facts and how to find one in it. The total of a GPU is what CUDA reports (cudaDeviceProp.totalGlobalMem,
// torch's total_memory) on Linux: less than what nvidia-smi prints and than the box says, because the driver keeps a
// part, and ECC on GDDR memory a sixteenth. Newer drivers keep more: an RTX 4090 told 24,217 MiB in 2023 and 24,092 in
// 2025. What it is not: a model of speed; clocks and caches are there because libraries ask for them.
//
// Lives: everything is static.   Threads: values, safe.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/strong.h"

namespace unfrag::device {

struct Gpu {
  std::string_view key;   ///< What the command line calls it: "rtx4090", "a100-80g", "rtx4060-laptop".
  std::string_view name;  ///< As torch.cuda.get_device_name prints it. Sizes of one model can share a name.
  Bytes nominal_memory;   ///< What the box says.
  Bytes total_memory;     ///< What CUDA reports.

  int compute_major = 0;
  int compute_minor = 0;
  int multiprocessors = 0;
  int threads_per_multiprocessor = 0;
  int blocks_per_multiprocessor = 0;
  int registers_per_multiprocessor = 0;
  Bytes shared_per_multiprocessor;
  Bytes shared_per_block;         ///< Without asking for more.
  Bytes shared_per_block_opt_in;  ///< With cudaFuncAttributeMaxDynamicSharedMemorySize.
  Bytes l2_cache;
  int memory_bus_bits = 0;
  int core_clock_mhz = 0;    ///< The boost clock of the specification.
  int memory_clock_mhz = 0;  ///< As CUDA counts: half the data rate.

  bool laptop = false;
  bool memory_is_derived = false;  ///< `total_memory` is reckoned from another GPU's, not a published reading.
  std::string_view memory_source;  ///< Where the reading stands, or how the figure is derived.
};

/// All real GPUs, the smallest total first; those of equal memory by key.
std::span<const Gpu> all_gpus();

/// What the command presents unless told otherwise: no product, but a round one, so that recordings of different
/// machines can be compared: 108 multiprocessors of compute capability 8.0 and 16 GiB.
const Gpu& reference_gpu();

/// The GPU of that key or full name, or of "reference". Case, spaces and hyphens do not matter, nor "NVIDIA",
/// "GeForce", "Tesla", "GPU" and "Generation"; "80GB" is "80g". Of GPUs that share a name the one whose key has no size
/// in it. Null where there is none.
const Gpu* find_gpu(std::string_view name);

/// Keys that could have been meant, at most four, the nearest first: those that contain `name`, those contained in it,
/// then those a few typing errors away. Empty where nothing is near.
std::vector<std::string_view> nearest_gpus(std::string_view name);

}  // namespace unfrag::device
