// A graph of operations from its description (dnn_protocol.h), as objects of the library. Threads: one.
#pragma once

#include <string_view>
#include <vector>

#include "rehearsal/dnn_server/library.h"

namespace unfrag::dnn_server {

/// All objects of it, the graph itself last; none where the description is not whole or the library refuses it.
std::vector<Object> build_graph(const Library& library, std::string_view description);

}  // namespace unfrag::dnn_server
