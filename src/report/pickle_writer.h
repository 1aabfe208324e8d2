// Writes values as a Python pickle (protocol 4) at the end of a string, in the opcodes that Python's own pickler uses
// for built-in types, which are those that viewers of snapshots know.
//
// It keeps no values: what is to be shared is remembered by number and referred to by it. It checks nothing: the caller
// writes exactly the items it announces. Frames (an optimisation of reading files piece by piece) are left out.
// Cost: amortised a few bytes' copying a value. Threads: one.
// Source: Python's Lib/pickletools.py.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace unfrag::report {

class PickleWriter {
 public:
  /// What `remember` gives, for `again`.
  using Memo = uint32_t;
  static constexpr Memo kNotYet = UINT32_MAX;

  explicit PickleWriter(std::string& out) : out_(out) { out_.append("\x80\x04", 2); }
  /// After the one value that a pickle holds.
  void finish() { out_ += '.'; }

  void integer(uint64_t value);
  void signed_integer(int64_t value);
  void real(double value);
  void boolean(bool value) { out_ += value ? '\x88' : '\x89'; }
  void none() { out_ += 'N'; }
  /// Requires: `utf8` is what Python's decoder takes (mend_utf8), and shorter than 4 GiB.
  void text(std::string_view utf8);
  /// A tuple of the last two values.
  void pair() { out_ += '\x86'; }

  /// An empty list, to be remembered or filled.
  void open_list() { out_ += ']'; }
  /// Puts `count` items into the last value, a list: write(i) writes the i-th.
  template <class Write>
  void append(size_t count, Write write) {
    for (size_t begin = 0; begin < count; begin += kBatch) {
      out_ += '(';
      for (size_t i = begin; i < std::min(count, begin + kBatch); ++i) write(i);
      out_ += 'e';
    }
  }
  void empty_dict() { out_ += '}'; }
  /// A dict: between the two come keys and values, at least one pair.
  void open_dict() { out_ += "}("; }
  void close_dict() { out_ += 'u'; }

  /// The last value, which may be an empty list, gets a number.
  Memo remember() {
    out_ += '\x94';
    return next_memo_++;
  }
  /// The value of that number: the same object.
  void again(Memo memo);

 private:
  /// So many items a turn keep a reader's stack short; Python's pickler has the same.
  static constexpr size_t kBatch = 1000;

  void little_endian(uint64_t value, size_t bytes);

  std::string& out_;
  Memo next_memo_ = 0;
};

}  // namespace unfrag::report
