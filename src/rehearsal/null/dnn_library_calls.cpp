// cuDNN: its handle, what it says of itself and of errors.
#include "rehearsal/null/api.h"
#include "rehearsal/null/dnn_calls.h"
#include "rehearsal/null/entered.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kMath>;

struct DnnHandle {
  void* stream = nullptr;
};

}  // namespace

const char* dnn_text_of(DnnStatus status) {
  switch (status) {
    case kDnnSuccess: return "CUDNN_STATUS_SUCCESS";
    case kDnnBadParameter: return "CUDNN_STATUS_BAD_PARAM";
    case kDnnNotSupported: return "CUDNN_STATUS_NOT_SUPPORTED (by the rehearsal's null device)";
    default: return "CUDNN_STATUS: an error that the null device does not answer with";
  }
}

}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API DnnStatus cudnnCreate(void** handle) {
  const Entered entered;
  *handle = new DnnHandle;
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnDestroy(void* handle) {
  const Entered entered;
  delete static_cast<DnnHandle*>(handle);
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnSetStream(void* handle, void* stream) {
  const Entered entered;
  static_cast<DnnHandle*>(handle)->stream = stream;
  return kDnnSuccess;
}
UNFRAG_NULL_API DnnStatus cudnnGetStream(void* handle, void** stream) {
  const Entered entered;
  *stream = static_cast<const DnnHandle*>(handle)->stream;
  return kDnnSuccess;
}

/// 90100 for 9.1.0, and 8902 for 8.9.2.
UNFRAG_NULL_API size_t cudnnGetVersion() {
  const Entered entered;
  const int major = stage().dnn_major * (stage().dnn_major < 9 ? 1000 : 10000);
  return static_cast<size_t>(major + stage().dnn_minor * 100 + stage().dnn_patch);
}
UNFRAG_NULL_API size_t cudnnGetCudartVersion() { return Entered(), static_cast<size_t>(stage().cuda_version); }
/// libraryPropertyType: 0, 1 and 2 are major, minor and patch.
UNFRAG_NULL_API DnnStatus cudnnGetProperty(int property, int* value) {
  const Entered entered;
  const int parts[] = {stage().dnn_major, stage().dnn_minor, stage().dnn_patch};
  if (property < 0 || property > 2) return kDnnBadParameter;
  *value = parts[property];
  return kDnnSuccess;
}
UNFRAG_NULL_API const char* cudnnGetErrorString(DnnStatus status) { return Entered(), dnn_text_of(status); }
UNFRAG_NULL_API void cudnnGetLastErrorString(char* message, size_t room) {
  const Entered entered;
  if (message != nullptr && room > 0) *message = '\0';
}
