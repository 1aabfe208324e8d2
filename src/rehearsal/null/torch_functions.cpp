#include "rehearsal/null/torch_functions.h"

#include <dlfcn.h>
#include <link.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace unfrag::null {
namespace {

/// Where the libraries of torch were loaded from.
std::vector<std::string> libraries_of_torch() {
  std::vector<std::string> found;
  dl_iterate_phdr(
      [](dl_phdr_info* library, size_t, void* paths) {
        const std::string path = library->dlpi_name;
        const bool of_torch = path.find("/libtorch") != std::string::npos || path.find("/libc10") != std::string::npos;
        if (of_torch) static_cast<std::vector<std::string>*>(paths)->push_back(path);
        return 0;
      },
      &found);
  return found;
}

}  // namespace

// The libraries depend on us, too: what is found may be ours.
void* find_in_torch(const char* name, const void* ours) {
  for (const std::string& path : libraries_of_torch()) {
    void* const library = dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    void* const function = library == nullptr ? nullptr : dlsym(library, name);
    if (function != nullptr && function != ours) return function;
  }
  std::abort();
}

}  // namespace unfrag::null
