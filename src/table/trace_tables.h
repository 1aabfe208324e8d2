// The tables of a Trace: events, blocks, segments and stacks, as docs/format/tables.md describes them.
// Threads: safe; the tables share no mutable state.
#pragma once

#include <memory>

#include "analyze/user_code.h"
#include "table/table.h"
#include "trace/trace.h"

namespace unfrag::table {

/// What the columns that name a place in the program are made of, once for all tables of a Trace.
class Places {
 public:
  explicit Places(const trace::Trace& trace);

  [[nodiscard]] const std::shared_ptr<const Texts>& functions() const { return functions_; }
  [[nodiscard]] const std::shared_ptr<const Texts>& files() const { return files_; }

  struct Place {
    int32_t function = -1;  ///< Number of a text; -1: not known.
    int32_t file = -1;
    int32_t line = -1;
  };
  /// Of the user's innermost frame, as holders have it.
  [[nodiscard]] const Place& of_stack(trace::StackIdx stack) const { return of_stacks_[stack.value()]; }
  [[nodiscard]] const Place& of_frame(trace::FrameIdx frame) const { return of_frames_[frame.value()]; }

 private:
  std::shared_ptr<const Texts> functions_;
  std::shared_ptr<const Texts> files_;
  std::vector<Place> of_frames_;
  std::vector<Place> of_stacks_;
};

/// What the tables below read. They keep it alive.
struct Source {
  std::shared_ptr<const trace::Trace> trace;
  std::shared_ptr<const Places> places;
};
Source source_of(std::shared_ptr<const trace::Trace> trace);

/// A row a trace entry, in the order of the file, device by device.
Table events_table(const Source& source);
/// A row a block of the snapshot, by device and address.
Table blocks_table(const Source& source);
/// A row a segment of the snapshot, by device and address.
Table segments_table(const Source& source);
/// A row a frame, innermost first: `stack` is what the other tables name.
Table stacks_table(const Source& source);

}  // namespace unfrag::table
