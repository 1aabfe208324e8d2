#include "rehearsal/null/python_walk.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "rehearsal/null/pointers.h"
#include "rehearsal/null/value_at.h"

namespace unfrag::null {
namespace {

// Source: enum _frameowner in Include/internal/pycore_frame.h, pycore_interpframe_structs.h from 3.14 on.
constexpr uint8_t kOwnedByGenerator = 1;
constexpr uint8_t kFirstOwnerOfNoFrame = 3;  // the C stack (3.12), the interpreter (3.14)

/// Believes every address.
struct Direct {
  template <class T>
  T read(uint64_t address) {
    return value_at<T>(address);
  }
};

/// Asks the kernel to read, which does not end the process where there is nothing.
struct Careful {
  bool failed = false;
  template <class T>
  T read(uint64_t address) {
    T value{};
    iovec here = {&value, sizeof value};
    iovec there = {to_pointer<void>(address), sizeof value};
    if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) != ssize_t{sizeof value}) failed = true;
    return value;
  }
};

template <class Memory>
uint64_t innermost_frame(Memory& memory, const PythonLayout& at, uint64_t thread_state) {
  const auto frame = memory.template read<uint64_t>(thread_state + at.thread_frame);
  return at.through_cframe && frame != 0 ? memory.template read<uint64_t>(frame + at.cframe_frame) : frame;
}

/// The code object of a frame; 0 where a traceback would show no line for it: an entry from C, or one that has not come
/// to its first line. Source: _PyFrame_IsIncomplete.
template <class Memory>
uint64_t code_of(Memory& memory, const Python& python, uint64_t frame) {
  const PythonLayout& at = python.at;
  const bool has_owner = at.has_pointers();
  const uint8_t owner = has_owner ? memory.template read<uint8_t>(frame + at.owner) : uint8_t{0};
  if (owner >= kFirstOwnerOfNoFrame) return 0;
  const uint64_t code = memory.template read<uint64_t>(frame + at.code) & ~uint64_t{7};  // 3.14 tags it
  if (memory.template read<uint64_t>(code + kTypeAt) != python.code_type) return 0;
  if (!has_owner || owner == kOwnedByGenerator) return code;
  const auto skipped = memory.template read<uint32_t>(code + at.first_traceable());
  const uint64_t begins = code + at.first_instruction + skipped * kInstructionBytes;
  return memory.template read<uint64_t>(frame + at.instruction) < begins ? 0 : code;
}

template <class Memory>
int64_t offset_of(Memory& memory, const PythonLayout& at, uint64_t frame, uint64_t code) {
  if (at.has_pointers()) {
    return static_cast<int64_t>(memory.template read<uint64_t>(frame + at.instruction) - code - at.first_instruction);
  }
  return int64_t{memory.template read<int32_t>(frame + at.instruction)} * static_cast<int64_t>(at.index_unit);
}

template <class Memory>
size_t walk(Memory memory, const Python& python, uint64_t thread_state, std::span<Spot> spots) {
  size_t count = 0;
  size_t left = 4 * spots.size();  // an end where a wrong layout leads in circles; every call from C has a shim
  uint64_t frame = innermost_frame(memory, python.at, thread_state);
  for (; frame != 0 && left > 0 && count < spots.size(); --left) {
    const uint64_t code = code_of(memory, python, frame);
    if (code != 0) spots[count++] = {.code = code, .offset = offset_of(memory, python.at, frame, code)};
    frame = memory.template read<uint64_t>(frame + python.at.back);
  }
  return count;
}

bool is_of(Careful& memory, uint64_t object, uint64_t type) { return memory.read<uint64_t>(object + kTypeAt) == type; }

/// Whether a code object has a name, a file and lines where they should be, and the instruction that it is at, and the
/// interpreter finds the same line for it.
bool is_whole(Careful& memory, const Python& python, Spot spot) {
  const PythonLayout& at = python.at;
  const auto at_offset = [&](uint64_t offset) { return memory.read<uint64_t>(spot.code + offset); };
  const auto first_line = memory.read<int32_t>(spot.code + at.first_line);
  const bool has_facts = is_of(memory, at_offset(at.name), python.text_type) &&
                         is_of(memory, at_offset(at.file), python.text_type) &&
                         is_of(memory, at_offset(at.line_table), python.bytes_type) && first_line >= 0;
  if (!has_facts || !at.has_pointers()) return has_facts;
  const auto bytes = static_cast<int64_t>(at_offset(kSizeAt) * kInstructionBytes);
  if (memory.failed || spot.offset < 0 || spot.offset >= bytes) return false;
  const int line = python.line_of(spot.code, static_cast<int>(spot.offset));
  return line_of(python, spot) == static_cast<uint32_t>(std::max(line, 0));
}

uint64_t state_of_thread(const Python& python) { return to_number(python.thread_state()); }

}  // namespace

size_t walk_frames(const Python& python, std::span<Spot> spots) {
  const uint64_t thread_state = state_of_thread(python);
  return thread_state == 0 ? 0 : walk(Direct{}, python, thread_state, spots);
}

Fit check_layout(const Python& python) {
  const uint64_t thread_state = state_of_thread(python);
  if (thread_state == 0) return Fit::kNobodyKnows;
  Careful memory;
  if (innermost_frame(memory, python.at, thread_state) == 0) {
    return memory.failed ? Fit::kDoesNot : Fit::kNobodyKnows;
  }
  std::array<Spot, 64> spots;
  const size_t count = walk<Careful&>(memory, python, thread_state, spots);
  if (count == 0 && !memory.failed) return Fit::kNobodyKnows;  // entries from C alone
  bool whole = true;
  for (size_t i = 0; i < count && whole; ++i) whole = is_whole(memory, python, spots[i]);
  return whole && !memory.failed ? Fit::kFits : Fit::kDoesNot;
}

}  // namespace unfrag::null
