#include "rehearsal/stage_file.h"

#include <fmt/format.h>

#include <filesystem>

#include "rehearsal/elf_symbols.h"

namespace unfrag::rehearsal {
namespace {

constexpr const char* kAllocator = "_ZN3c104cuda20CUDACachingAllocator9allocatorE";
constexpr const char* kNativeTable = "_ZTVN3c104cuda20CUDACachingAllocator6Native22NativeCachingAllocatorE";
#define UNFRAG_NATIVE "_ZN3c104cuda20CUDACachingAllocator6Native22NativeCachingAllocator"
constexpr const char* kAttachTracker = UNFRAG_NATIVE "27attachAllocatorTraceTracker";
constexpr const char* kSetFraction = UNFRAG_NATIVE "17setMemoryFraction";
constexpr const char* kBeginPool = UNFRAG_NATIVE "19beginAllocateToPool";
constexpr const char* kEndPool = UNFRAG_NATIVE "17endAllocateToPool";
#undef UNFRAG_NATIVE

}  // namespace

Result<AllocatorPlaces> find_allocator(const TorchInstall& torch) {
  const std::string path = torch.libraries + "/libc10_cuda.so";
  AllocatorPlaces places;
  for (const auto& [name, place] :
       {std::pair(kAllocator, &places.allocator), std::pair(kNativeTable, &places.native_table),
        std::pair(kAttachTracker, &places.attach_tracker), std::pair(kSetFraction, &places.set_fraction),
        std::pair(kBeginPool, &places.begin_pool), std::pair(kEndPool, &places.end_pool)}) {
    const auto found = find_symbols(path, name);
    if (!found) return found.error();
    const bool needed = place == &places.allocator || place == &places.native_table || place == &places.attach_tracker;
    if (found->empty() && !needed) continue;
    if (found->empty()) {
      return Error{ErrorKind::kMissing, path, "its symbols do not say where the allocator is",
                   "torch as PyPI or pytorch.org have it"};
    }
    *place = found->front().offset;
    if (place == &places.native_table) places.native_table_bytes = found->front().size;
  }
  std::error_code ignored;
  places.library_size = std::filesystem::file_size(path, ignored);
  return places;
}

std::string stage_text(const Presented& presented, const TorchInstall& torch, const AllocatorPlaces& places) {
  const device::Gpu& gpu = *presented.gpu;
  std::string text;
  const auto say = [&](const char* name, const auto&... values) {
    text += name;
    ((text += fmt::format(" {}", values)), ...);
    text += '\n';
  };
  say("name", gpu.name);
  say("cuda_version", torch.cuda_version);
  say("dnn_version", torch.dnn.major, torch.dnn.minor, torch.dnn.patch);
  say("devices", presented.devices);
  say("total_bytes", presented.memory.value());
  say("context_bytes", presented.context.value());
  say("capability", gpu.compute_major, gpu.compute_minor);
  say("multiprocessors", gpu.multiprocessors);
  say("threads_per_multiprocessor", gpu.threads_per_multiprocessor);
  say("registers_per_multiprocessor", gpu.registers_per_multiprocessor);
  say("shared_bytes", gpu.shared_per_multiprocessor.value(), gpu.shared_per_block.value(),
      gpu.shared_per_block_opt_in.value());
  say("l2_bytes", gpu.l2_cache.value());
  say("bus_width_bits", gpu.memory_bus_bits);
  say("clock_khz", gpu.core_clock_mhz * 1000, gpu.memory_clock_mhz * 1000);
  // What recordings with the reference device were made with.
  const bool reference = &gpu == &device::reference_gpu();
  say("blocks_per_multiprocessor", reference ? 2 : 0);
  say("host_addresses", presented.addresses_ascend.value_or(!reference) ? 0 : 1);
  say("one_blas_handle", reference ? 1 : 0);
  const bool has_pool = torch.major > 2 || torch.minor >= 7;
  say("tracker", places.allocator, places.native_table, places.attach_tracker, has_pool ? 1 : 0, places.library_size);
  say("allocator_calls", places.native_table_bytes, places.set_fraction, places.begin_pool, places.end_pool);
  say("host_copy_bytes", presented.largest_copy.value());
  // Where both are set the older name wins, and before 2.10 it is the only one that is read.
  if (torch.major > 2 || torch.minor >= 10) {
    say("settings_from", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF");
  } else {
    say("settings_from", "PYTORCH_CUDA_ALLOC_CONF");
  }
  say("values", presented.values);
  say("timing", presented.timing ? 1 : 0);
  return text;
}

}  // namespace unfrag::rehearsal
