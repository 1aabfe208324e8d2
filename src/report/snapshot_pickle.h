// A Trace as the pickle of the dict that torch.cuda.memory._snapshot() returns, for PyTorch's own memory_viz and for
// whatever else reads snapshots, unfrag too: reading what this wrote gives an equal Trace.
//
// Keys, their order and their types are those of the release that wrote the recording (Trace::dialect); a key that came
// with a later release, or any where the release is unknown, is written only where the Trace has something to say in
// it. Equal frames, stacks and strings are one object each, as in PyTorch's files. What a Trace does not keep cannot
// come back: warnings, whether the file was cut, keys nobody knows, cpp_frames, texts of settings beyond 4 KiB; nor can
// text that is not UTF-8.
//
// It does not write a tree of objects first: memory is the result's, and a number a string, frame and stack.
// Source: PyTorch torch/csrc/cuda/Module.cpp, memorySnapshot. Threads: pure function.
#pragma once

#include <string>

#include "trace/trace.h"

namespace unfrag::report {

std::string snapshot_pickle(const trace::Trace& trace);

}  // namespace unfrag::report
