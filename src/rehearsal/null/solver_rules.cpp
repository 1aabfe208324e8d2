// cuSOLVER: routines succeed by name, and say so on the device, where PyTorch looks for it; what they need is asked for
// first, and becomes an allocation of that size.
#include <algorithm>

#include "rehearsal/null/figures.h"
#include "rehearsal/null/tables.h"

namespace unfrag::null {
namespace {

using enum Figure;

// The 64-bit functions lay their buffer out on a boundary of this many bytes.
constexpr uint64_t kMargin = 128;

// How far each product of a batch is from its matrix; the one result of cuSOLVER that goes to the program's memory.
void no_residuals(const Call& call) {
  auto* residuals = call.pointer<double>(19);
  const auto batch = static_cast<int32_t>(call.argument(20));
  if (residuals != nullptr && batch > 0) std::fill_n(residuals, batch, 0.0);
}

constexpr Rule kRules[] = {
    handle("cusolverDnCreate"),
    handle("cusolverDnCreateGesvdjInfo"),
    handle("cusolverDnCreateParams"),
    handle("cusolverDnCreateSyevjInfo"),
    destroy("cusolverDnDestroy"),
    destroy("cusolverDnDestroyGesvdjInfo"),
    destroy("cusolverDnDestroyParams"),
    destroy("cusolverDnDestroySyevjInfo"),
    succeed("cusolverDnSetStream"),
    succeed("cusolverDnXgesvdjSetMaxSweeps"),
    succeed("cusolverDnXgesvdjSetSortEig"),
    succeed("cusolverDnXgesvdjSetTolerance"),
    succeed("cusolverDnXsyevjSetSortEig"),
    // Factors and their use.
    solve("cusolverDn*geqrf", 8),
    int_figure("cusolverDn*geqrf_bufferSize", 5, geqrf_work, kMeasured, {.m = 1, .n = 2}),
    solve("cusolverDn*getrf", 7),
    int_figure("cusolverDn*getrf_bufferSize", 5, getrf_work, kMeasured, {.m = 1, .n = 2}),
    solve("cusolverDn*getrs", 9),
    solve("cusolverDn*orgqr", 9),
    int_figure("cusolverDn*orgqr_bufferSize", 7, orgqr_work, kMeasured, {.m = 1, .n = 2, .k = 3}),
    solve("cusolverDn*ormqr", 13),
    int_figure("cusolverDn*ormqr_bufferSize", 11, ormqr_work, kMeasured, {.m = 3, .n = 4, .k = 5, .side = 1}),
    solve("cusolverDn*potrf", 7),
    solve("cusolverDn*potrfBatched", 5, 6),
    int_figure("cusolverDn*potrf_bufferSize", 5, potrf_work, kMeasured, {.n = 2}),
    solve("cusolverDn*potrs", 8),
    solve("cusolverDn*potrsBatched", 8),
    solve("cusolverDn*sytrf", 8),
    int_figure("cusolverDn*sytrf_bufferSize", 4, sytrf_work, kMeasured, {.n = 1}),
    solve("cusolverDn*ungqr", 9),
    int_figure("cusolverDn*ungqr_bufferSize", 7, orgqr_work, kMeasured, {.m = 1, .n = 2, .k = 3}),
    solve("cusolverDn*unmqr", 13),
    int_figure("cusolverDn*unmqr_bufferSize", 11, ormqr_work, kMeasured, {.m = 3, .n = 4, .k = 5, .side = 1}),
    solve("cusolverDnXgeqrf", 14),
    two_sizes("cusolverDnXgeqrf_bufferSize", 10, geqrf_work, kMargin, kMeasured,
              {.m = 2, .n = 3, .type = 4, .wide = true}),
    solve("cusolverDnXpotrf", 12),
    two_sizes("cusolverDnXpotrf_bufferSize", 8, potrf_work, 0, kMeasured, {.n = 3, .type = 4, .wide = true}),
    solve("cusolverDnXpotrs", 11),
    solve("cusolverDnXsytrs", 15),
    two_sizes("cusolverDnXsytrs_bufferSize", 11, nullptr, 0, kMeasured, {}),
    // Eigenvalues.
    solve("cusolverDn*heevd", 9),
    int_figure("cusolverDn*heevd_bufferSize", 7, syevd_work, kMeasured, {.n = 3}),
    solve("cusolverDn*heevj", 9),
    solve("cusolverDn*heevjBatched", 9, 11),
    int_figure("cusolverDn*heevjBatched_bufferSize", 7, syevj_batched_work, kMeasured, {.n = 3, .batch = 9}),
    int_figure("cusolverDn*heevj_bufferSize", 7, syevj_work, kMeasured, {.n = 3}),
    solve("cusolverDn*syevd", 9),
    int_figure("cusolverDn*syevd_bufferSize", 7, syevd_work, kMeasured, {.n = 3}),
    solve("cusolverDn*syevj", 9),
    solve("cusolverDn*syevjBatched", 9, 11),
    int_figure("cusolverDn*syevjBatched_bufferSize", 7, syevj_batched_work, kMeasured, {.n = 3, .batch = 9}),
    int_figure("cusolverDn*syevj_bufferSize", 7, syevj_work, kMeasured, {.n = 3}),
    solve("cusolverDnXgeev", 21),
    two_sizes("cusolverDnXgeev_bufferSize", 17, geev_work, 0, kEstimated, {.n = 4, .type = 5, .wide = true}),
    solve("cusolverDnXsyevBatched", 15, 16),
    two_sizes("cusolverDnXsyevBatched_bufferSize", 11, syev_batched_work, kMargin, kMeasured,
              {.n = 4, .batch = 13, .type = 5, .wide = true}),
    solve("cusolverDnXsyevd", 15),
    two_sizes("cusolverDnXsyevd_bufferSize", 11, syevd_work, kMargin, kMeasured, {.n = 4, .type = 5, .wide = true}),
    // Singular values.
    solve("cusolverDn*gesvd", 15),
    int_figure("cusolverDn*gesvd_bufferSize", 3, gesvd_work, kMeasured, {.m = 1, .n = 2}),
    {.name = "cusolverDn*gesvdaStridedBatched",
     .effects = {{{.does = Does::kInfo, .at = 18, .from = 20}, {.does = Does::kOther, .at = 19}}},
     .other = no_residuals},
    int_figure("cusolverDn*gesvdaStridedBatched_bufferSize", 16, gesvda_work, kMeasured, {.m = 3, .n = 4, .batch = 17}),
    solve("cusolverDn*gesvdj", 14),
    solve("cusolverDn*gesvdjBatched", 13, 15),
    int_figure("cusolverDn*gesvdjBatched_bufferSize", 11, gesvdj_batched_work, kMeasured,
               {.m = 2, .n = 3, .batch = 13}),
    int_figure("cusolverDn*gesvdj_bufferSize", 12, gesvdj_work, kMeasured, {.m = 3, .n = 4, .economy = 2}),
};

}  // namespace

std::span<const Rule> cusolver_rules() { return kRules; }

}  // namespace unfrag::null
