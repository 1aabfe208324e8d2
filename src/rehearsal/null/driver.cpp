// The CUDA driver: what PyTorch asks of it beside the runtime, above all address space and memory to map into it.
#include <dlfcn.h>

#include <cstring>
#include <string>

#include "rehearsal/null/api.h"
#include "rehearsal/null/device_facts.h"
#include "rehearsal/null/device_memory.h"
#include "rehearsal/null/devices.h"
#include "rehearsal/null/entered.h"
#include "rehearsal/null/log.h"
#include "rehearsal/null/pointers.h"
#include "rehearsal/null/status.h"
#include "rehearsal/null/tracker.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kRuntime>;

/// CUmemAllocationProp: the device stands after three integers.
struct AllocationProperties {
  int type;
  int handle_types;
  int location_type;
  int device;
};

constexpr int kEntryFound = 0;  // cudaDriverEntryPointQueryResult
constexpr int kEntryNotFound = 1;

/// The context of a device: an address that nobody reads.
void* context_of(int device) {
  static char contexts[256];
  return &contexts[device];
}
int device_of(const void* context) {
  return static_cast<int>(static_cast<const char*>(context) - static_cast<const char*>(context_of(0)));
}

/// A handle like no other; it points to something, as some callers look.
Status new_handle(void** handle) {
  *handle = new uint64_t(0);
  return kSuccess;
}

/// Later versions of a function carry a number; callers that name a version of CUDA get the newest.
void* find_entry(const std::string& name) {
  void* const newer = dlsym(RTLD_DEFAULT, (name + "_v2").c_str());
  return newer != nullptr ? newer : dlsym(RTLD_DEFAULT, name.c_str());
}

Status entry_point(const char* name, void** function, int* result) {
  *function = find_entry(name);
  if (result != nullptr) *result = *function == nullptr ? kEntryNotFound : kEntryFound;
  return kSuccess;
}

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API Status cudaGetDriverEntryPoint(const char* name, void** function, unsigned long long, int* result) {
  const Entered entered;
  return entry_point(name, function, result);
}
UNFRAG_NULL_API Status cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned, unsigned long long,
                                                        int* result) {
  const Entered entered;
  return entry_point(name, function, result);
}

UNFRAG_NULL_API Status cuInit(unsigned) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cuDriverGetVersion(int* version) {
  const Entered entered;
  *version = stage().cuda_version;
  return kSuccess;
}
UNFRAG_NULL_API Status cuGetErrorString(Status status, const char** text) {
  const Entered entered;
  *text = text_of(status);
  return kSuccess;
}
UNFRAG_NULL_API Status cuGetErrorName(Status status, const char** name) {
  const Entered entered;
  *name = name_of(status);
  return kSuccess;
}

UNFRAG_NULL_API Status cuDeviceGetCount(int* count) {
  const Entered entered;
  *count = device_count();
  return kSuccess;
}
UNFRAG_NULL_API Status cuDeviceGet(int* device, int ordinal) {
  const Entered entered;
  *device = ordinal;
  return is_device(ordinal) ? kSuccess : kInvalidDevice;
}
UNFRAG_NULL_API Status cuDeviceGetAttribute(int* value, int attribute, int device) {
  const Entered entered;
  if (!is_device(device)) return kInvalidDevice;
  *value = static_cast<int>(attribute_value(attribute, stage(), device));
  return kSuccess;
}
UNFRAG_NULL_API Status cuDeviceGetName(char* name, int room, int device) {
  const Entered entered;
  if (!is_device(device) || room <= 0) return kInvalidDevice;
  std::strncpy(name, stage().name.c_str(), static_cast<size_t>(room));
  name[room - 1] = '\0';
  return kSuccess;
}
UNFRAG_NULL_API Status cuDeviceTotalMem_v2(size_t* bytes, int) {
  const Entered entered;
  *bytes = device_memory().total_bytes();
  return kSuccess;
}

UNFRAG_NULL_API Status cuDevicePrimaryCtxRetain(void** context, int device) {
  const Entered entered;
  if (!is_device(device)) return kInvalidDevice;
  *context = context_of(device);
  return kSuccess;
}
UNFRAG_NULL_API Status cuDevicePrimaryCtxRelease_v2(int) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cuDevicePrimaryCtxGetState(int device, unsigned* flags, int* active) {
  if (!is_device(device)) return kInvalidDevice;
  *flags = 0;
  *active = 1;
  return kSuccess;
}
UNFRAG_NULL_API Status cuCtxGetCurrent(void** context) {
  *context = context_of(current_device());
  return kSuccess;
}
UNFRAG_NULL_API Status cuCtxSetCurrent(void* context) {
  const Entered entered;
  return context == nullptr || set_current_device(device_of(context)) ? kSuccess : kInvalidValue;
}
UNFRAG_NULL_API Status cuCtxGetDevice(int* device) {
  *device = current_device();
  return kSuccess;
}

