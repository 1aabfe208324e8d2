#include "device/context_size.h"

#include <cstdint>

namespace unfrag::device {

namespace {

// Most of a context is local memory set aside for every thread that can be resident, whether it runs or not: about
// twice the default stack of 1 KiB (cudaLimitStackSize). Readings, in MiB, of processes that had done no more than
// start CUDA through PyTorch, beside 20 MiB + 2 KiB a resident thread:
//
//   GPU             CUDA   read   reckoned
//   L4               -      226      200     logs in public repositories, 2026; "-": the version is not told
//   RTX 3080 Ti      -      250      260     the same
//   RTX 3090        12.8    256      270     invoke-ai/InvokeAI#9413
//   V100-SXM2-32GB  12.1    308      340     a log in a public repository, 2026
//   RTX 4090         -      384      410     the same
//   RTX 6000 Ada    13.0    426      450     unslothai/unsloth-zoo#1053
//   A100             -      501      460     the same as the L4's
//
// 12 and 13 lie on one line. Without figures for a model, pytorch/pytorch#107667 tells of 300 and #109888 of 400 MiB.
constexpr Bytes kFixed = 20_MiB;
constexpr Bytes kPerThread = 2_KiB;
constexpr Bytes kStep = 10_MiB;

// The device of the recordings in the test corpus keeps so much.
constexpr Bytes kReference = 500_MiB;

}  // namespace

Bytes context_size(const Gpu& gpu, int /*cuda_major: no two published readings differ by it*/) {
  if (gpu.key == reference_gpu().key) return kReference;
  const uint64_t threads = static_cast<uint64_t>(gpu.multiprocessors) * gpu.threads_per_multiprocessor;
  const uint64_t bytes = kFixed.value() + threads * kPerThread.value();
  return Bytes((bytes + kStep.value() - 1) / kStep.value() * kStep.value());
}

}  // namespace unfrag::device
