#include "recording/cuda_driver.h"

#include <fmt/format.h>

#include <cstdio>
#include <string_view>

#include "base/os.h"
#include "rehearsal/child.h"

namespace unfrag::recording {
namespace {

/// In a process of its own, as CUDA that was initialised is lost to forked children; behind a mark, as what starts with
/// the interpreter may print too.
constexpr const char* kAsk =
    "import ctypes\n"
    "try: driver = ctypes.CDLL('libcuda.so.1')\n"
    "except OSError: print('\\nunfrag: cuda:-1 0')\n"
    "else:\n"
    "  count = ctypes.c_int()\n"
    "  code = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))\n"
    "  print('\\nunfrag: cuda:%d %d' % (code, count.value))\n";
constexpr std::string_view kMark = "\nunfrag: cuda:";
constexpr int kNoDevice = 100;  // CUDA_ERROR_NO_DEVICE
constexpr const char* kInstead = "unfrag rehearse PROGRAM, which needs no GPU";

Error missing(std::string what) { return {ErrorKind::kMissing, "", std::move(what), kInstead}; }

}  // namespace

Result<bool> check_cuda_driver(const std::string& python) {
  const auto said = rehearsal::output_of({python, "-c", kAsk});
  const size_t mark = said ? said->rfind(kMark) : std::string::npos;
  int code = 0;
  int count = 0;
  if (mark == std::string::npos || std::sscanf(said->c_str() + mark + kMark.size(), "%d %d", &code, &count) != 2) {
    return missing(fmt::format("the interpreter {} cannot look for NVIDIA's driver", python));
  }
  if (code == -1) return missing("NVIDIA's driver is not installed (libcuda.so.1 cannot be loaded)");
  if (code != 0 && code != kNoDevice)
    return missing(fmt::format("NVIDIA's driver does not start (CUDA error {})", code));
  if (code == 0 && count > 0) return true;
  const auto visible = os::environment("CUDA_VISIBLE_DEVICES");
  return missing(visible ? fmt::format("no GPU is to be seen: CUDA_VISIBLE_DEVICES is \"{}\"", *visible)
                         : std::string("NVIDIA's driver finds no GPU that this process may use"));
}

}  // namespace unfrag::recording
