// Python modules that `unfrag` carries in itself, and that recorded programs load. Threads: constant.
#pragma once

#include <string_view>

namespace unfrag::recording {

std::string_view recorder_module();  ///< python/unfrag/_recorder.py
std::string_view program_module();   ///< recorded_program.py
std::string_view site_module();      ///< sitecustomize.py

}  // namespace unfrag::recording
