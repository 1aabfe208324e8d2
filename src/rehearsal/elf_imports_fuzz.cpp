// Any bytes as a shared library: no crash, no hang, and no more text than twice the file.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "rehearsal/elf_imports.h"
#include "rehearsal/elf_symbols.h"

namespace unfrag::rehearsal {
namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void check_file(const std::string& path, size_t size) {
  const auto imports = read_imports(path);
  require(imports.ok() || (imports.error().where == path && !imports.error().what.empty()), "an error says where");
  if (imports) {
    size_t text = imports->soname.size();
    for (const std::string& name : imports->needed) text += name.size();
    for (const std::string& name : imports->defined) text += name.size();
    for (const ElfImport& import : imports->imports) {
      text += import.name.size() + import.version.size() + import.file.size();
    }
    require(text <= 2 * size, "names take no more than twice the file");
  }
  const auto functions = find_symbols(path, "_Z");
  if (!functions) return;
  for (const ElfSymbol& function : *functions) require(function.name.starts_with("_Z"), "what is found was sought");
}

}  // namespace
}  // namespace unfrag::rehearsal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int file = memfd_create("library", MFD_CLOEXEC);
  if (file < 0) return 0;
  if (write(file, data, size) == static_cast<ssize_t>(size)) {
    unfrag::rehearsal::check_file("/proc/self/fd/" + std::to_string(file), size);
  }
  close(file);
  return 0;
}
