// On which GPUs of the table a rehearsed program would run, by replay of its requests. Threads: pure function.
#pragma once

#include <vector>

#include "app/rehearse_processes.h"
#include "replay/replay.h"
#include "report/rehearsal.h"

namespace unfrag::app {

struct FitConditions {
  int cuda_major = 0;
  NeedOfOthers others{};      ///< One process is replayed on one device: whether there is room for these is arithmetic.
  bool rest_unknown = false;  ///< Not all requests are known: no yes is sure.
};

std::vector<report::Fit> find_fits(const replay::Recorded& recorded, const FitConditions& conditions);

}  // namespace unfrag::app
