// cuBLAS and cuBLASLt: handles, modes and the choice of an algorithm. What computes succeeds by rule (rules.h).
//
// Every handle is a new one: PyTorch keeps a workspace for each handle and stream, and the autograd thread has its own.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "rehearsal/null/api.h"
#include "rehearsal/null/entered.h"
#include "rehearsal/null/stage.h"

namespace unfrag::null {
namespace {

using Entered = EnteredIn<Family::kMath>;

constexpr int kBlasSuccess = 0;  // cublasStatus_t
constexpr int kBlasInvalidValue = 7;

struct Handle {
  void* stream = nullptr;
  int math_mode = 0;
  int pointer_mode = 0;
};

Handle* shared_handle() {
  static auto* const handle = new Handle;
  return handle;
}
Handle& handle(void* opaque) { return *static_cast<Handle*>(opaque); }

/// cublasLtMatmulHeuristicResult_t. Every algorithm is number 0 and asks for no workspace of its own: PyTorch allocates
/// what it would offer whatever is asked.
struct HeuristicResult {
  std::array<uint64_t, 8> algorithm;
  size_t workspace;
  int state;
  float waves;
  std::array<int, 4> reserved;
};
static_assert(sizeof(HeuristicResult) == 96);

/// Descriptors, layouts and preferences: PyTorch keeps them by address and sets attributes that nobody reads.
int create_opaque(void** object) {
  *object = new std::array<uint64_t, 32>{};
  return kBlasSuccess;
}
int destroy_opaque(void* object) {
  delete static_cast<std::array<uint64_t, 32>*>(object);
  return kBlasSuccess;
}

}  // namespace
}  // namespace unfrag::null

using namespace unfrag::null;

UNFRAG_NULL_API int cublasCreate_v2(void** result) {
  const Entered entered;
  *result = stage().one_blas_handle ? shared_handle() : new Handle;
  return kBlasSuccess;
}
UNFRAG_NULL_API int cublasDestroy_v2(void* opaque) {
  const Entered entered;
  if (opaque != shared_handle()) delete static_cast<Handle*>(opaque);
  return kBlasSuccess;
}
UNFRAG_NULL_API int cublasSetStream_v2(void* opaque, void* stream) {
  const Entered entered;
  handle(opaque).stream = stream;
  return kBlasSuccess;
}
UNFRAG_NULL_API int cublasGetStream_v2(void* opaque, void** stream) {
  const Entered entered;
  *stream = handle(opaque).stream;
  return kBlasSuccess;
}
UNFRAG_NULL_API int cublasSetWorkspace_v2(void*, void*, size_t) { return Entered(), kBlasSuccess; }
UNFRAG_NULL_API int cublasSetSmCountTarget(void*, int) { return Entered(), kBlasSuccess; }
UNFRAG_NULL_API int cublasSetMathMode(void* opaque, int mode) {
  const Entered entered;
  handle(opaque).math_mode = mode;
  return kBlasSuccess;
}
UNFRAG_NULL_API int cublasGetMathMode(void* opaque, int* mode) {
  const Entered entered;
  *mode = handle(opaque).math_mode;
  return kBlasSuccess;
}
UNFRAG_NULL_API int cublasSetPointerMode_v2(void* opaque, int mode) {
  const Entered entered;
  handle(opaque).pointer_mode = mode;
  return kBlasSuccess;
}
UNFRAG_NULL_API int cublasGetPointerMode_v2(void* opaque, int* mode) {
  const Entered entered;
  *mode = handle(opaque).pointer_mode;
  return kBlasSuccess;
}
UNFRAG_NULL_API int cublasGetVersion_v2(void*, int* version) {
  const Entered entered;
  *version = stage().cuda_version * 10;
  return kBlasSuccess;
}

UNFRAG_NULL_API size_t cublasLtGetVersion() { return Entered(), static_cast<size_t>(stage().cuda_version) * 10; }
UNFRAG_NULL_API int cublasLtCreate(void** result) { return Entered(), cublasCreate_v2(result); }
UNFRAG_NULL_API int cublasLtDestroy(void* opaque) { return Entered(), cublasDestroy_v2(opaque); }
UNFRAG_NULL_API int cublasLtMatmulDescCreate(void** object, int, int) { return Entered(), create_opaque(object); }
UNFRAG_NULL_API int cublasLtMatmulDescDestroy(void* object) { return Entered(), destroy_opaque(object); }
UNFRAG_NULL_API int cublasLtMatmulDescSetAttribute(void*, int, const void*, size_t) { return Entered(), kBlasSuccess; }
UNFRAG_NULL_API int cublasLtMatrixLayoutCreate(void** object, int, uint64_t, uint64_t, int64_t) {
  const Entered entered;
  return create_opaque(object);
}
UNFRAG_NULL_API int cublasLtMatrixLayoutDestroy(void* object) { return Entered(), destroy_opaque(object); }
UNFRAG_NULL_API int cublasLtMatrixLayoutSetAttribute(void*, int, const void*, size_t) {
  return Entered(), kBlasSuccess;
}
UNFRAG_NULL_API int cublasLtMatmulPreferenceCreate(void** object) { return Entered(), create_opaque(object); }
UNFRAG_NULL_API int cublasLtMatmulPreferenceDestroy(void* object) { return Entered(), destroy_opaque(object); }
UNFRAG_NULL_API int cublasLtMatmulPreferenceSetAttribute(void*, int, const void*, size_t) {
  return Entered(), kBlasSuccess;
}
UNFRAG_NULL_API int cublasLtMatmulAlgoGetHeuristic(void*, void*, void*, void*, void*, void*, void*, int room,
                                                   void* results, int* found) {
  const Entered entered;
  if (room < 1) return kBlasInvalidValue;
  HeuristicResult first{};
  first.state = kBlasSuccess;
  first.waves = 1;
  std::memcpy(results, &first, sizeof first);
  *found = 1;
  return kBlasSuccess;
}
UNFRAG_NULL_API int cublasLtMatmulAlgoCheck(void*, void*, void*, void*, void*, void*, void*, void* result) {
  const Entered entered;
  HeuristicResult checked{};
  checked.waves = 1;
  std::memcpy(result, &checked, sizeof checked);
  return kBlasSuccess;
}
UNFRAG_NULL_API int cublasLtMatmulAlgoInit(void*, int, int, int, int, int, int, int, void* algorithm) {
  const Entered entered;
  std::memset(algorithm, 0, sizeof(HeuristicResult::algorithm));
  return kBlasSuccess;
}
UNFRAG_NULL_API int cublasLtMatmulAlgoConfigSetAttribute(void*, int, const void*, size_t) {
  return Entered(), kBlasSuccess;
}
UNFRAG_NULL_API int cublasLtMatmulAlgoConfigGetAttribute(void*, int, void* value, size_t size, size_t* written) {
  const Entered entered;
  std::memset(value, 0, size);
  if (written != nullptr) *written = size;
  return kBlasSuccess;
}
UNFRAG_NULL_API int cublasLtMatmul(void*, void*, const void*, const void*, void*, const void*, void*, const void*,
                                   const void*, void*, void*, void*, void*, void*, size_t, void*) {
  const Entered entered;
  return kBlasSuccess;
}
