#include "rehearsal/null/status.h"

#include <utility>

namespace unfrag::null {
namespace {

thread_local Status last = kSuccess;

struct Words {
  Status status;
  const char* name;
  const char* text;
};
constexpr Words kWords[] = {
    {kSuccess, "cudaSuccess", "no error"},
    {kInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {kOutOfMemory, "cudaErrorMemoryAllocation", "out of memory"},
    {kInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {kNoKernelImage, "cudaErrorNoKernelImageForDevice", "no kernel image is available for execution on the device"},
    {kInvalidHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {kNotFound, "cudaErrorSymbolNotFound", "named symbol not found"},
    {kPeerAccessAlreadyEnabled, "cudaErrorPeerAccessAlreadyEnabled", "peer access is already enabled"},
    {kHostMemoryAlreadyRegistered, "cudaErrorHostMemoryAlreadyRegistered",
     "part or all of the requested memory range is already mapped"},
    {kHostMemoryNotRegistered, "cudaErrorHostMemoryNotRegistered",
     "pointer does not correspond to a registered memory region"},
    {kNotSupported, "cudaErrorNotSupported", "operation not supported by the rehearsal's null device"},
};
constexpr Words kUnknown = {-1, "cudaErrorUnknown", "unrecognized error code"};

const Words& words_of(Status status) {
  for (const Words& words : kWords) {
    if (words.status == status) return words;
  }
  return kUnknown;
}

}  // namespace

const char* name_of(Status status) { return words_of(status).name; }
const char* text_of(Status status) { return words_of(status).text; }

Status note(Status status) {
  if (status != kSuccess) last = status;
  return status;
}
Status take_last_error() { return std::exchange(last, kSuccess); }
Status last_error() { return last; }

}  // namespace unfrag::null
