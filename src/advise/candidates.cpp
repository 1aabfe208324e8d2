#include "advise/candidates.h"

#include <algorithm>
#include <array>
#include <bit>

namespace unfrag::advise {
namespace {

using alloc::Settings;

/// max_split_size_mb: below 20 it is refused, above some GiB nothing is that large.
constexpr std::array kSplitSizes = {32_MiB, 64_MiB, 128_MiB, 256_MiB, 512_MiB, 1_GiB};
constexpr std::array kDivisions = {2U, 4U, 8U, 16U};
constexpr std::array kThresholds = {0.6, 0.8};
constexpr std::array kSegmentSizes = {32_MiB, 64_MiB, 128_MiB};

alloc::RoundingRules divided(uint32_t divisions) {
  alloc::RoundingRules rounding;
  rounding.divisions.fill(divisions);
  return rounding;
}

// [64:8,128:4,256:4]: fine steps where they pay, none for huge tensors.
alloc::RoundingRules graded() {
  alloc::RoundingRules rounding;
  for (size_t slot = 0; slot < rounding.divisions.size(); ++slot) {
    const uint64_t mebibytes = uint64_t{1} << slot;
    rounding.divisions[slot] = mebibytes <= 64 ? 8 : mebibytes <= 256 ? 4 : 0;
  }
  return rounding;
}

class List {
 public:
  List(const Settings& in_force, alloc::Version version, bool limited)
      : base_(in_force), version_(version), limited_(limited) {
    add(in_force);
    base_ = untuned(in_force);
    add(base_);
    add_single();
    add_double();
    if (in_force == base_) return;
    base_ = in_force;
    add_single();
  }

  [[nodiscard]] std::vector<Settings> take() { return std::move(settings_); }

 private:
  static Settings untuned(const Settings& in_force) {
    Settings settings;
    settings.memory_fraction = in_force.memory_fraction;
    settings.throw_on_cudamalloc_oom = in_force.throw_on_cudamalloc_oom;
    settings.reserve_fraction = in_force.reserve_fraction;
    settings.reserve_bytes = in_force.reserve_bytes;
    return settings;
  }

  void add(const Settings& settings) {
    const bool known = std::ranges::find(settings_, settings) != settings_.end();
    const bool allowed = settings.max_split_size >= settings.large_segment_size;
    if (!known && allowed) settings_.push_back(settings);
  }

  [[nodiscard]] Settings expandable() const {
    Settings settings = base_;
    settings.expandable_segments = true;
    settings.max_split_size = alloc::kUnlimited;  // see the drawbacks of the two together
    settings.max_non_split_rounding = settings.large_segment_size;
    return settings;
  }
  [[nodiscard]] Settings split(Bytes size) const {
    Settings settings = base_;
    settings.expandable_segments = false;
    settings.max_split_size = size;
    return settings;
  }

  void add_single() {
    add(expandable());
    for (const Bytes size : kSplitSizes) add(split(size));
    for (const uint32_t divisions : kDivisions) add_rounded(base_, divided(divisions));
    add_rounded(base_, graded());
    add_collected(base_);
    if (!alloc::has_key("large_segment_size_mb", version_)) return;
    for (const Bytes size : kSegmentSizes) add_large_segments(base_, size);
  }

  void add_double() {
    for (const uint32_t divisions : kDivisions) add_rounded(expandable(), divided(divisions));
    add_rounded(expandable(), graded());
    add_collected(expandable());
    for (const Bytes size : {64_MiB, 128_MiB, 256_MiB}) {
      add_rounded(split(size), divided(4));
      add_collected(split(size));
      if (!alloc::has_key("max_non_split_rounding_mb", version_)) continue;
      Settings settings = split(size);
      settings.max_non_split_rounding = size;
      add(settings);
    }
    if (!alloc::has_key("large_segment_size_mb", version_)) return;
    for (const Bytes size : kSegmentSizes) add_large_segments(expandable(), size);
  }

  void add_rounded(Settings settings, const alloc::RoundingRules& rounding) {
    settings.rounding = rounding;
    add(settings);
  }
  void add_collected(Settings settings) {
    if (!limited_) return;
    for (const double threshold : kThresholds) {
      settings.garbage_collection_threshold = threshold;
      add(settings);
    }
  }
  void add_large_segments(Settings settings, Bytes size) {
    settings.large_segment_size = size;
    settings.max_non_split_rounding = size;
    add(settings);
  }

  Settings base_;
  alloc::Version version_;
  bool limited_;
  std::vector<Settings> settings_;
};

}  // namespace

std::vector<Settings> candidate_settings(const Settings& in_force, alloc::Version version, bool limited) {
  return List(in_force, version, limited).take();
}

int key_count(const Settings& settings) {
  const Settings defaults;
  int count = 0;
  count += settings.expandable_segments ? 1 : 0;
  count += settings.max_split_size != defaults.max_split_size ? 1 : 0;
  count += settings.max_non_split_rounding != settings.large_segment_size ? 1 : 0;
  count += settings.large_segment_size != defaults.large_segment_size ? 1 : 0;
  count += settings.rounding != defaults.rounding ? 1 : 0;
  count += settings.garbage_collection_threshold > 0 ? 1 : 0;
  return count;
}

}  // namespace unfrag::advise
