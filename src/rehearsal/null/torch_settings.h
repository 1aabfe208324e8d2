// What PyTorch's allocator was told of its settings: by the environment, and by the program while it runs
// (torch.cuda.memory._set_allocator_settings). Threads: safe.
#pragma once

namespace unfrag::null {

/// Writes what it has been told so far into the log; what comes later is written when it comes.
void log_settings();

}  // namespace unfrag::null
