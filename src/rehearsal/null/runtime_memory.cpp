// The CUDA runtime, memory: device and pinned memory, copies, what a pointer points to.
#include <cstring>

#include "rehearsal/null/api.h"
#include "rehearsal/null/device_memory.h"
#include "rehearsal/null/devices.h"
#include "rehearsal/null/entered.h"
#include "rehearsal/null/host_memory.h"
#include "rehearsal/null/pointers.h"
#include "rehearsal/null/status.h"
#include "rehearsal/null/tracker.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kMemory>;

/// cudaMemoryType.
enum MemoryType : int { kUnregistered = 0, kHost = 1, kDevice = 2 };

/// cudaPointerAttributes.
struct PointerAttributes {
  int type;
  int device;
  void* device_pointer;
  void* host_pointer;
};
static_assert(sizeof(PointerAttributes) == 24);

Status allocate_on_device(void** memory, size_t size) {
  attach_tracker();
  *memory = nullptr;
  if (size == 0) return kSuccess;
  const auto address = device_memory().allocate(current_device(), size);
  if (!address) return note(kOutOfMemory);
  *memory = to_pointer<void>(*address);
  return kSuccess;
}

Status allocate_on_host(void** memory, size_t size) {
  *memory = size == 0 ? nullptr : host_memory().allocate(size);
  return *memory == nullptr && size > 0 ? note(kOutOfMemory) : kSuccess;
}

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API Status cudaMalloc(void** memory, size_t size) { return Entered(), allocate_on_device(memory, size); }
UNFRAG_NULL_API Status cudaFree(void* memory) {
  const Entered entered;
  if (memory == nullptr) return kSuccess;
  return device_memory().free(to_number(memory)) ? kSuccess : note(kInvalidValue);
}
UNFRAG_NULL_API Status cudaMemGetInfo(size_t* free, size_t* total) {
  const Entered entered;
  attach_tracker();  // a request that a limit refuses asks this, and nothing else, before its entry is written
  *free = device_memory().free_bytes(current_device());
  *total = device_memory().total_bytes();
  return kSuccess;
}

UNFRAG_NULL_API Status cudaHostAlloc(void** memory, size_t size, unsigned) {
  return Entered(), allocate_on_host(memory, size);
}
UNFRAG_NULL_API Status cudaMallocHost(void** memory, size_t size) { return Entered(), allocate_on_host(memory, size); }
UNFRAG_NULL_API Status cudaFreeHost(void* memory) {
  const Entered entered;
  return memory == nullptr || host_memory().free(memory) ? kSuccess : note(kInvalidValue);
}
UNFRAG_NULL_API Status cudaHostRegister(void* memory, size_t size, unsigned) {
  const Entered entered;
  return host_memory().add(memory, size) ? kSuccess : note(kHostMemoryAlreadyRegistered);
}
UNFRAG_NULL_API Status cudaHostUnregister(void* memory) {
  const Entered entered;
  return host_memory().remove(memory) ? kSuccess : note(kHostMemoryNotRegistered);
}
UNFRAG_NULL_API Status cudaHostGetDevicePointer(void** device, void* host, unsigned) {
  const Entered entered;
  *device = host;
  return host_memory().holds(host) ? kSuccess : note(kInvalidValue);
}

UNFRAG_NULL_API Status cudaPointerGetAttributes(void* result, const void* pointer) {
  const Entered entered;
  PointerAttributes attributes{.type = kUnregistered, .device = -2, .device_pointer = nullptr, .host_pointer = nullptr};
  auto* const address = const_cast<void*>(pointer);
  if (const auto place = device_memory().find(to_number(pointer))) {
    attributes = {.type = kDevice, .device = place->device, .device_pointer = address, .host_pointer = nullptr};
  } else if (host_memory().holds(pointer)) {
    attributes = {.type = kHost, .device = current_device(), .device_pointer = address, .host_pointer = address};
  }
  std::memcpy(result, &attributes, sizeof attributes);
  return kSuccess;
}

UNFRAG_NULL_API Status cudaMemcpy(void* to, const void* from, size_t size, int) {
  const Entered entered;
  device_memory().copy(to, from, size);
  return kSuccess;
}
UNFRAG_NULL_API Status cudaMemcpyAsync(void* to, const void* from, size_t size, int, void*) {
  const Entered entered;
  device_memory().copy(to, from, size);
  return kSuccess;
}
UNFRAG_NULL_API Status cudaMemcpyPeerAsync(void* to, int, const void* from, int, size_t size, void*) {
  const Entered entered;
  device_memory().copy(to, from, size);
  return kSuccess;
}
UNFRAG_NULL_API Status cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                                         size_t height, int, void*) {
  const Entered entered;
  for (size_t row = 0; row < height; ++row) {
    device_memory().copy(static_cast<char*>(to) + row * to_pitch, static_cast<const char*>(from) + row * from_pitch,
                         width);
  }
  return kSuccess;
}
UNFRAG_NULL_API Status cudaMemset(void* to, int value, size_t size) {
  const Entered entered;
  device_memory().fill(to, value, size);
  return kSuccess;
}
UNFRAG_NULL_API Status cudaMemsetAsync(void* to, int value, size_t size, void*) {
  const Entered entered;
  device_memory().fill(to, value, size);
  return kSuccess;
}
