// A pickle machine that executes nothing: it turns pickle opcodes of protocols 0 to 5 into plain values.
//
// GLOBAL and REDUCE exist only for a short list of constructors of plain data (see pickle_globals.cpp); anything
// else that a pickle may ask for (classes, functions, persistent objects, extensions) is refused by name.
// A cut or damaged pickle gives what precedes the damage: containers that were still open are closed.
// Source: CPython Lib/pickletools.py (the opcodes), pickle protocol 2 as written by torch/csrc/jit/serialization.
// Cost: time and memory linear in the bytes read. Threads: one thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "ingest/byte_window.h"
#include "ingest/node_store.h"

namespace unfrag::ingest {

/// What came out of a pickle or JSON text.
struct Parsed {
  Value root;
  /// Empty if the text was whole, else what is wrong with it ("ends early", "unknown opcode 0xf3").
  std::string damage;
  uint64_t offset = 0;  ///< Where it ended or broke.
};

/// Longest string taken from a file; a snapshot's are at most some kilobytes.
inline constexpr uint64_t kLongestText = uint64_t{64} << 20;

/// Runs the pickle that starts at the window's position. `short_cuts`: read usual entries with EventParser; without,
/// opcode by opcode, with the same result, which is what tests are for.
/// Errors: kBadInput, with the offset, for a pickle that wants code run, and for errors of the source.
Result<Parsed> run_pickle(ByteWindow& window, NodeStore& store, bool short_cuts = true);

}  // namespace unfrag::ingest
