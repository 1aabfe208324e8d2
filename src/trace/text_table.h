// Strings, frames and stacks of a Trace: each distinct one is stored once and named by an index.
//
// Index 0 of strings and stacks is always the empty one. Bytes are kept as they came from the file: escaping for
// a terminal or page is the report's duty. The tables only store; `Builder` finds what is there already.
// Threads: safe to read from many once nobody adds.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/strong.h"

namespace unfrag::trace {

using StringIdx = Index<struct StringTag>;
using FrameIdx = Index<struct FrameTag>;
using StackIdx = Index<struct StackTag>;

inline constexpr StringIdx kEmptyString{0};
inline constexpr StackIdx kEmptyStack{0};

/// Runs of T, each named by an index; run 0 is empty.
template <class T, class Idx>
class RunTable {
 public:
  RunTable() : runs_(1) {}
  [[nodiscard]] std::span<const T> operator[](Idx i) const { return runs_[i.value()]; }
  [[nodiscard]] size_t size() const { return runs_.size(); }
  Idx append(std::span<const T> values) {
    runs_.push_back(arena_.store(values));
    return Idx(static_cast<uint32_t>(runs_.size() - 1));
  }

 private:
  Arena<T> arena_;
  std::vector<std::span<const T>> runs_;
};

/// Single values of T, each named by an index.
template <class T, class Idx>
class RowTable {
 public:
  [[nodiscard]] const T& operator[](Idx i) const { return rows_[i.value()]; }
  [[nodiscard]] size_t size() const { return rows_.size(); }
  Idx append(const T& row) {
    rows_.push_back(row);
    return Idx(static_cast<uint32_t>(rows_.size() - 1));
  }

 private:
  std::vector<T> rows_;
};

/// Distinct strings.
class TextTable : private RunTable<char, StringIdx> {
 public:
  using RunTable::size;
  [[nodiscard]] std::string_view operator[](StringIdx i) const {
    const std::span<const char> run = RunTable::operator[](i);
    return {run.data(), run.size()};
  }
  StringIdx append(std::string_view text) { return RunTable::append({text.data(), text.size()}); }
};

/// One line of a stack. `extra` holds what torch.fx adds (node names, targets) as "key=value" lines, or nothing.
struct Frame {
  StringIdx name;
  StringIdx filename;
  uint32_t line = 0;
  StringIdx extra = kEmptyString;
  bool operator==(const Frame&) const = default;
};
using FrameTable = RowTable<Frame, FrameIdx>;

/// Distinct stacks, innermost frame first.
using StackTable = RunTable<FrameIdx, StackIdx>;

}  // namespace unfrag::trace
