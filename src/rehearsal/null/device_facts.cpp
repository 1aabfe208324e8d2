#include "rehearsal/null/device_facts.h"

#include <array>
#include <cstring>

namespace unfrag::null {
namespace {

constexpr size_t kName = 0;
constexpr size_t kNameSize = 256;
constexpr size_t kUuid = 256;
constexpr size_t kUuidSize = 16;
constexpr size_t kMaxThreadsDim = 324;
constexpr size_t kMaxGridSize = 336;

// clang-format off: a table reads by its columns
constexpr Fact kFacts[] = {
    {"totalGlobalMem", 0, 288, 288, 8, [](const Stage& s, int) -> int64_t { return static_cast<int64_t>(s.total_bytes); }},
    {"sharedMemPerBlock", 8, 296, 296, 8, [](const Stage& s, int) -> int64_t { return s.shared_per_block; }},
    {"regsPerBlock", 12, 304, 304, 4, [](const Stage&, int) -> int64_t { return 65536; }},
    {"warpSize", 10, 308, 308, 4, [](const Stage&, int) -> int64_t { return 32; }},
    {"memPitch", 11, 312, 312, 8, [](const Stage&, int) -> int64_t { return INT32_MAX; }},
    {"maxThreadsPerBlock", 1, 320, 320, 4, [](const Stage&, int) -> int64_t { return 1024; }},
    {"clockRate", 13, 348, kNoPlace, 4, [](const Stage& s, int) -> int64_t { return s.clock_khz; }},
    {"totalConstMem", 9, 352, 352, 8, [](const Stage&, int) -> int64_t { return 65536; }},
    {"major", 75, 360, 360, 4, [](const Stage& s, int) -> int64_t { return s.major; }},
    {"minor", 76, 364, 364, 4, [](const Stage& s, int) -> int64_t { return s.minor; }},
    {"textureAlignment", 14, 368, 368, 8, [](const Stage&, int) -> int64_t { return 512; }},
    {"texturePitchAlignment", 51, 376, 376, 8, [](const Stage&, int) -> int64_t { return 32; }},
    {"multiProcessorCount", 16, 388, 384, 4, [](const Stage& s, int) -> int64_t { return s.multiprocessors; }},
    {"canMapHostMemory", 19, 400, 392, 4, [](const Stage&, int) -> int64_t { return 1; }},
    {"surfaceAlignment", 30, 568, 552, 8, [](const Stage&, int) -> int64_t { return 512; }},
    {"concurrentKernels", 31, 576, 560, 4, [](const Stage&, int) -> int64_t { return 1; }},
    {"pciBusID", 33, 584, 568, 4, [](const Stage&, int device) -> int64_t { return pci_bus(device); }},
    {"asyncEngineCount", 40, 600, 584, 4, [](const Stage&, int) -> int64_t { return 3; }},
    {"unifiedAddressing", 41, 604, 588, 4, [](const Stage&, int) -> int64_t { return 1; }},
    {"memoryClockRate", 36, 608, kNoPlace, 4, [](const Stage& s, int) -> int64_t { return s.memory_clock_khz; }},
    {"memoryBusWidth", 37, 612, 592, 4, [](const Stage& s, int) -> int64_t { return s.bus_width_bits; }},
    {"l2CacheSize", 38, 616, 596, 4, [](const Stage& s, int) -> int64_t { return s.l2_bytes; }},
    {"maxThreadsPerMultiProcessor", 39, 624, 604, 4, [](const Stage& s, int) -> int64_t { return s.threads_per_multiprocessor; }},
    {"streamPrioritiesSupported", 78, 628, 608, 4, [](const Stage&, int) -> int64_t { return 1; }},
    {"globalL1CacheSupported", 79, 632, 612, 4, [](const Stage&, int) -> int64_t { return 1; }},
    {"localL1CacheSupported", 80, 636, 616, 4, [](const Stage&, int) -> int64_t { return 1; }},
    {"sharedMemPerMultiprocessor", 81, 640, 624, 8, [](const Stage& s, int) -> int64_t { return s.shared_per_multiprocessor; }},
    {"regsPerMultiprocessor", 82, 648, 632, 4, [](const Stage& s, int) -> int64_t { return s.registers_per_multiprocessor; }},
    {"managedMemory", 83, 652, 636, 4, [](const Stage&, int) -> int64_t { return 1; }},
    {"concurrentManagedAccess", 89, 676, 656, 4, [](const Stage&, int) -> int64_t { return 1; }},
    {"computePreemptionSupported", 90, 680, 660, 4, [](const Stage&, int) -> int64_t { return 1; }},
    {"canUseHostPointerForRegisteredMem", 91, 684, 664, 4, [](const Stage&, int) -> int64_t { return 1; }},
    {"cooperativeLaunch", 95, 688, 668, 4, [](const Stage&, int) -> int64_t { return 1; }},
    {"sharedMemPerBlockOptin", 97, 696, 672, 8, [](const Stage& s, int) -> int64_t { return s.shared_per_block_optin; }},
    {"maxBlocksPerMultiProcessor", 106, 712, 688, 4, [](const Stage&, int) -> int64_t { return 32; }},
    {"reservedSharedMemPerBlock", 111, 720, 696, 8, [](const Stage&, int) -> int64_t { return 1024; }},
    {"hostRegisterSupported", 99, 728, 704, 4, [](const Stage&, int) -> int64_t { return 1; }},
    {"clusterLaunch", 120, 772, 748, 4, [](const Stage& s, int) -> int64_t { return s.major >= 9 ? 1 : 0; }},
    // Attributes without a field of their own.
    {nullptr, 2, kNoPlace, kNoPlace, 0, [](const Stage&, int) -> int64_t { return 1024; }},       // block dimension x
    {nullptr, 3, kNoPlace, kNoPlace, 0, [](const Stage&, int) -> int64_t { return 1024; }},       // y
    {nullptr, 4, kNoPlace, kNoPlace, 0, [](const Stage&, int) -> int64_t { return 64; }},         // z
    {nullptr, 5, kNoPlace, kNoPlace, 0, [](const Stage&, int) -> int64_t { return INT32_MAX; }},  // grid dimension x
    {nullptr, 6, kNoPlace, kNoPlace, 0, [](const Stage&, int) -> int64_t { return 65535; }},      // y
    {nullptr, 7, kNoPlace, kNoPlace, 0, [](const Stage&, int) -> int64_t { return 65535; }},      // z
    {nullptr, 102, kNoPlace, kNoPlace, 0, [](const Stage&, int) -> int64_t { return 1; }},        // virtual memory
};
// clang-format on

void put(char* at, int64_t value, size_t width) { std::memcpy(at, &value, width); }

}  // namespace

const Fact* facts_begin() { return std::begin(kFacts); }
const Fact* facts_end() { return std::end(kFacts); }

int pci_bus(int device) { return 1 + device; }

void fill_properties(void* properties, const Stage& stage, int device) {
  const bool is_12 = stage.cuda_version < 13000;
  auto* const out = static_cast<char*>(properties);
  std::memset(out, 0, is_12 ? kPropertiesSize12 : kPropertiesSize13);
  std::strncpy(out + kName, stage.name.c_str(), kNameSize - 1);
  out[kUuid] = 'u';  // all zeros would be the same device twice to whoever compares
  out[kUuid + kUuidSize - 1] = static_cast<char>(1 + device);
  constexpr std::array<int, 3> kBlock = {1024, 1024, 64};
  constexpr std::array<int, 3> kGrid = {INT32_MAX, 65535, 65535};
  std::memcpy(out + kMaxThreadsDim, kBlock.data(), sizeof kBlock);
  std::memcpy(out + kMaxGridSize, kGrid.data(), sizeof kGrid);
  for (const Fact& fact : kFacts) {
    const size_t place = is_12 ? fact.place12 : fact.place13;
    if (place != kNoPlace) put(out + place, fact.value(stage, device), fact.width);
  }
}

int64_t attribute_value(int attribute, const Stage& stage, int device) {
  for (const Fact& fact : kFacts) {
    if (fact.attribute == attribute) return fact.value(stage, device);
  }
  return 0;
}

}  // namespace unfrag::null
