// The CUDA runtime, devices: how many there are, what each is, which one is current.
#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "rehearsal/null/allocator_calls.h"
#include "rehearsal/null/api.h"
#include "rehearsal/null/device_facts.h"
#include "rehearsal/null/devices.h"
#include "rehearsal/null/entered.h"
#include "rehearsal/null/stage.h"
#include "rehearsal/null/status.h"
#include "rehearsal/null/visible_devices.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kRuntime>;

thread_local int device_of_thread = 0;

/// Not kept by a static variable's own lock: a thread may be forked while another has it.
std::atomic<int> visible{-1};

const char* names_of_visible() { return std::getenv("CUDA_VISIBLE_DEVICES"); }

}  // namespace

int device_count() {
  int count = visible;
  if (count < 0) visible = count = visible_devices(names_of_visible(), stage().devices);
  return count;
}
int devices_of_machine() { return machine_devices(names_of_visible(), stage().devices); }

int current_device() { return device_of_thread; }

bool set_current_device(int device) {
  if (!is_device(device)) return false;
  device_of_thread = device;
  return true;
}

namespace {

Status properties_of(void* properties, int device) {
  if (!is_device(device)) return note(kInvalidDevice);
  fill_properties(properties, stage(), device);
  return kSuccess;
}

Status attribute_of(int* value, int attribute, int device) {
  if (!is_device(device)) return note(kInvalidDevice);
  *value = static_cast<int>(attribute_value(attribute, stage(), device));
  return kSuccess;
}

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API Status cudaGetDeviceCount(int* count) {
  const Entered entered;
  watch_allocator_calls();
  *count = device_count();
  return kSuccess;
}
UNFRAG_NULL_API Status cudaGetDevice(int* device) {
  *device = current_device();
  return kSuccess;
}
UNFRAG_NULL_API Status cudaSetDevice(int device) {
  return set_current_device(device) ? kSuccess : note(kInvalidDevice);
}
// CUDA 13's; before it the name had a suffix.
UNFRAG_NULL_API Status cudaGetDeviceProperties(void* properties, int device) {
  const Entered entered;
  return properties_of(properties, device);
}
UNFRAG_NULL_API Status cudaGetDeviceProperties_v2(void* properties, int device) {
  const Entered entered;
  return properties_of(properties, device);
}
UNFRAG_NULL_API Status cudaDeviceGetAttribute(int* value, int attribute, int device) {
  const Entered entered;
  return attribute_of(value, attribute, device);
}
UNFRAG_NULL_API Status cudaDeviceGetPCIBusId(char* text, int room, int device) {
  const Entered entered;
  if (!is_device(device)) return note(kInvalidDevice);
  std::snprintf(text, static_cast<size_t>(room), "0000:%02x:00.0", static_cast<unsigned>(pci_bus(device)));
  return kSuccess;
}
UNFRAG_NULL_API Status cudaDeviceSynchronize() { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cudaDeviceReset() { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  const Entered entered;
  if (least != nullptr) *least = 0;
  if (greatest != nullptr) *greatest = -5;
  return kSuccess;
}
UNFRAG_NULL_API Status cudaDeviceCanAccessPeer(int* can, int, int) {
  const Entered entered;
  *can = 0;
  return kSuccess;
}
UNFRAG_NULL_API Status cudaRuntimeGetVersion(int* version) {
  const Entered entered;
  *version = stage().cuda_version;
  return kSuccess;
}
UNFRAG_NULL_API Status cudaDriverGetVersion(int* version) {
  const Entered entered;
  *version = stage().cuda_version;
  return kSuccess;
}
UNFRAG_NULL_API Status cudaGetLastError() { return take_last_error(); }
UNFRAG_NULL_API Status cudaPeekAtLastError() { return last_error(); }
UNFRAG_NULL_API const char* cudaGetErrorString(Status status) { return Entered(), text_of(status); }
UNFRAG_NULL_API const char* cudaGetErrorName(Status status) { return Entered(), name_of(status); }
UNFRAG_NULL_API Status cudaProfilerStart() { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cudaProfilerStop() { return Entered(), kSuccess; }