UNFRAG_NULL_API Status cuMemGetAllocationGranularity(size_t* granularity, const void*, int) {
  const Entered entered;
  *granularity = kGranule;
  return kSuccess;
}
UNFRAG_NULL_API Status cuMemAddressReserve(uint64_t* address, size_t size, size_t alignment, uint64_t,
                                           unsigned long long) {
  const Entered entered;
  attach_tracker();
  const auto reserved = device_memory().reserve(size, alignment);
  if (!reserved) return kOutOfMemory;
  *address = *reserved;
  return kSuccess;
}
UNFRAG_NULL_API Status cuMemAddressFree(uint64_t address, size_t size) {
  const Entered entered;
  device_memory().unreserve(address, size);
  return kSuccess;
}
UNFRAG_NULL_API Status cuMemCreate(uint64_t* handle, size_t size, const AllocationProperties* properties,
                                   unsigned long long) {
  const Entered entered;
  attach_tracker();
  if (!is_device(properties->device)) return kInvalidDevice;
  if (size == 0 || size % kGranule != 0) return kInvalidValue;
  const auto physical = device_memory().create(properties->device, size);
  if (!physical) return kOutOfMemory;
  *handle = *physical;
  return kSuccess;
}
UNFRAG_NULL_API Status cuMemRelease(uint64_t handle) {
  const Entered entered;
  return device_memory().release(handle) ? kSuccess : kInvalidValue;
}
UNFRAG_NULL_API Status cuMemMap(uint64_t address, size_t size, size_t, uint64_t handle, unsigned long long) {
  const Entered entered;
  return device_memory().map(address, size, handle) ? kSuccess : kInvalidValue;
}
UNFRAG_NULL_API Status cuMemUnmap(uint64_t address, size_t size) {
  const Entered entered;
  return device_memory().unmap(address, size) ? kSuccess : kInvalidValue;
}
UNFRAG_NULL_API Status cuMemSetAccess(uint64_t, size_t, const void*, size_t) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cuMemGetAddressRange_v2(uint64_t* base, size_t* size, uint64_t address) {
  const Entered entered;
  const auto place = device_memory().find(address);
  if (!place) return kInvalidValue;
  if (base != nullptr) *base = place->base;
  if (size != nullptr) *size = place->size;
  return kSuccess;
}
UNFRAG_NULL_API Status cuMemRetainAllocationHandle(uint64_t* handle, void* address) {
  const Entered entered;
  const auto place = device_memory().find(to_number(address));
  if (!place || place->physical == 0 || !device_memory().retain(place->physical)) return kInvalidValue;
  *handle = place->physical;
  return kSuccess;
}

// Kernels that are compiled at run time: loaded, found, launched, and never run.
UNFRAG_NULL_API Status cuModuleLoadData(void** module, const void*) { return Entered(), new_handle(module); }
UNFRAG_NULL_API Status cuModuleLoadDataEx(void** module, const void*, unsigned, int*, void**) {
  const Entered entered;
  return new_handle(module);
}
UNFRAG_NULL_API Status cuModuleUnload(void*) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cuModuleGetFunction(void** function, void*, const char*) {
  return Entered(), new_handle(function);
}
UNFRAG_NULL_API Status cuFuncSetAttribute(void*, int, int) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cuFuncSetCacheConfig(void*, int) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                                      void*, void**, void**) {
  const Entered entered;
  count(counters().launches);
  return kSuccess;
}
UNFRAG_NULL_API Status cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void*, int, size_t) {
  const Entered entered;
  *blocks = 1;
  return kSuccess;
}

// Sharing memory between processes: asked for by name when the allocator looks its functions up.
UNFRAG_NULL_API Status cuMemExportToShareableHandle(void*, uint64_t, int, unsigned long long) {
  const Entered entered;
  log_unanswered("cuMemExportToShareableHandle");
  return kNotSupported;
}
UNFRAG_NULL_API Status cuMemImportFromShareableHandle(uint64_t*, void*, int) {
  const Entered entered;
  log_unanswered("cuMemImportFromShareableHandle");
  return kNotSupported;
}
UNFRAG_NULL_API Status cuMemGetAllocationPropertiesFromHandle(AllocationProperties* properties, uint64_t) {
  const Entered entered;
  *properties = {.type = 1, .handle_types = 0, .location_type = 1, .device = current_device()};
  return kSuccess;
}
UNFRAG_NULL_API Status cuMemsetD32Async(uint64_t address, unsigned value, size_t count, void*) {
  const Entered entered;
  for (size_t i = 0; i < count; ++i) {
    device_memory().copy(to_pointer<void>(address + i * sizeof value), &value, sizeof value);
  }
  return kSuccess;
}
UNFRAG_NULL_API Status cuStreamWriteValue32_v2(void*, uint64_t address, uint32_t value, unsigned) {
  const Entered entered;
  device_memory().copy(to_pointer<void>(address), &value, sizeof value);
  return kSuccess;
}
UNFRAG_NULL_API Status cuStreamWriteValue32(void* stream, uint64_t address, uint32_t value, unsigned flags) {
  const Entered entered;
  return cuStreamWriteValue32_v2(stream, address, value, flags);
}
