#include "rehearsal/null/native_allocator.h"

#include <link.h>
#include <sys/stat.h>

#include <string>
#include <string_view>

#include "rehearsal/null/log.h"
#include "rehearsal/null/stage.h"
#include "rehearsal/null/value_at.h"

namespace unfrag::null {
namespace {

/// libc10_cuda.so as it was loaded; at 0 where it was not.
struct Library {
  uint64_t base = 0;
  std::string path;
};
Library find_library() {
  Library found;
  dl_iterate_phdr(
      [](dl_phdr_info* library, size_t, void* into) {
        constexpr std::string_view kName = "/libc10_cuda.so";
        if (!std::string_view(library->dlpi_name).ends_with(kName)) return 0;
        *static_cast<Library*>(into) = {.base = library->dlpi_addr, .path = library->dlpi_name};
        return 1;
      },
      &found);
  return found;
}

/// A process that the program starts may run another interpreter, with another PyTorch: a kernel, a script of a tool's.
bool is_the_known_one(const Library& library) {
  struct stat file{};
  if (stat(library.path.c_str(), &file) != 0) return true;
  return static_cast<uint64_t>(file.st_size) == stage().allocator_library_size;
}

/// What stands before the first function of a table; a copy has it, too.
uint64_t type_of(uint64_t table) { return value_at<uint64_t>(table - sizeof(uint64_t)); }

}  // namespace

std::optional<NativeAllocator> find_native_allocator(bool says_so) {
  const Stage& s = stage();
  const Library library = s.attach_tracker_at == 0 ? Library{} : find_library();
  if (library.base == 0) return std::nullopt;
  if (!is_the_known_one(library)) {
    if (says_so) log_unanswered("attachAllocatorTraceTracker of " + library.path);
    return std::nullopt;
  }
  const auto object = value_at<uint64_t>(library.base + s.allocator_at);
  if (object == 0) return std::nullopt;
  const uint64_t native = library.base + s.native_table_at + kTableStart;
  if (type_of(value_at<uint64_t>(object)) != type_of(native)) return std::nullopt;
  return NativeAllocator{.base = library.base, .object = object};
}

}  // namespace unfrag::null
