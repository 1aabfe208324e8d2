// On which GPUs of the table a rehearsed program would run, by replay of its requests. Where no replay agrees with the
// rehearsal, only what follows without one. Threads: pure function.
#pragma once

#include <vector>

#include "app/rehearse_processes.h"
#include "base/kernel_image.h"
#include "device/gpu.h"
#include "replay/replay.h"
#include "report/rehearsal.h"

namespace unfrag::app {

struct FitConditions {
  int cuda_major = 0;
  Bytes presented{};      ///< What the rehearsal's device left the process.
  NeedOfOthers others{};  ///< One process is replayed on one device: whether there is room for these is arithmetic.
  std::vector<KernelImage> images{};  ///< For which GPUs there are kernels.
  bool rest_unknown = false;          ///< Not all requests are known: no yes is sure.
};

/// Whether `images` have one for it; where no kernel was used nothing speaks against it.
bool has_kernels(const device::Gpu& gpu, const std::vector<KernelImage>& images);

/// `figures`: of what was recorded.
std::vector<report::Fit> find_fits(const replay::Recorded& recorded, const report::Figures& figures,
                                   const FitConditions& conditions);

}  // namespace unfrag::app
