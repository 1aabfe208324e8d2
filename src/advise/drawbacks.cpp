#include "advise/drawbacks.h"

namespace unfrag::advise {
namespace {

using alloc::Settings;
using alloc::Version;

void of_expandable(const Settings& settings, Version version, std::vector<Drawback>& all) {
  constexpr std::string_view kKey = "expandable_segments";
  if (version < Version{2, 5}) {
    all.push_back({kKey, "CUDA tensors cannot be shared with other processes before PyTorch 2.5."});
  } else {
    all.push_back({kKey,
                   "Sharing CUDA tensors with other processes goes through file descriptors, which containers without "
                   "pidfd_getfd refuse (pytorch#165685)."});
  }
  all.push_back({kKey,
                 "Libraries that exchange plain CUDA IPC handles refuse its memory: NCCL user buffers, custom "
                 "all-reduce kernels (vllm#42609)."});
  all.push_back({kKey, "Private pools of CUDA graphs keep their pages mapped as long as the graph lives."});
  all.push_back({kKey, "Ignored on Windows and WSL, and by pluggable allocators (pytorch#147851)."});
  if (version < Version{2, 5} && settings.garbage_collection_threshold > 0) {
    all.push_back(
        {kKey, "With garbage_collection_threshold an assertion can fail before PyTorch 2.5 (pytorch#134338)."});
  } else if (settings.garbage_collection_threshold > 0) {
    all.push_back({kKey, "The garbage collector passes over expandable segments (pytorch#134338)."});
  }
  if (settings.max_split_size != alloc::kUnlimited) {
    all.push_back({kKey, "With max_split_size_mb reserved memory can grow without bound (pytorch#123548)."});
  }
}

}  // namespace

std::vector<Drawback> drawbacks_of(const Settings& settings, Version version) {
  const Settings defaults;
  std::vector<Drawback> all;
  if (settings.expandable_segments) of_expandable(settings, version, all);
  if (settings.max_split_size != defaults.max_split_size) {
    all.push_back({"max_split_size_mb",
                   "Free blocks of that size and more serve only requests of that size and more, so it fits this "
                   "program's sizes: other batch sizes may need another value."});
    all.push_back({"max_split_size_mb", "Large requests that find no block of about their size call the driver."});
  }
  if (settings.max_non_split_rounding != settings.large_segment_size) {
    all.push_back({"max_non_split_rounding_mb", "Up to that much of a large block that is reused lies idle."});
  }
  if (settings.rounding != defaults.rounding) {
    all.push_back({"roundup_power2_divisions",
                   "Every request is rounded up to a step of its power of two: what is added lies idle while the "
                   "block is in use."});
  }
  if (settings.garbage_collection_threshold > 0) {
    all.push_back({"garbage_collection_threshold",
                   "Gives memory back before the limit is reached: each cudaFree waits for the device."});
    all.push_back({"garbage_collection_threshold", "Does nothing without a memory limit."});
  }
  if (settings.large_segment_size != defaults.large_segment_size) {
    all.push_back(
        {"large_segment_size_mb", "Every large segment begins with at least that much: more lies idle early."});
  }
  return all;
}

}  // namespace unfrag::advise
