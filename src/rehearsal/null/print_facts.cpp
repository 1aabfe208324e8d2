// Prints what the null device takes for facts of CUDA's headers, for tests/test_null_headers.py. Not part of the
// library.
#include <cstdio>
#include <string>

#include "rehearsal/null/device_facts.h"
#include "rehearsal/null/status.h"

namespace unfrag::null {
namespace {

std::string place(size_t offset) { return offset == kNoPlace ? "-" : std::to_string(offset); }

void print_all() {
  std::printf("size 12 %zu\nsize 13 %zu\n", kPropertiesSize12, kPropertiesSize13);
  for (const Fact* fact = facts_begin(); fact != facts_end(); ++fact) {
    std::printf("fact %s %d %s %s %zu\n", fact->name == nullptr ? "-" : fact->name, fact->attribute,
                place(fact->place12).c_str(), place(fact->place13).c_str(), fact->width);
  }
  for (const Status status : kStatuses) std::printf("status %d %s\n", status, name_of(status));
}

}  // namespace
}  // namespace unfrag::null

int main() { unfrag::null::print_all(); }
