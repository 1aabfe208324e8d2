#include "rehearsal/dnn_server/library.h"

#include <dlfcn.h>

namespace unfrag::dnn_server {
namespace {

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace

Library load_library(const std::string& folder) {
  void* const file = dlopen((folder + "/libcudnn_graph.so.9").c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (file == nullptr) return Library{.fault = dlerror()};
  Library library;
  const bool all =
      find(file, "cudnnBackendCreateDescriptor", library.create) &&
      find(file, "cudnnBackendDestroyDescriptor", library.destroy) &&
      find(file, "cudnnBackendSetAttribute", library.set) && find(file, "cudnnBackendGetAttribute", library.get) &&
      find(file, "cudnnBackendFinalize", library.finalize) && find(file, "cudnnGetVersion", library.version);
  return all ? library : Library{.fault = dlerror()};
}

}  // namespace unfrag::dnn_server
