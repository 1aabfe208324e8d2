// What a rehearsal came to: values only, filled in by app::rehearse. Threads: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "alloc/statistics.h"
#include "analyze/explanation.h"
#include "base/strong.h"

namespace unfrag::report {

/// Whether the program would run on another GPU, by replay of the rehearsed requests.
struct Fit {
  std::string gpu;  ///< Its key, for --gpu.
  std::string name;
  Bytes total;
  bool has_kernels = true;       ///< The libraries that the program used were compiled for it, else it fits never.
  bool fits = false;             ///< Under the settings of the rehearsal.
  bool fits_expandable = false;  ///< With expandable_segments:True.
  int64_t headroom = 0;          ///< Left at the peak of reserved memory; negative: missing for it.
};

/// One run of a search for the largest value that fits.
struct Tried {
  uint64_t value = 0;
  bool fits = false;
  int exit_code = 0;
  uint64_t num_ooms = 0;
  Bytes peak_reserved{};
};

struct DeviceFigures {
  int index = 0;
  bool exact = false;
  alloc::Statistics statistics{};
};

struct Rehearsal {
  std::string program;  ///< As typed.
  std::string python;
  std::string snapshot{};  ///< Where the recording is kept; empty: nowhere.
  std::string torch;       ///< "2.15.0+cu132".
  std::string device;
  Bytes total;
  Bytes context;
  bool has_kernels = true;  ///< The libraries that the program used were compiled for that device.
  int exit_code = 0;
  int signal = 0;        ///< 0: it ended by itself.
  size_t processes = 0;  ///< Those that used the device; the figures are of the one with most entries.

  /// Memory ran out and the program failed: what it would have asked for next is unknown, and with it what fits.
  bool cut_short = false;
  bool exact = false;  ///< A replay agrees with every entry: the statistics are PyTorch's own.
  alloc::Statistics statistics{};
  std::vector<DeviceFigures> devices{};  ///< Those that were used; the figures above are of the one with most entries.
  std::vector<Fit> fits{};
  std::string fit_name{};  ///< What was searched for, and
  std::vector<Tried>
      tried{};  ///< with which values, in order; the rest is of the largest that fits, else of the least.
  uint64_t host_reads = 0;
  uint64_t unknown_reads = 0;
  uint64_t dropped_bytes = 0;
  uint64_t launches = 0;
  uint64_t modelled = 0;     ///< Sizes of workspaces by a rule of thumb, and
  uint64_t asked = 0;        ///< ... those that cuDNN itself said.
  std::string dnn{};         ///< The folder of the cuDNN that could be asked; empty: none was found.
  uint64_t dnn_version = 0;  ///< The cuDNN that was asked: 92801 for 9.28.1; 0: none.
  Bytes peak_asked{};        ///< Of the bytes allocated at the peak: cuDNN's workspaces as it said itself,
  Bytes peak_modelled{};     ///< ... and those by a rule of thumb.
  std::vector<std::pair<std::string, uint32_t>> unanswered{};  ///< Function and calls; escaped.
  std::optional<analyze::Explanation> explanation{};           ///< Nothing where the program allocated nothing.
};

/// "9.28.1" for 92801.
std::string dnn_release(uint64_t version);

/// Of a search, the run with the largest value that fits; null where none does.
inline const Tried* largest_that_fits(const Rehearsal& rehearsal) {
  const Tried* largest = nullptr;
  for (const Tried& one : rehearsal.tried) {
    if (one.fits && (largest == nullptr || one.value > largest->value)) largest = &one;
  }
  return largest;
}

}  // namespace unfrag::report
