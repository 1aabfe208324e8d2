#include "rehearsal/device_description.h"

#include <fmt/format.h>

namespace unfrag::rehearsal {
namespace {

/// Of a driver that no release of cuDNN 9 finds too old.
constexpr int kDriverVersion = 13020;
/// From 8.0 on the system keeps a part of every block's shared memory.
constexpr int kReservedShared = 1024;

}  // namespace

std::string device_description(const device::Gpu& gpu, Bytes memory) {
  std::string text = fmt::format(
      R"({{"deviceVer":{},"driverVer":{},"deviceId":0,"cudaDeviceId":0,"totalGlobalMem":{},)"
      R"("maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],"regsPerBlock":65536,)"
      R"("multiProcessorCount":{},"smCountOrigin":0,"warpSize":32,)",
      gpu.compute_major * 100 + gpu.compute_minor * 10, kDriverVersion, memory.value(), gpu.multiprocessors);
  text += fmt::format(
      R"("maxSharedMemoryPerBlock":{},"maxSharedMemoryPerBlockOptin":{},"oversizedSharedMemoryPerBlock":0,)"
      R"("reservedSharedMemoryPerBlock":{},"maxRegistersPerSM":{},"maxCtasPerSM":{},"maxThreadsPerBlock":1024,)"
      R"("maxThreadsPerSM":{},)",
      gpu.shared_per_block.value(), gpu.shared_per_block_opt_in.value(), gpu.compute_major >= 8 ? kReservedShared : 0,
      gpu.registers_per_multiprocessor, gpu.blocks_per_multiprocessor, gpu.threads_per_multiprocessor);
  text += fmt::format(
      R"("pciDeviceId":0,"isTccDriver":0,"supportCoopLaunch":1,"smClockRateKHz":{},"memClockRateKHz":{},)"
      R"("memoryBusWidth":{},"l2CacheSize":{},"deviceName":"{}"}})",
      gpu.core_clock_mhz * 1000, gpu.memory_clock_mhz * 1000, gpu.memory_bus_bits, gpu.l2_cache.value(), gpu.name);
  return text;
}

}  // namespace unfrag::rehearsal
