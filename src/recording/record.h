// Runs a program with the recorder in it, to its end.
//
//   private folder: sitecustomize, recorder ─► run with PYTHONPATH ─► each process that uses CUDA writes its own
//
// The program's streams, signals and exit code are its own. Threads: one recording at a time in a process (signals).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "rehearsal/child.h"

namespace unfrag::recording {

struct Request {
  std::string python;
  std::vector<std::string> program;  ///< "train.py" or "-m", "MODULE", or anything to run; then its arguments.
  std::string file;                  ///< Where the first process's recording goes; others' names follow from it.
  uint64_t max_entries = 100'000;
};

enum class Moment : uint8_t { kOom, kEnd, kPoke };

struct File {
  Moment moment = Moment::kEnd;
  std::string path;
};

/// A process that imported torch, as it says itself.
struct Process {
  uint32_t number = 0;
  bool used_cuda = false;
  std::vector<File> files{};
  std::vector<std::string> notes{};     ///< What a reader of the files has to know.
  std::vector<std::string> failures{};  ///< Why a file is missing.
};

struct Recorded {
  rehearsal::Ending ending;
  bool loaded = false;  ///< Some Python took the recorder up.
  std::vector<Process> processes{};
};

/// A program that fails or is killed is no error. Errors: kMissing without the program, kOutput.
Result<Recorded> record(const Request& request);

}  // namespace unfrag::recording
