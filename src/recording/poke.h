// Asking a program that is being recorded for a snapshot now, through a socket of its own.
//
// The sockets lie in a folder of the user's, which nobody else may enter: in XDG_RUNTIME_DIR, else in TMPDIR or /tmp.
// Each is called after the command and the process: record-COMMAND-PROCESS.sock. Both ends look who the other is.
// Threads: safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace unfrag::recording {

/// Makes the folder where it is missing; nothing where it cannot be had or is somebody else's.
std::optional<std::string> make_socket_folder();

/// Removes what is left of a command's sockets.
void remove_sockets(uint32_t command);

/// Has the process `number`, or all processes of that `unfrag record`, write a snapshot now; returns the files.
/// Errors: kMissing where nothing is recorded under that number or it does not answer, kOutput where it cannot write.
Result<std::vector<std::string>> poke(uint32_t number);

}  // namespace unfrag::recording
