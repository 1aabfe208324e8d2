// A graph of operations as the packet that asks cuDNN about it (dnn_protocol.h). Threads: pure functions.
#pragma once

#include <string>

#include "rehearsal/dnn_protocol.h"
#include "rehearsal/null/dnn_backend.h"

namespace unfrag::null {

/// All but handles and addresses, which mean nothing elsewhere: the same graph gives the same packet.
std::string question_of(const dnn_protocol::Question& question, const BackendObject& graph);

}  // namespace unfrag::null
