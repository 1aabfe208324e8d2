// The parts of a Trace that a pickle of it names again and again: strings, frames, stacks and the words of the format.
// Each is written where it first occurs and is the same object from then on, as in PyTorch's own files.
//
// What it is not: the layout of a snapshot (snapshot_pickle.h). Cost: a number a string, frame and stack. Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "report/pickle_writer.h"
#include "trace/trace.h"

namespace unfrag::report {

/// A string of the format.
struct PickleWord {
  std::string_view text;
  PickleWriter::Memo memo = PickleWriter::kNotYet;
};

class PickleParts {
 public:
  /// Lives: both outlive this.
  PickleParts(const trace::Trace& trace, PickleWriter& out);

  void word(PickleWord& word);
  void text(trace::StringIdx idx);
  /// A list of frames, innermost first.
  void stack(trace::StackIdx idx);
  /// The same for a stack whose frames are mere lines of text (forward_frames).
  void lines(trace::StackIdx idx);

  // A key and its value.
  void item(PickleWord& key, PickleWord& value);
  void item(PickleWord& key, uint64_t value);
  void signed_item(PickleWord& key, int64_t value);
  void item(PickleWord& key, const trace::PoolId& value);
  void item(PickleWord& key, trace::StringIdx value);
  void item(PickleWord& key, trace::StackIdx value);

 private:
  void frame(trace::FrameIdx idx);
  void notes(std::string_view extra);

  const trace::Trace& trace_;
  PickleWriter& out_;
  PickleWord name_{"name"};
  PickleWord filename_{"filename"};
  PickleWord line_{"line"};
  std::vector<PickleWriter::Memo> strings_;
  std::vector<PickleWriter::Memo> frames_;
  std::vector<PickleWriter::Memo> stacks_;
  std::vector<PickleWriter::Memo> lines_;
};

}  // namespace unfrag::report
