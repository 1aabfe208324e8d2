// cuBLAS: everything computes on the device, so nearly everything succeeds by name. Names are spelt out one routine a
// line, not as "cublas*_v2": a getter that nobody thought of must not succeed without having written.
#include <cstring>

#include "rehearsal/null/tables.h"

namespace unfrag::null {
namespace {

// Copies from the device to the program's own memory: zeros there, since nothing was computed.
void get_vector(const Call& call) {
  const auto count = static_cast<int32_t>(call.argument(0));
  const auto bytes = static_cast<int32_t>(call.argument(1));
  const auto step = static_cast<int32_t>(call.argument(5));
  auto* host = call.pointer<char>(4);
  for (int64_t i = 0; host != nullptr && bytes > 0 && i < count; ++i) {
    std::memset(host + i * step * bytes, 0, static_cast<size_t>(bytes));
  }
}

void get_matrix(const Call& call) {
  const auto rows = static_cast<int32_t>(call.argument(0));
  const auto columns = static_cast<int32_t>(call.argument(1));
  const auto bytes = static_cast<int32_t>(call.argument(2));
  const auto leading = static_cast<int32_t>(call.argument(6));
  auto* host = call.pointer<char>(5);
  for (int64_t i = 0; host != nullptr && rows > 0 && bytes > 0 && i < columns; ++i) {
    std::memset(host + i * leading * bytes, 0, static_cast<size_t>(rows) * static_cast<size_t>(bytes));
  }
}

constexpr Rule kRules[] = {
    // Vectors.
    succeed("cublas*axpy_v2"),
    succeed("cublas*copy_v2"),
    succeed("cublas*rot_v2"),
    succeed("cublas*rotm_v2"),
    succeed("cublas*scal_v2"),
    succeed("cublas*swap_v2"),
    // These return a number through a pointer that is the device's or the program's, as the handle's pointer mode says.
    // It is not written: PyTorch asks for it on the device; who asks for it on the host reads what was there.
    succeed("cublas*asum_v2"),
    succeed("cublas*dot_v2"),
    succeed("cublas*dotc_v2"),
    succeed("cublas*dotu_v2"),
    succeed("cublas*nrm2_v2"),
    succeed("cublas*rotg_v2"),
    succeed("cublas*rotmg_v2"),
    succeed("cublasDotEx"),
    succeed("cublasI*amax_v2"),
    succeed("cublasI*amin_v2"),
    // Matrix and vector.
    succeed("cublas*gemv_v2"),
    succeed("cublas*ger_v2"),
    succeed("cublas*gerc_v2"),
    succeed("cublas*geru_v2"),
    succeed("cublas*hemv_v2"),
    succeed("cublas*her2_v2"),
    succeed("cublas*her_v2"),
    succeed("cublas*symv_v2"),
    succeed("cublas*syr2_v2"),
    succeed("cublas*syr_v2"),
    succeed("cublas*trmv_v2"),
    succeed("cublas*trsv_v2"),
    // Matrices.
    succeed("cublas*gemmBatched"),
    succeed("cublas*gemmStridedBatched"),
    succeed("cublas*gemm_v2"),
    succeed("cublas*hemm_v2"),
    succeed("cublas*her2k_v2"),
    succeed("cublas*herk_v2"),
    succeed("cublas*symm_v2"),
    succeed("cublas*syr2k_v2"),
    succeed("cublas*syrk_v2"),
    succeed("cublas*trmm_v2"),
    succeed("cublas*trsmBatched"),
    succeed("cublas*trsm_v2"),
    succeed("cublasGemmEx"),
    succeed("cublasGemmStridedBatchedEx"),
    succeed("cublasSgemmEx"),
    // Batches that are solved: the first complaint about an argument goes to the program, the rest to the device.
    solve("cublas*getrfBatched", 5, 6),
    {.name = "cublas*gelsBatched",
     .effects = {{{.does = Does::kInt, .at = 9}, {.does = Does::kInfo, .at = 10, .from = 11}}}},
    writes("cublas*geqrfBatched", Does::kInt, 6, 0),
    writes("cublas*getrsBatched", Does::kInt, 9, 0),
    // Copies.
    other("cublasGetMatrixAsync", 5, get_matrix),
    other("cublasGetVectorAsync", 4, get_vector),
    succeed("cublasSetMatrixAsync"),
    succeed("cublasSetVectorAsync"),
    succeed("cublasSetSmCountTarget"),
};

}  // namespace

std::span<const Rule> cublas_rules() { return kRules; }

}  // namespace unfrag::null
