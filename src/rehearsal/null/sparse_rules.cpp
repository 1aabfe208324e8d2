// cuSPARSE and cuSPARSELt. Descriptors remember what they were created with, so that sizes can be asked of them; no
// size is known without a device, so all are estimates.
#include <cstring>

#include "rehearsal/null/carry_out.h"
#include "rehearsal/null/figures.h"
#include "rehearsal/null/tables.h"

namespace unfrag::null {
namespace {

using enum Figure;

constexpr Rule kSparseRules[] = {
    handle("cusparseCreate"),
    handle("cusparseCreateBsrsm2Info"),
    handle("cusparseCreateBsrsv2Info"),
    handle("cusparseCreateCoo"),
    handle("cusparseCreateCsr"),
    handle("cusparseCreateDnMat"),
    handle("cusparseCreateDnVec"),
    handle("cusparseCreateMatDescr"),
    handle("cusparseSpGEMM_createDescr"),
    handle("cusparseSpSM_createDescr"),
    handle("cusparseSpSV_createDescr"),
    destroy("cusparseDestroy"),
    destroy("cusparseDestroyBsrsm2Info"),
    destroy("cusparseDestroyBsrsv2Info"),
    destroy("cusparseDestroyDnMat"),
    destroy("cusparseDestroyDnVec"),
    destroy("cusparseDestroyMatDescr"),
    destroy("cusparseDestroySpMat"),
    destroy("cusparseSpGEMM_destroyDescr"),
    destroy("cusparseSpSM_destroyDescr"),
    destroy("cusparseSpSV_destroyDescr"),
    succeed("cusparseCsrSetPointers"),
    succeed("cusparseCsrSetStridedBatch"),
    succeed("cusparseDnMatSetStridedBatch"),
    succeed("cusparseSetMatDiagType"),
    succeed("cusparseSetMatFillMode"),
    succeed("cusparseSetMatIndexBase"),
    succeed("cusparseSetMatType"),
    succeed("cusparseSetPointerMode"),
    succeed("cusparseSetStream"),
    succeed("cusparseSpMatSetAttribute"),
    returns_text("cusparseGetErrorString", "not answered by the null device"),
    // Rows, columns and entries as they were given; a product, whose entries are counted by running it, has none.
    {.name = "cusparseSpMatGetSize",
     .effects = {{{.does = Does::kKeptSize, .at = 1, .from = 1},
                  {.does = Does::kKeptSize, .at = 2, .from = 2},
                  {.does = Does::kKeptSize, .at = 3, .from = 3}}}},
    // Products and solutions of whole matrices.
    succeed("cusparseSDDMM"),
    size_figure("cusparseSDDMM_bufferSize", 10, sparse_vector_work, kEstimated, {.sparse = 7}),
    succeed("cusparseSDDMM_preprocess"),
    size_figure("cusparseSpGEMM_compute", 11, sparse_product_work, kEstimated, {.sparse = 4, .other_sparse = 5}),
    succeed("cusparseSpGEMM_copy"),
    size_figure("cusparseSpGEMM_workEstimation", 11, sparse_product_rows_work, kEstimated, {.sparse = 4}),
    succeed("cusparseSpMM"),
    size_figure("cusparseSpMM_bufferSize", 10, sparse_vector_work, kEstimated, {.sparse = 4}),
    succeed("cusparseSpMV"),
    size_figure("cusparseSpMV_bufferSize", 9, sparse_vector_work, kEstimated, {.sparse = 3}),
    succeed("cusparseSpSM_analysis"),
    size_figure("cusparseSpSM_bufferSize", 10, sparse_solve_work, kEstimated, {.type = 7, .sparse = 4, .dense = 5}),
    succeed("cusparseSpSM_solve"),
    succeed("cusparseSpSV_analysis"),
    size_figure("cusparseSpSV_bufferSize", 9, sparse_solve_work, kEstimated, {.sparse = 3}),
    succeed("cusparseSpSV_solve"),
    // Blocks.
    succeed("cusparse*bsrmm"),
    succeed("cusparse*bsrmv"),
    succeed("cusparse*bsrsm2_analysis"),
    int_figure("cusparse*bsrsm2_bufferSize", 13, block_solve_work, kEstimated, {.m = 4, .nnz = 6}),
    succeed("cusparse*bsrsm2_solve"),
    succeed("cusparse*bsrsv2_analysis"),
    int_figure("cusparse*bsrsv2_bufferSize", 11, block_solve_work, kEstimated, {.m = 3, .nnz = 4}),
    succeed("cusparse*bsrsv2_solve"),
    writes("cusparseXbsrsm2_zeroPivot", Does::kInt, 2, ~uint64_t{0}),  // -1: none.
    writes("cusparseXbsrsv2_zeroPivot", Does::kInt, 2, ~uint64_t{0}),
    // Sums and order.
    succeed("cusparse*csrgeam2"),
    size_figure("cusparse*csrgeam2_bufferSizeExt", 19, sparse_sum_work, kEstimated, {.m = 1}),
    int_figure("cusparseXcsrgeam2Nnz", 13, sparse_sum_entries, kEstimated, {.nnz = 4, .other_nnz = 8}),
    succeed("cusparseCreateIdentityPermutation"),
    succeed("cusparseXcoo2csr"),
    succeed("cusparseXcoosortByRow"),
    size_figure("cusparseXcoosort_bufferSizeExt", 6, sparse_sort_work, kEstimated, {.nnz = 3}),
    succeed("cusparseXcsrsort"),
    size_figure("cusparseXcsrsort_bufferSizeExt", 6, sparse_sort_work, kEstimated, {.nnz = 3}),
};

// Descriptors of cuSPARSELt are the program's own memory, 512 bytes and more of it, so what is asked later is kept
// there.
struct Descriptor {
  uint64_t rows;
  uint64_t columns;
  uint64_t element;
};

void describe(const Call& call) {
  const Descriptor descriptor{.rows = call.argument(2),
                              .columns = call.argument(3),
                              .element = bytes_of_type(static_cast<uint32_t>(call.argument(6)))};
  auto* memory = call.pointer<void>(1);
  if (memory != nullptr) std::memcpy(memory, &descriptor, sizeof descriptor);
}

void store(uint64_t address, uint64_t size) {
  if (address != 0) std::memcpy(to_pointer<void>(address), &size, sizeof size);
}

// Half of the entries and two bits for each of them: 9/16 of 16-bit elements, 10/16 of others. What the compression
// itself needs is not known; as much as a transposed copy of the metadata.
void compressed_size(const Call& call) {
  Descriptor descriptor{};
  const auto* memory = call.pointer<const void>(1);
  if (memory != nullptr) std::memcpy(&descriptor, memory, sizeof descriptor);
  const uint64_t bytes = descriptor.rows * descriptor.columns * descriptor.element;
  store(call.argument(2), bytes * (descriptor.element == 2 ? 9 : 10) / 16);
  store(call.argument(3), bytes / 16);
}

constexpr Rule kStructuredRules[] = {
    succeed("cusparseLtInit"),
    other("cusparseLtDenseDescriptorInit", 1, describe),
    other("cusparseLtStructuredDescriptorInit", 1, describe),
    succeed("cusparseLtMatDescriptorDestroy"),
    succeed("cusparseLtMatmul"),
    {.name = "cusparseLtMatmulAlgGetAttribute", .effects = {{{.does = Does::kZeros, .at = 3, .from = 4}}}},
    succeed("cusparseLtMatmulAlgSelectionInit"),
    succeed("cusparseLtMatmulAlgSetAttribute"),
    succeed("cusparseLtMatmulDescSetAttribute"),
    succeed("cusparseLtMatmulDescriptorInit"),
    {.name = "cusparseLtMatmulGetWorkspace",
     .effects = {{{.does = Does::kSize, .at = 2, .constant = 0}}},
     .figure = kConstant},
    succeed("cusparseLtMatmulPlanDestroy"),
    succeed("cusparseLtMatmulPlanInit"),
    succeed("cusparseLtMatmulSearch"),
    succeed("cusparseLtSpMMACompress2"),
    {.name = "cusparseLtSpMMACompressedSize2",
     .effects = {{{.does = Does::kOther, .at = 2}}},
     .figure = kEstimated,
     .other = compressed_size},
};

}  // namespace

std::span<const Rule> cusparse_rules() { return kSparseRules; }

std::span<const Rule> cusparselt_rules() { return kStructuredRules; }

}  // namespace unfrag::null
