#include "report/pickle_parts.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/text.h"

namespace unfrag::report {
namespace {

/// What torch.fx adds to a frame; see trace::Frame.
constexpr std::array<std::string_view, 5> kNotes = {"fx_node_op", "fx_node_name", "fx_node_target", "fx_node_info",
                                                    "fx_original_trace"};

/// The note that begins here ("key=..."), or an empty text.
std::string_view note_at(std::string_view text) {
  const auto* const key = std::ranges::find_if(kNotes, [&](std::string_view note) {
    return text.starts_with(note) && text.substr(note.size()).starts_with('=');
  });
  return key == kNotes.end() ? std::string_view() : *key;
}

}  // namespace

PickleParts::PickleParts(const trace::Trace& trace, PickleWriter& out)
    : trace_(trace),
      out_(out),
      strings_(trace.strings.size(), PickleWriter::kNotYet),
      frames_(trace.frames.size(), PickleWriter::kNotYet),
      stacks_(trace.stacks.size(), PickleWriter::kNotYet),
      lines_(trace.stacks.size(), PickleWriter::kNotYet) {}

void PickleParts::word(PickleWord& word) {
  if (word.memo != PickleWriter::kNotYet) return out_.again(word.memo);
  out_.text(word.text);
  word.memo = out_.remember();
}

void PickleParts::text(trace::StringIdx idx) {
  PickleWriter::Memo& memo = strings_[idx.value()];
  if (memo != PickleWriter::kNotYet) return out_.again(memo);
  out_.text(mend_utf8(trace_.strings[idx]));
  memo = out_.remember();
}

void PickleParts::frame(trace::FrameIdx idx) {
  PickleWriter::Memo& memo = frames_[idx.value()];
  if (memo != PickleWriter::kNotYet) return out_.again(memo);
  const trace::Frame& frame = trace_.frames[idx];
  out_.open_dict();
  item(name_, frame.name);
  item(filename_, frame.filename);
  item(line_, frame.line);
  notes(trace_.strings[frame.extra]);
  out_.close_dict();
  memo = out_.remember();
}

// A note can have several lines: it ends where a line begins with the next one's key.
void PickleParts::notes(std::string_view extra) {
  while (!extra.empty()) {
    size_t end = extra.find('\n');
    while (end != std::string_view::npos && end + 1 < extra.size() && note_at(extra.substr(end + 1)).empty()) {
      end = extra.find('\n', end + 1);
    }
    end = std::min(end, extra.size());
    if (const std::string_view key = note_at(extra); !key.empty()) {
      out_.text(key);
      out_.text(mend_utf8(extra.substr(key.size() + 1, end - key.size() - 1)));
    }
    extra.remove_prefix(std::min(end + 1, extra.size()));
  }
}

void PickleParts::stack(trace::StackIdx idx) {
  PickleWriter::Memo& memo = stacks_[idx.value()];
  if (memo != PickleWriter::kNotYet) return out_.again(memo);
  const std::span<const trace::FrameIdx> frames = trace_.stacks[idx];
  out_.open_list();
  memo = out_.remember();
  out_.append(frames.size(), [&](size_t i) { frame(frames[i]); });
}

void PickleParts::lines(trace::StackIdx idx) {
  PickleWriter::Memo& memo = lines_[idx.value()];
  if (memo != PickleWriter::kNotYet) return out_.again(memo);
  const std::span<const trace::FrameIdx> frames = trace_.stacks[idx];
  out_.open_list();
  memo = out_.remember();
  out_.append(frames.size(), [&](size_t i) { text(trace_.frames[frames[i]].name); });
}

void PickleParts::item(PickleWord& key, PickleWord& value) {
  word(key);
  word(value);
}
void PickleParts::item(PickleWord& key, uint64_t value) {
  word(key);
  out_.integer(value);
}
void PickleParts::signed_item(PickleWord& key, int64_t value) {
  word(key);
  out_.signed_integer(value);
}
void PickleParts::item(PickleWord& key, const trace::PoolId& value) {
  word(key);
  out_.integer(value.first);
  out_.integer(value.second);
  out_.pair();
}
void PickleParts::item(PickleWord& key, trace::StringIdx value) {
  word(key);
  text(value);
}
void PickleParts::item(PickleWord& key, trace::StackIdx value) {
  word(key);
  stack(value);
}

}  // namespace unfrag::report
