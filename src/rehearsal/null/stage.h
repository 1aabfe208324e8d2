// What is presented to the program: the devices and how much of the host they may use, as the parent process set it.
//
// Read once, when the library is loaded, from the file `stage` in the folder that UNFRAG_REHEARSAL_FOLDER names: a line
// a fact, its name and its value. A library that somebody preloads without that folder presents no device.
// Threads: safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace unfrag::null {

/// What a program reads back where nobody put real bytes.
enum class Values : uint8_t { kZeros, kOnes, kRandom };

struct Stage {
  std::string folder;    ///< Where this process leaves its log; empty: no rehearsal.
  int cuda_version = 0;  ///< 13020 for 13.2: that of the installed torch.
  int devices = 0;

  // cuDNN's version: that which the installed torch requires.
  int dnn_major = 9;
  int dnn_minor = 0;
  int dnn_patch = 0;

  // Of each device.
  std::string name = "unfrag null device";
  uint64_t total_bytes = 0;
  uint64_t context_bytes = 0;
  int major = 8;
  int minor = 0;
  int multiprocessors = 108;
  int threads_per_multiprocessor = 2048;
  int registers_per_multiprocessor = 65536;
  int shared_per_multiprocessor = 167936;  ///< Bytes, like the next two.
  int shared_per_block = 49152;
  int shared_per_block_optin = 166912;
  int l2_bytes = 40 << 20;
  int bus_width_bits = 5120;
  int clock_khz = 1410000;
  int memory_clock_khz = 1215000;

  bool host_addresses = false;   ///< Device addresses come as the host's own mappings do, else they ascend.
  bool one_blas_handle = false;  ///< Threads share a cuBLAS handle, and so its workspace, else each has its own.
  /// What every occupancy query answers; 0: what a kernel of 32 registers would have.
  int blocks_per_multiprocessor = 0;

  // Where PyTorch's allocator keeps what the tracker needs, from the start of libc10_cuda.so; 0: not there.
  uint64_t allocator_at = 0;       ///< The pointer to the allocator in use.
  uint64_t native_table_at = 0;    ///< The table of virtual functions of the native one.
  uint64_t attach_tracker_at = 0;  ///< Its attachAllocatorTraceTracker.
  uint64_t native_table_bytes = 0;
  uint64_t set_fraction_at = 0;         ///< Its setMemoryFraction,
  uint64_t begin_pool_at = 0;           ///< beginAllocateToPool and
  uint64_t end_pool_at = 0;             ///< endAllocateToPool.
  uint64_t allocator_library_size = 0;  ///< Bytes of the file that all this is true of.
  bool entries_have_pool = true;        ///< A TraceEntry says from which pool (not before 2.7).

  uint64_t host_copy_bytes = 1 << 20;  ///< Copies up to this size are real.
  /// The environment variables that PyTorch's allocator reads its settings from: the first that is set.
  std::vector<std::string> settings_from;
  Values values = Values::kZeros;
  bool timing = false;  ///< The null device counts its own time.
};

const Stage& stage();

}  // namespace unfrag::null
