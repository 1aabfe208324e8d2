// A library for tests of python_frames.h: any Python program can call it as a C function that makes an entry.
#include "rehearsal/null/log.h"
#include "rehearsal/null/python_frames.h"

extern "C" [[gnu::visibility("default")]] void unfrag_entry(uint64_t size) {
  using namespace unfrag;
  null::log_record({.kind = allocation_log::Kind::kEvent, .size = size, .stack = null::current_stack()});
}
