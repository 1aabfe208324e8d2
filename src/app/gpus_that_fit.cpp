#include "app/gpus_that_fit.h"

#include <algorithm>
#include <optional>
#include <string>

#include "device/context_size.h"

namespace unfrag::app {
namespace {

/// Whether the program runs without a failure where the process may have `capacity`. `free`: its run without limits.
bool runs_in(Bytes capacity, const replay::Program& program, replay::Conditions conditions,
             const alloc::Statistics& free) {
  if (free.reserved.peak <= capacity) return true;
  if (free.active.peak > capacity) return false;
  conditions.limits = {.capacity = capacity, .total = capacity, .limit = {}};
  return replay::run_program(program, conditions, nullptr).statistics.num_ooms == 0;
}

std::optional<bool> answer(bool runs, bool sure) { return runs && !sure ? std::nullopt : std::optional(runs); }

int64_t left(Bytes all, Bytes needed) {
  return static_cast<int64_t>(all.value()) - static_cast<int64_t>(needed.value());
}

}  // namespace

bool has_kernels(const device::Gpu& gpu, const std::vector<KernelImage>& images) {
  return images.empty() || code_for(images, gpu.compute_major * 10 + gpu.compute_minor).has_value();
}

std::vector<report::Fit> find_fits(const replay::Recorded& recorded, const FitConditions& conditions) {
  const replay::Program& program = recorded.reading.program;
  replay::Conditions as_rehearsed = recorded.conditions;
  as_rehearsed.limits = {};
  replay::Conditions expandable = as_rehearsed;
  expandable.settings.expandable_segments = true;
  const auto free = replay::run_program(program, as_rehearsed, nullptr).statistics;
  const auto free_expandable = replay::run_program(program, expandable, nullptr).statistics;
  std::vector<report::Fit> fits;
  for (const device::Gpu& gpu : device::all_gpus()) {
    const Bytes context = device::context_size(gpu, conditions.cuda_major);
    const Bytes capacity = minus_or_zero(gpu.total_memory, context);
    const Bytes others = conditions.others.with_contexts(context);
    const bool runs = has_kernels(gpu, conditions.images);
    // What the others would do with less, or with expandable segments, nobody has tried.
    const bool sure = !conditions.rest_unknown && others <= gpu.total_memory;
    const bool sure_expandable = !conditions.rest_unknown && !conditions.others.any();
    fits.push_back(
        {.gpu = std::string(gpu.key),
         .name = std::string(gpu.name),
         .total = gpu.total_memory,
         .has_kernels = runs,
         .fits = answer(runs && runs_in(capacity, program, as_rehearsed, free), sure),
         .fits_expandable = answer(runs && runs_in(capacity, program, expandable, free_expandable), sure_expandable),
         .headroom = std::min(left(capacity, free.reserved.peak), left(gpu.total_memory, others))});
  }
  return fits;
}

}  // namespace unfrag::app
