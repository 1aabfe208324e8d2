// What `unfrag record` came to: values only, filled in by app::record. Threads: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyze/explanation.h"

namespace unfrag::report {

/// A file that was written, and what it shows.
struct RecordedFile {
  enum Moment : uint8_t { kOom, kEnd, kPoke };
  Moment moment = kEnd;
  std::string path;
};

struct Recorded {
  std::string program;
  int exit_code = 0;                   ///< The program's, as a shell has it.
  bool loaded = false;                 ///< Some Python took the recorder up.
  bool used_cuda = false;              ///< Some process did.
  std::vector<RecordedFile> files{};   ///< In the order in which they matter: out of memory first.
  std::vector<std::string> notes{};    ///< What a reader of the files has to know, clauses.
  std::vector<std::string> missing{};  ///< What should be in a file and is not, clauses.
  bool failed = false;                 ///< ... because of us or of PyTorch, not of how the program ended.
  std::optional<analyze::Explanation> explanation{};  ///< Of the first file.
};

}  // namespace unfrag::report
