#include "replay/segment_sizes.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "alloc/rounding.h"

namespace unfrag::replay {
namespace {

// The value in MiB of a key that snapshots do not list among their values, from the raw settings.
std::optional<Bytes> mebibytes_in_conf(const trace::Settings& settings, std::string_view key) {
  const std::string_view conf = settings.conf ? std::string_view(*settings.conf) : std::string_view();
  const size_t at = conf.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  uint64_t mib = 0;
  std::from_chars(conf.data() + at + key.size(), conf.data() + conf.size(), mib);
  if (mib <= 10 || mib >= 1 << 20) return std::nullopt;
  return Bytes(mib << 20);
}

}  // namespace

Bytes page_size(const trace::Settings& settings, trace::PoolKind kind) {
  if (kind == trace::PoolKind::kSmall) return alloc::kSmallSegment;
  return mebibytes_in_conf(settings, "large_segment_size_mb:").value_or(alloc::kLargeSegment);  // 2.12 on
}

Bytes max_slack(const trace::Settings& settings) {
  return mebibytes_in_conf(settings, "max_non_split_rounding_mb:")
      .value_or(page_size(settings, trace::PoolKind::kLarge));
}

}  // namespace unfrag::replay
