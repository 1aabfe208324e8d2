// Workspaces that no library tells without a device, and versions.
#include "rehearsal/null/figures.h"

#include <algorithm>
#include <bit>

namespace unfrag::null {
namespace {

// A transform whose length has no factor above this is done in place of its factors; others go through a convolution
// (Bluestein) of a power of two that holds the length twice. Source: cuFFT's manual.
constexpr uint64_t kLargestFactor = 127;

bool has_large_factor(uint64_t length) {
  for (uint64_t factor = 2; factor <= kLargestFactor && length > 1; ++factor) {
    while (length % factor == 0) length /= factor;
  }
  return length > 1;
}

}  // namespace

// The complex data once: 80 bytes a row and column for 100 x 100k complex<float>, 262,144 for 4 x 64 x 64
// complex<double> (arrayfire #1443, CuPy's PlanCache). Newer releases need nothing for some short lengths.
uint64_t fourier_work(const Shape& shape) {
  if (shape.lengths == nullptr || shape.rank == 0 || shape.rank > 3) return 0;
  uint64_t elements = shape.batch;
  uint64_t stretch = 1;
  for (uint64_t i = 0; i < shape.rank; ++i) {
    const auto length = static_cast<uint64_t>(std::max<int64_t>(shape.lengths[i], 1));
    // Of a real signal half of the last dimension is kept.
    elements *= shape.real && i + 1 == shape.rank ? length / 2 + 1 : length;
    // The dimensions are done one after the other, so the longest convolution decides.
    if (has_large_factor(length)) stretch = std::max(stretch, 2 * std::bit_ceil(2 * length) / length);
  }
  elements *= stretch;
  return elements * shape.element;
}

// What a product with a dense operand needs is small: positions where its blocks of rows begin.
uint64_t sparse_vector_work(const Shape& shape) { return 4 * (shape.m + 1); }

// Solving reorders the entries by level: a copy of the pattern, and of the right-hand sides where there are several.
uint64_t sparse_solve_work(const Shape& shape) {
  return 12 * shape.nnz + 16 * shape.m + (shape.n > 1 ? shape.element * shape.m * shape.n : 0);
}

uint64_t sparse_product_rows_work(const Shape& shape) { return 8 * (shape.m + 1); }

// As if each entry of the left operand met one row of average length of the right: the true number is in the data.
uint64_t sparse_product_work(const Shape& shape) {
  const uint64_t met = shape.k == 0 ? 0 : shape.nnz * shape.other_nnz / shape.k;
  return (4 + shape.element) * std::max(met, shape.nnz + shape.other_nnz);
}

// Two keys and a position for each entry, and a second set to sort into.
uint64_t sparse_sort_work(const Shape& shape) { return 24 * shape.nnz; }

uint64_t sparse_sum_work(const Shape& shape) { return 4 * (shape.m + 1); }

// At most; as many as there are when no two entries meet.
uint64_t sparse_sum_entries(const Shape& shape) { return shape.nnz + shape.other_nnz; }

uint64_t block_solve_work(const Shape& shape) { return 16 * shape.m + 4 * shape.nnz; }

uint64_t nvrtc_major(const Shape& shape) { return static_cast<uint64_t>(shape.version / 1000); }

uint64_t nvrtc_minor(const Shape& shape) { return static_cast<uint64_t>(shape.version % 1000 / 10); }

// The release that PyTorch's wheels of that CUDA name: 2.6.0, 2.9.1, 2.15.0.
uint64_t nccl_version(const Shape& shape) {
  if (shape.version >= 13000) return 23007;
  return shape.version >= 12080 ? 22705 : 22105;
}

// 22 for 12.4, 26 for 12.8; from 13 on written like the runtime's, with two more zeros for the patch.
uint64_t cupti_version(const Shape& shape) {
  const auto version = static_cast<uint64_t>(shape.version);
  return version >= 13000 ? version * 10 : 18 + version % 1000 / 10;
}

}  // namespace unfrag::null
