#include "rehearsal/null/kernels.h"

#include <deque>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "rehearsal/null/fat_binary.h"
#include "rehearsal/null/log.h"
#include "rehearsal/null/stage.h"

namespace unfrag::null {
namespace {

struct FatBinary {
  const void* wrapper = nullptr;
  std::once_flag read;
  std::optional<KernelCode> code;  // valid once read
};

struct Kernels {
  std::shared_mutex mutex;
  std::deque<FatBinary> fat_binaries;
  std::unordered_map<const void*, FatBinary*> by_function;
};
/// Libraries register before this one's own variables are made, and go after them.
Kernels& kernels() {
  static auto* const all = new Kernels;
  return *all;
}

int architecture() { return stage().major * 10 + stage().minor; }
KernelCode own_code() { return {.ptx_version = architecture(), .binary_version = architecture()}; }

void read_images(FatBinary& binary) {
  const std::vector<KernelImage> images = images_of(binary.wrapper);
  for (const KernelImage& image : images) log_image(image);
  binary.code = images.empty() ? own_code() : code_for(images, architecture());
}

FatBinary* fat_binary_of(const void* function) {
  Kernels& all = kernels();
  const std::shared_lock lock(all.mutex);
  const auto found = all.by_function.find(function);
  return found == all.by_function.end() ? nullptr : found->second;
}

}  // namespace

void** register_fat_binary(const void* wrapper) {
  Kernels& all = kernels();
  const std::scoped_lock lock(all.mutex);
  FatBinary& binary = all.fat_binaries.emplace_back();
  binary.wrapper = wrapper;
  return reinterpret_cast<void**>(&binary);
}

void register_kernel(void** fat_binary, const void* function) {
  Kernels& all = kernels();
  const std::scoped_lock lock(all.mutex);
  all.by_function[function] = reinterpret_cast<FatBinary*>(fat_binary);
}

std::optional<KernelCode> code_of(const void* function) {
  FatBinary* const binary = fat_binary_of(function);
  if (binary == nullptr) return own_code();
  std::call_once(binary->read, read_images, std::ref(*binary));
  return binary->code;
}

}  // namespace unfrag::null
