// The CUDA driver and cuBLASLt for cuDNN alone, which opens them by name and ends the process where a function is
// missing: every function is there and does nothing, but for those that say that there is no device, and those that
// load a kernel, without which some plans cannot be made. The program's own dlopen and dlsym come before the C
// library's.
//
// So no file stands in for them, no list of all their functions is needed, and a real driver is never touched. One of
// cuDNN's libraries is linked with libcuda.so.1, and is loaded with functions of it still missing, as it calls them
// only to run something; this program has that name (CMakeLists.txt), so that the loader has found it already.
#include <dlfcn.h>

#include <cstring>
#include <initializer_list>

namespace {

constexpr int kNoDevice = 100;  // cudaErrorNoDevice

int do_nothing() { return 0; }
/// Else the CUDA runtime inside cuDNN would go on, and read tables that nobody has filled in.
int refuse() { return kNoDevice; }
/// Writes something that is not null where the first argument says.
int hand_out(void** handle) {
  static char thing;
  *handle = &thing;
  return 0;
}

void* function_named(const char* name) {
  for (const char* const refused : {"cuInit", "cuGetExportTable"}) {
    if (std::strcmp(name, refused) == 0) return reinterpret_cast<void*>(refuse);
  }
  for (const char* const loading : {"cuLibraryLoadData", "cuLibraryGetKernel", "cuLibraryGetModule", "cuModuleLoadData",
                                    "cuModuleLoadDataEx", "cuModuleGetFunction", "cuKernelGetFunction"}) {
    if (std::strcmp(name, loading) == 0) return reinterpret_cast<void*>(hand_out);
  }
  return reinterpret_cast<void*>(do_nothing);
}

/// What dlopen returns for a stand-in.
char stand_in;

bool is_stood_in_for(const char* file) {
  const char* const slash = std::strrchr(file, '/');
  const char* const name = slash == nullptr ? file : slash + 1;
  for (const char* const beginning : {"libcuda.so", "libcublasLt.so", "libnvidia-ml.so"}) {
    if (std::strncmp(name, beginning, std::strlen(beginning)) == 0) return true;
  }
  return false;
}

template <class Function>
Function* of_c_library(const char* name) {
  return reinterpret_cast<Function*>(dlvsym(RTLD_NEXT, name, "GLIBC_2.2.5"));
}

}  // namespace

extern "C" {

[[gnu::visibility("default")]] void* dlsym(void* library, const char* name) {
  static auto* const real = of_c_library<void*(void*, const char*)>("dlsym");
  if (library == &stand_in) return function_named(name);
  return real(library, name);
}

[[gnu::visibility("default")]] void* dlopen(const char* file, int flags) {
  static auto* const real = of_c_library<void*(const char*, int)>("dlopen");
  if (file != nullptr && is_stood_in_for(file)) return &stand_in;
  return real(file, (flags & ~RTLD_NOW) | RTLD_LAZY);
}

[[gnu::visibility("default")]] int dlclose(void* library) {
  static auto* const real = of_c_library<int(void*)>("dlclose");
  return library == &stand_in ? 0 : real(library);
}

}  // extern "C"
