// NVML, as much of it as PyTorch asks: which device is which, and who else uses it (nobody).
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "rehearsal/null/api.h"
#include "rehearsal/null/device_memory.h"
#include "rehearsal/null/devices.h"
#include "rehearsal/null/entered.h"
#include "rehearsal/null/pointers.h"
#include "rehearsal/null/stage.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kRuntime>;

// nvmlReturn_t.
constexpr int kNvmlSuccess = 0;
constexpr int kNvmlInvalidArgument = 2;
constexpr int kNvmlNotSupported = 3;

/// A device's handle: its number plus one.
void* handle_of(int device) { return to_pointer<void>(static_cast<uint64_t>(device) + 1); }

/// nvmlMemory_t.
struct Memory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API int nvmlInit_v2() { return Entered(), kNvmlSuccess; }
UNFRAG_NULL_API int nvmlInitWithFlags(unsigned) { return Entered(), kNvmlSuccess; }
UNFRAG_NULL_API int nvmlShutdown() { return Entered(), kNvmlSuccess; }
UNFRAG_NULL_API const char* nvmlErrorString(int status) {
  const Entered entered;
  return status == kNvmlSuccess ? "Success" : "Not supported by the rehearsal's null device";
}
UNFRAG_NULL_API int nvmlSystemGetCudaDriverVersion_v2(int* version) {
  const Entered entered;
  *version = stage().cuda_version;
  return kNvmlSuccess;
}
UNFRAG_NULL_API int nvmlDeviceGetCount_v2(unsigned* count) {
  const Entered entered;
  *count = static_cast<unsigned>(devices_of_machine());
  return kNvmlSuccess;
}
UNFRAG_NULL_API int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** handle) {
  const Entered entered;
  if (index >= static_cast<unsigned>(devices_of_machine())) return kNvmlInvalidArgument;
  *handle = handle_of(static_cast<int>(index));
  return kNvmlSuccess;
}
// "0000:01:00.0": the bus is the device's number plus one.
UNFRAG_NULL_API int nvmlDeviceGetHandleByPciBusId_v2(const char* id, void** handle) {
  const Entered entered;
  unsigned domain = 0;
  unsigned bus = 0;
  if (std::sscanf(id, "%x:%x", &domain, &bus) != 2 || bus == 0) return kNvmlInvalidArgument;
  return nvmlDeviceGetHandleByIndex_v2(bus - 1, handle);
}
UNFRAG_NULL_API int nvmlDeviceGetMemoryInfo(void* handle, void* result) {
  const Entered entered;
  const int device = static_cast<int>(reinterpret_cast<uintptr_t>(handle)) - 1;
  const unsigned long long free = device_memory().free_bytes(device);
  const unsigned long long total = device_memory().total_bytes();
  const Memory memory{.total = total, .free = free, .used = total - free};
  std::memcpy(result, &memory, sizeof memory);
  return kNvmlSuccess;
}
UNFRAG_NULL_API int nvmlDeviceGetComputeRunningProcesses(void*, unsigned* count, void*) {
  const Entered entered;
  *count = 0;
  return kNvmlSuccess;
}
UNFRAG_NULL_API int nvmlDeviceGetNvLinkRemoteDeviceType(void*, unsigned, void*) { return Entered(), kNvmlNotSupported; }
UNFRAG_NULL_API int nvmlDeviceGetNvLinkRemotePciInfo_v2(void*, unsigned, void*) { return Entered(), kNvmlNotSupported; }
UNFRAG_NULL_API int nvmlDeviceGetGpuFabricInfoV(void*, void*) { return Entered(), kNvmlNotSupported; }
