// What a PROGRAM on the command line is run as. Threads: safe.
#pragma once

#include <string>
#include <vector>

namespace unfrag::rehearsal {

/// The interpreter where none is named: the active virtual environment's, else python3 on PATH.
std::string default_python();

/// `train.py` and `-m MODULE` are the interpreter's; else what lies beside it, else what PATH has. Requires: a program.
std::vector<std::string> command_for(const std::string& python, std::vector<std::string> program);

/// PYTHONPATH with a folder at its front.
std::string python_path_with(const std::string& folder);

}  // namespace unfrag::rehearsal
