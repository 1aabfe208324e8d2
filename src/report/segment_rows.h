// Which segments of a moment a picture has room for, how they are cut into rows, and which neighbours in a row are
// drawn as one. Threads: pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "analyze/state.h"

namespace unfrag::report {

/// A stretch of one segment.
struct SegmentRow {
  const analyze::PlacedSegment* segment = nullptr;
  uint64_t offset = 0;  ///< From the segment's start.
  uint64_t size = 0;
};

struct SegmentRows {
  std::vector<SegmentRow> rows;  ///< Largest segment first, then by address.
  uint64_t longest = 0;          ///< Bytes of a full row.
  std::vector<const analyze::PlacedSegment*> left_out;
};

/// At most `most` rows. They get shorter as long as blocks of 1 MiB and more are narrower than `width` / `longest`
/// makes visible and there is room for more of them.
SegmentRows cut_into_rows(const analyze::MemoryState& state, size_t most, double width);

/// Neighbouring blocks and holes of a row.
struct Stretch {
  uint64_t begin = 0;  ///< Addresses.
  uint64_t end = 0;
  uint64_t blocks = 0;
  uint64_t holes = 0;
  uint64_t allocated = 0;  ///< Bytes.
  uint64_t pending = 0;
  const analyze::PlacedBlock* block = nullptr;  ///< The last of them.
};

/// All of a row, from left to right. What is smaller than `least` bytes is put together with its neighbours until it is
/// not.
void for_each_stretch(const analyze::MemoryState& state, const SegmentRow& row, uint64_t least,
                      const std::function<void(const Stretch&)>& draw);

}  // namespace unfrag::report
