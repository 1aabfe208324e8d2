// The CUDA runtime, kernels: registered by the libraries that bring them, described, never run.
#include <algorithm>
#include <cstring>

#include "rehearsal/null/api.h"
#include "rehearsal/null/entered.h"
#include "rehearsal/null/kernels.h"
#include "rehearsal/null/log.h"
#include "rehearsal/null/stage.h"
#include "rehearsal/null/status.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kKernels>;

struct Dim3 {
  unsigned x, y, z;
};

/// What <<<...>>> pushes and the launch right after it pops, on the same thread.
struct LaunchShape {
  Dim3 grid{1, 1, 1};
  Dim3 block{1, 1, 1};
  size_t shared = 0;
  void* stream = nullptr;
};
thread_local LaunchShape pushed;

constexpr int kThreadsPerBlock = 1024;
constexpr int kRegisters = 32;

/// Places in cudaFuncAttributes, the same in CUDA 12 and 13.
constexpr size_t kAttributesSize = 144;
constexpr size_t kMaxThreadsPerBlock = 24;
constexpr size_t kNumRegisters = 28;
constexpr size_t kPtxVersion = 32;
constexpr size_t kBinaryVersion = 36;
constexpr size_t kMaxDynamicShared = 44;

Status launch(const void* kernel) {
  if (!code_of(kernel)) return note(kNoKernelImage);
  count(counters().launches);
  return kSuccess;
}

/// Blocks that fit a multiprocessor by threads, registers and shared memory; kernels have kRegisters registers here.
int blocks_that_fit(int threads, size_t shared) {
  const Stage& s = stage();
  if (s.blocks_per_multiprocessor > 0) return s.blocks_per_multiprocessor;
  const int whole = std::max(32, (threads + 31) / 32 * 32);
  int blocks =
      std::min({32, s.threads_per_multiprocessor / whole, s.registers_per_multiprocessor / (whole * kRegisters)});
  constexpr size_t kReserved = 1024;  // of each block
  blocks = std::min(blocks, static_cast<int>(static_cast<size_t>(s.shared_per_multiprocessor) / (shared + kReserved)));
  return std::max(blocks, 1);
}

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

// NOLINTBEGIN(bugprone-reserved-identifier): the names that compiled programs call.
// Registering, as a library is loaded or unloaded, is nothing that the program does: it enters nothing.
UNFRAG_NULL_API void** __cudaRegisterFatBinary(void* wrapper) { return register_fat_binary(wrapper); }
UNFRAG_NULL_API void __cudaRegisterFatBinaryEnd(void**) {}
UNFRAG_NULL_API void __cudaUnregisterFatBinary(void**) {}
UNFRAG_NULL_API void __cudaRegisterFunction(void** fat_binary, const char* function, char*, const char*, int, void*,
                                            void*, void*, void*, int*) {
  register_kernel(fat_binary, function);
}
UNFRAG_NULL_API void __cudaRegisterVar(void**, char*, char*, const char*, int, size_t, int, int) {}
UNFRAG_NULL_API char __cudaInitModule(void**) { return 1; }
UNFRAG_NULL_API unsigned __cudaPushCallConfiguration(Dim3 grid, Dim3 block, size_t shared, void* stream) {
  const Entered entered;
  pushed = {.grid = grid, .block = block, .shared = shared, .stream = stream};
  return 0;
}
UNFRAG_NULL_API Status __cudaPopCallConfiguration(Dim3* grid, Dim3* block, size_t* shared, void* stream) {
  const Entered entered;
  *grid = pushed.grid;
  *block = pushed.block;
  *shared = pushed.shared;
  *static_cast<void**>(stream) = pushed.stream;
  return kSuccess;
}
UNFRAG_NULL_API Status __cudaGetKernel(void** kernel, const void* function) {
  const Entered entered;
  *kernel = const_cast<void*>(function);
  return kSuccess;
}

UNFRAG_NULL_API Status __cudaLaunchKernel(void* kernel, Dim3, Dim3, void**, size_t, void*) {
  return Entered(), launch(kernel);
}
// NOLINTEND(bugprone-reserved-identifier)
UNFRAG_NULL_API Status cudaLaunchKernel(const void* kernel, Dim3, Dim3, void**, size_t, void*) {
  return Entered(), launch(kernel);
}
UNFRAG_NULL_API Status cudaLaunchCooperativeKernel(const void* kernel, Dim3, Dim3, void**, size_t, void*) {
  return Entered(), launch(kernel);
}
UNFRAG_NULL_API Status cudaLaunchKernelExC(const void*, const void* kernel, void**) {
  return Entered(), launch(kernel);
}

UNFRAG_NULL_API Status cudaFuncGetAttributes(void* result, const void* kernel) {
  const Entered entered;
  const auto code = code_of(kernel);
  if (!code) return note(kNoKernelImage);
  auto* const out = static_cast<char*>(result);
  std::memset(out, 0, kAttributesSize);
  const auto put = [out](size_t place, int value) { std::memcpy(out + place, &value, sizeof value); };
  put(kMaxThreadsPerBlock, kThreadsPerBlock);
  put(kNumRegisters, kRegisters);
  put(kPtxVersion, code->ptx_version);
  put(kBinaryVersion, code->binary_version);
  put(kMaxDynamicShared, stage().shared_per_block_optin);
  return kSuccess;
}
UNFRAG_NULL_API Status cudaFuncSetAttribute(const void*, int, int) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cudaKernelSetAttributeForDevice(void*, int, int, int) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int threads,
                                                                     size_t shared) {
  const Entered entered;
  *blocks = blocks_that_fit(threads, shared);
  return kSuccess;
}
UNFRAG_NULL_API Status cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void*, int threads,
                                                                              size_t shared, unsigned) {
  const Entered entered;
  *blocks = blocks_that_fit(threads, shared);
  return kSuccess;
}
