#include "app/gpus_that_fit.h"

#include <algorithm>
#include <optional>
#include <string>

#include "device/context_size.h"

namespace unfrag::app {
namespace {

using Answer = std::optional<bool>;  // nothing: nobody knows

/// The program under some settings, run where there is room.
class Settled {
 public:
  Settled(const replay::Program& program, const replay::Conditions& conditions)
      : program_(program), conditions_(conditions) {
    conditions_.limits = {};
    free_ = replay::run_program(program_, conditions_, nullptr).statistics;
  }
  [[nodiscard]] const alloc::Statistics& free() const { return free_; }

  /// Whether it runs without a failure on a device of `total` bytes, of which the context takes its share.
  [[nodiscard]] bool runs_on(Bytes total, Bytes context) const {
    replay::Conditions there = conditions_;
    there.limits = replay::limits_of({.memory = total, .context = context}, conditions_.settings, conditions_.rules);
    const Bytes capacity = *there.limits.capacity;
    const bool limited = there.limits.limit || program_.limits_itself();
    if (free_.reserved.peak <= capacity && !limited) return true;
    if (free_.active.peak > capacity) return false;
    return replay::run_program(program_, there, nullptr).statistics.num_ooms == 0;
  }

 private:
  const replay::Program& program_;
  replay::Conditions conditions_;  // without limits
  alloc::Statistics free_;
};

/// What the entries prove. With less than was there, but as much as was reserved, the device answers every call as it
/// did, and so it does with more, unless it refused something. What was asked for at once has to fit in any case.
Answer proven(Bytes capacity, const alloc::Statistics& recorded, Bytes presented) {
  if (recorded.requested.peak > capacity) return false;
  const bool same_answers =
      recorded.reserved.peak <= capacity && (capacity <= presented || recorded.num_device_free == 0);
  return same_answers && recorded.num_ooms == 0 ? Answer(true) : std::nullopt;
}

/// Nobody's word for a yes that is not sure.
Answer if_sure(Answer runs, bool sure) { return runs == true && !sure ? std::nullopt : runs; }

int64_t left(Bytes all, Bytes needed) {
  return static_cast<int64_t>(all.value()) - static_cast<int64_t>(needed.value());
}

}  // namespace

bool has_kernels(const device::Gpu& gpu, const std::vector<KernelImage>& images) {
  return images.empty() || code_for(images, gpu.compute_major * 10 + gpu.compute_minor).has_value();
}

std::vector<report::Fit> find_fits(const replay::Recorded& recorded, const report::Figures& figures,
                                   const FitConditions& conditions) {
  const replay::Program& program = recorded.reading.program;
  std::optional<Settled> as_rehearsed;
  std::optional<Settled> expandable;
  if (figures.replayed()) {
    replay::Conditions grows = recorded.conditions;
    grows.settings.expandable_segments = true;
    as_rehearsed.emplace(program, recorded.conditions);
    expandable.emplace(program, grows);
  }
  const bool limited = recorded.conditions.settings.memory_fraction || program.limits_itself();
  const Bytes needed = as_rehearsed ? as_rehearsed->free().reserved.peak : figures.statistics.reserved.peak;
  std::vector<report::Fit> fits;
  for (const device::Gpu& gpu : device::all_gpus()) {
    const Bytes context = device::context_size(gpu, conditions.cuda_major);
    const Bytes capacity = minus_or_zero(gpu.total_memory, context);
    const Bytes others = conditions.others.with_contexts(context);
    // What the others would do with less, or with expandable segments, nobody has tried.
    const bool sure = !conditions.rest_unknown && others <= gpu.total_memory;
    const bool sure_expandable = !conditions.rest_unknown && !conditions.others.any() && expandable;
    Answer fits_here = proven(capacity, figures.statistics, conditions.presented);
    if (fits_here == true && limited) fits_here.reset();
    Answer fits_expandable = fits_here;
    if (as_rehearsed) fits_here = as_rehearsed->runs_on(gpu.total_memory, context);
    if (expandable) fits_expandable = expandable->runs_on(gpu.total_memory, context);
    const bool runs = has_kernels(gpu, conditions.images);
    fits.push_back({.gpu = std::string(gpu.key),
                    .name = std::string(gpu.name),
                    .total = gpu.total_memory,
                    .has_kernels = runs,
                    .fits = runs ? if_sure(fits_here, sure) : false,
                    .fits_expandable = runs ? if_sure(fits_expandable, sure_expandable) : false,
                    .headroom = std::min(left(capacity, needed), left(gpu.total_memory, others))});
  }
  return fits;
}

}  // namespace unfrag::app
