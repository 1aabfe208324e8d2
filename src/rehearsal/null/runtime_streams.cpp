// The CUDA runtime, streams and events: everything is done at once, so that nothing ever waits.
//
// Capturing a graph is not supported: a stream never captures.
#include <cstdint>

#include "rehearsal/null/api.h"
#include "rehearsal/null/entered.h"
#include "rehearsal/null/status.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kRuntime>;

/// What a handle points to; only that it is not another's counts.
struct Stream {
  int priority = 0;
};
struct Event {
  bool recorded = false;
};

/// Time between any two events. A constant, so that choices that a program makes by timing are always the same.
constexpr float kElapsedMilliseconds = 1.0F;

Status create_stream(void** handle, int priority) {
  *handle = new Stream{.priority = priority};
  return kSuccess;
}

/// 0, 1 and 2 stand for the default stream, the legacy one and the thread's own.
bool is_created(const void* stream) { return reinterpret_cast<uintptr_t>(stream) > 2; }

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API Status cudaStreamCreate(void** stream) { return Entered(), create_stream(stream, 0); }
UNFRAG_NULL_API Status cudaStreamCreateWithFlags(void** stream, unsigned) {
  return Entered(), create_stream(stream, 0);
}
UNFRAG_NULL_API Status cudaStreamCreateWithPriority(void** stream, unsigned, int priority) {
  const Entered entered;
  return create_stream(stream, priority);
}
UNFRAG_NULL_API Status cudaStreamDestroy(void* stream) {
  const Entered entered;
  if (is_created(stream)) delete static_cast<Stream*>(stream);
  return kSuccess;
}
UNFRAG_NULL_API Status cudaStreamGetPriority(void* stream, int* priority) {
  const Entered entered;
  *priority = is_created(stream) ? static_cast<const Stream*>(stream)->priority : 0;
  return kSuccess;
}
UNFRAG_NULL_API Status cudaStreamQuery(void*) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cudaStreamSynchronize(void*) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cudaStreamWaitEvent(void*, void*, unsigned) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cudaLaunchHostFunc(void*, void (*function)(void*), void* data) {
  Entered();  // the program's time is not ours
  function(data);
  return kSuccess;
}
UNFRAG_NULL_API Status cudaStreamAddCallback(void* stream, void (*function)(void*, Status, void*), void* data,
                                             unsigned) {
  Entered();
  function(stream, kSuccess, data);
  return kSuccess;
}

UNFRAG_NULL_API Status cudaStreamIsCapturing(void*, int* status) {
  *status = 0;
  return kSuccess;
}
// The name before CUDA 13 and that from it on; what follows the id is not written where nothing captures.
UNFRAG_NULL_API Status cudaStreamGetCaptureInfo(void*, int* status, unsigned long long* id) {
  *status = 0;
  if (id != nullptr) *id = 0;
  return kSuccess;
}
UNFRAG_NULL_API Status cudaStreamGetCaptureInfo_v2(void* stream, int* status, unsigned long long* id) {
  return cudaStreamGetCaptureInfo(stream, status, id);
}
UNFRAG_NULL_API Status cudaThreadExchangeStreamCaptureMode(int* mode) {
  thread_local int current = 0;  // cudaStreamCaptureModeGlobal
  const int before = current;
  current = *mode;
  *mode = before;
  return kSuccess;
}

UNFRAG_NULL_API Status cudaEventCreate(void** event) {
  const Entered entered;
  *event = new Event;
  return kSuccess;
}
UNFRAG_NULL_API Status cudaEventCreateWithFlags(void** event, unsigned) { return Entered(), cudaEventCreate(event); }
UNFRAG_NULL_API Status cudaEventDestroy(void* event) {
  const Entered entered;
  delete static_cast<Event*>(event);
  return kSuccess;
}
UNFRAG_NULL_API Status cudaEventRecord(void* event, void*) {
  const Entered entered;
  if (event == nullptr) return note(kInvalidHandle);
  static_cast<Event*>(event)->recorded = true;
  return kSuccess;
}
UNFRAG_NULL_API Status cudaEventRecordWithFlags(void* event, void* stream, unsigned) {
  const Entered entered;
  return cudaEventRecord(event, stream);
}
UNFRAG_NULL_API Status cudaEventQuery(void*) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cudaEventSynchronize(void*) { return Entered(), kSuccess; }
UNFRAG_NULL_API Status cudaEventElapsedTime(float* milliseconds, void* start, void* end) {
  const Entered entered;
  const auto is_recorded = [](const void* event) {
    return event != nullptr && static_cast<const Event*>(event)->recorded;
  };
  if (!is_recorded(start) || !is_recorded(end)) return note(kInvalidHandle);
  *milliseconds = kElapsedMilliseconds;
  return kSuccess;
}
