// What a rehearsal came to: values only, filled in by app::rehearse. Threads: values.
#pragma once

#include <array>
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
  bool has_kernels = true;     ///< The libraries that the program used were compiled for it, else it fits never.
  std::optional<bool> fits{};  ///< Under the settings of the rehearsal; nothing: nobody knows.
  std::optional<bool> fits_expandable{};  ///< With expandable_segments:True.
  int64_t headroom = 0;                   ///< Left at the peak of reserved memory; negative: missing for it.
};

/// One run of a search for the largest value that fits.
struct Tried {
  uint64_t value = 0;
  bool fits = false;
  int exit_code = 0;
  uint64_t num_ooms = 0;
  Bytes peak_reserved{};
};

/// What is known of PyTorch's statistics of one device. Where a replay agrees with every entry it is all of them.
struct Figures {
  alloc::Statistics statistics{};
  /// The first entry that a replay differs from. Then the figures are what the entries say themselves: allocated and
  /// active are the least that they can have been, num_alloc_retries and num_sync_all_streams are not known.
  std::optional<uint64_t> first_difference{};

  [[nodiscard]] bool replayed() const { return !first_difference; }
};

struct DeviceFigures {
  int index = 0;
  bool exact = false;
  Figures figures{};
};

/// A process that used the device.
struct ProcessFigures {
  uint32_t process = 0;   ///< Its number; two programs may have had it, one after the other.
  std::string command{};  ///< Its command line, or the beginning; escaped.
  uint64_t entries = 0;
  uint64_t num_ooms = 0;
  Bytes peak_reserved{};                         ///< The most of one device.
  std::vector<std::pair<int, Bytes>> devices{};  ///< By index, the most of each.
};

/// What all processes held of one device at one moment.
struct Together {
  int index = 0;
  size_t processes = 0;         ///< That used it.
  size_t most_at_once = 0;      ///< ... while others did.
  Bytes peak_reserved{};        ///< Without their contexts.
  bool is_upper_bound = false;  ///< Nobody knows when one of them ended, and it is taken to have kept what it had.
  bool fits = true;             ///< Beside their contexts, into the device that was presented.
};

/// A log that is not whole: the figures are of what could be read.
struct Incomplete {
  std::string log;                 ///< Its name, escaped.
  std::string reason{};            ///< For programs: "disk", "damaged", ...
  std::string what{};              ///< For people, a clause; escaped.
  std::string action{};            ///< What to try.
  std::optional<uint64_t> lost{};  ///< Entries that are missing; nothing: nobody knows.
};

/// The null device's own time, from the first request for memory to the last call.
struct Timing {
  double program_seconds = 0;
  double total_seconds = 0;
  std::array<double, 5> seconds{};  ///< By kTimedFamilies.

  [[nodiscard]] double share() const { return program_seconds > 0 ? total_seconds / program_seconds : 0; }
};
/// The runtime and the driver; launches; memory and copies; mathematics; the log, Python's stacks included.
inline constexpr std::array<const char*, 5> kTimedFamilies = {"runtime", "kernels", "memory", "math", "log"};

struct Rehearsal {
  std::string program;  ///< As typed.
  std::string python;
  std::string snapshot{};  ///< Where the recording is kept; empty: nowhere.
  std::string torch;       ///< "2.15.0+cu132".
  std::string device;
  Bytes total;
  Bytes context;
  bool has_kernels = true;       ///< The libraries that the program used were compiled for that device.
  std::string values = "zeros";  ///< What the program read where nobody put real bytes: zeros, ones, random.
  std::vector<std::pair<std::string, std::string>> other_torches{};  ///< Interpreter and release; escaped.
  int exit_code = 0;
  int signal = 0;                        ///< 0: it ended by itself.
  std::string last_call{};               ///< Into the null device, where a signal ended the program; escaped.
  bool at_exit = false;                  ///< ... when Python was already shutting down.
  int interrupted = 0;                   ///< The first signal that `unfrag` got while the program ran; 0: none.
  uint64_t steps = 0;                    ///< Of optimizers, after which it was to be ended; 0: never.
  std::optional<uint64_t> steps_made{};  ///< The most of one process; nothing: nobody counted them.
  std::vector<ProcessFigures>
      processes{};                   ///< Those that used the device, the highest peak first: what follows is its.
  std::vector<Together> together{};  ///< Of each device that any of them used.
  std::vector<Incomplete> incomplete{};
  bool exact = false;  ///< All is there, and a replay agrees with every entry: the statistics are PyTorch's own.
  Figures figures{};
  std::vector<DeviceFigures> devices{};  ///< Those that were used; the figures above are of the one with most entries.
  std::vector<Fit> fits{};
  std::string fit_name{};  ///< What was searched for, and
  std::vector<Tried>
      tried{};  ///< with which values, in order; the rest is of the largest that fits, else of the least.
  // Of all processes.
  uint64_t host_reads = 0;
  uint64_t unknown_reads = 0;
  uint64_t dropped_bytes = 0;
  uint64_t launches = 0;
  uint64_t modelled = 0;      ///< Sizes of workspaces by a rule of thumb, and
  uint64_t asked = 0;         ///< ... those that cuDNN itself said.
  std::string dnn{};          ///< The folder of the cuDNN that could be asked; empty: none was found.
  std::string dnn_trouble{};  ///< Why that one answers nothing, a clause; escaped.
  uint64_t dnn_version = 0;   ///< The cuDNN that was asked: 92801 for 9.28.1; 0: none.
  Bytes peak_asked{};         ///< Of the bytes allocated at the peak: cuDNN's workspaces as it said itself,
  Bytes peak_modelled{};      ///< ... and those by a rule of thumb.
  std::vector<std::pair<std::string, uint32_t>> unanswered{};  ///< Function and calls; escaped.
  std::optional<Timing> timing{};
  std::optional<analyze::Explanation> explanation{};  ///< Nothing where the program allocated nothing.
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

/// Requests that failed, in any process.
inline uint64_t all_ooms(const Rehearsal& rehearsal) {
  uint64_t all = 0;
  for (const ProcessFigures& one : rehearsal.processes) all += one.num_ooms;
  return all;
}

/// The device of which several processes held most at one moment; null where none was used by two at once.
inline const Together* most_shared(const Rehearsal& rehearsal) {
  const Together* most = nullptr;
  for (const Together& one : rehearsal.together) {
    if (one.most_at_once > 1 && (most == nullptr || one.peak_reserved > most->peak_reserved)) most = &one;
  }
  return most;
}

}  // namespace unfrag::report
