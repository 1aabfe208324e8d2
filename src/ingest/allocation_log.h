// The log of a rehearsed process (base/allocation_log.h) to a Trace: its entries, stacks and settings.
//
// A process that ends at any moment leaves no final state, so the Trace has no segments and is `truncated`; a replay
// that agrees with it knows them. Threads: one thread a call; calls share nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/kernel_image.h"
#include "base/result.h"
#include "trace/trace.h"

namespace unfrag::ingest {

/// Functions that the null device had no answer for.
struct Unanswered {
  std::string function;  ///< Escaped, safe to print.
  uint32_t calls = 0;
};

/// A block that is a workspace of cuDNN.
struct Workspace {
  uint32_t device = 0;
  uint32_t entry = 0;  ///< Of that device, counted from 0, which handed it out.
  bool asked = false;  ///< cuDNN itself said how large it has to be; else a rule did.
};

struct AllocationLog {
  std::unique_ptr<trace::Trace> trace;
  uint32_t process = 0;
  bool traced = false;         ///< Whether the allocator was listened to; else there are no entries.
  uint64_t host_reads = 0;     ///< Copies from device to host.
  uint64_t unknown_reads = 0;  ///< ... of what no copy from the host had put there.
  uint64_t dropped_bytes = 0;  ///< Copied to the device and not kept.
  uint64_t launches = 0;       ///< Kernels not run.
  uint64_t modelled = 0;       ///< Sizes by a rule of thumb.
  uint64_t asked = 0;          ///< Sizes that cuDNN itself said,
  uint64_t dnn_version = 0;    ///< ... of that version (cudnnGetVersion).
  std::vector<Workspace> workspaces;
  std::vector<Unanswered> unanswered;
  std::vector<KernelImage> images;  ///< Of the libraries whose kernels the program used.
};

/// `dialect`: the release of PyTorch that was rehearsed. Errors: kBadInput where the file is none, or says what cannot
/// be.
Result<AllocationLog> read_allocation_log(const std::string& path, trace::Dialect dialect);

}  // namespace unfrag::ingest
