// cuSOLVER's workspaces. The formulas were fitted to what the library answers; those said to be exact are so for every
// shape tried, up to a rounding of 32 elements, the others are within the share given.
#include <algorithm>

#include "rehearsal/null/figures.h"

namespace unfrag::null {
namespace {

constexpr uint64_t round_up(uint64_t value, uint64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// The routines were rewritten with CUDA 12.8; before, they work in half as wide blocks.
bool wide_blocks(const Shape& shape) { return shape.version >= 12080; }

// Columns that geqrf takes at a time. The last step makes the least workspace of a float QR 192 MiB.
uint64_t panel(const Shape& shape) {
  if (shape.version >= 13020) return 4096;
  return wide_blocks(shape) ? 512 : 256;
}

uint64_t ormqr(const Shape& shape, bool right, uint64_t m, uint64_t n, uint64_t k) {
  const uint64_t reflectors = std::max(m, n) * k + k * k;
  if (right) return reflectors + (wide_blocks(shape) ? 257 * m + 65816 : 129 * m + n + 16528);
  return reflectors + (wide_blocks(shape) ? 256 * m + 513 * n + 65816 : m + 129 * n + 16528);
}

uint64_t geqrf(const Shape& shape, uint64_t n) {
  const uint64_t width = panel(shape);
  return 2 * width * (std::max(n, width / 2) + width);
}

}  // namespace

uint64_t geqrf_work(const Shape& shape) { return geqrf(shape, shape.n); }  // Exact.

uint64_t orgqr_work(const Shape& shape) {  // Exact.
  const uint64_t block = std::min<uint64_t>(shape.k, 128);
  return shape.m * block + std::max<uint64_t>(2 * block * shape.n + 16640, 33024);
}

uint64_t ormqr_work(const Shape& shape) { return ormqr(shape, shape.right, shape.m, shape.n, shape.k); }  // Exact.

// Within a fifth for square matrices, else to the order of some kilobytes. Large complex<double> matrices are copied.
uint64_t getrf_work(const Shape& shape) {
  if (shape.element == 16) return shape.n < 6500 ? shape.n + 4520 : shape.m * shape.n + shape.n + 4520;
  const uint64_t least = std::min(shape.m, shape.n);
  const uint64_t pivots = least <= 512 ? 16 * round_up(least, 32) : 12 * least;
  const uint64_t tall = shape.m >= 2000 ? 9000 * shape.element : 0;
  const uint64_t large = least > 2048 ? 10 * least + least * least / 256 : 0;
  return (128 + std::max(pivots + tall, large)) / shape.element;
}

uint64_t potrf_work(const Shape& shape) {  // Exact.
  if (shape.element == 16) return 40;
  const uint64_t tiles = round_up(shape.n, 32) / 32;
  return (round_up(4 * tiles * tiles, 32) + 128) / shape.element;
}

uint64_t sytrf_work(const Shape& shape) {  // Exact.
  const uint64_t work = (shape.n < 4096 ? 64 : 128) * shape.n + 64;
  if (!wide_blocks(shape)) return work;
  const uint64_t least_bytes = shape.element == 4 ? 98432 : shape.element == 8 ? 106624 : 137856;
  return std::max(work, least_bytes / shape.element);
}

uint64_t syevd_work(const Shape& shape) {  // Exact; with and without vectors alike.
  const uint64_t n = shape.n;
  if (wide_blocks(shape)) return std::max(3 * n * n + 768 * n + 65603, 4 * n * n + 127 * n + 32963);
  const uint64_t large = shape.version >= 12060 ? 4 * n * n + 127 * n + 32963 : 3 * n * n + 129 * n + 16577;
  return std::max(n * n + 260 * n + 32929, large);
}

// Exact. From 13.2 on all but the first matrix of a batch do without a part.
uint64_t syev_batched_work(const Shape& shape) {
  const uint64_t first = syevd_work(shape);
  if (shape.version < 13020) return shape.batch * first;
  if (shape.batch == 0) return 0;
  const uint64_t n = shape.n;
  return first + (shape.batch - 1) * std::max(n * n + 770 * n + 65603, 4 * n * n - n + 16520);
}

uint64_t syevj_work(const Shape& shape) {  // Within 4 % up to n = 3000.
  const uint64_t n = shape.n;
  return n <= 32 ? n * n + n + 2053 : n * n + 36 * n + 900;
}

uint64_t syevj_batched_work(const Shape& shape) {  // Exact.
  const uint64_t n = shape.n;
  return shape.batch * (n * n + 2 * n + 1 + 32 * round_up(n, 32)) + 1028;
}

// It asks the device, so its answer is not known: two matrices and a panel.
uint64_t geev_work(const Shape& shape) { return 2 * shape.n * shape.n + 64 * shape.n; }

uint64_t gesvd_work(const Shape& shape) {  // Exact for square matrices from n = 300, within a tenth for others.
  const uint64_t m = shape.m;
  const uint64_t n = shape.n;
  if (m != n) {
    const uint64_t direct = 3 * m * n + 3 * n * n + (wide_blocks(shape) ? 256 * m + 70000 : 128 * m + 20000);
    const uint64_t factors = geqrf(shape, n) + (panel(shape) == 4096 ? 2 : 3) * m * n + n * n;
    return std::max(direct, factors + 33000);
  }
  if (wide_blocks(shape)) return 3 * n * n + 260 * n + 65888;
  return std::max(n * n + 33000, 3 * n * n + 133 * n + 16600);
}

uint64_t gesvdj_work(const Shape& shape) {  // Exact for tall matrices, within a fifth for square ones.
  const uint64_t most = std::max(shape.m, shape.n);
  const uint64_t least = std::min(shape.m, shape.n);
  if (most == least) return least <= 32 ? 2 * least * least + 3136 : 2 * least * least + 70 * least + 1500;
  const uint64_t copy = shape.m < shape.n ? shape.m * shape.n : 0;
  return std::max(geqrf(shape, least), ormqr(shape, false, most, shape.economy ? least : most, least)) + least + 64 +
         copy;
}

uint64_t gesvdj_batched_work(const Shape&) { return 992; }  // Exact: matrices of up to 32 x 32 stay on the chip.

// In bytes, then elements, since it works in double whatever it is given: float matrices are copied. Within a
// tenth for tall matrices, a third for square ones.
uint64_t gesvda_work(const Shape& shape) {
  constexpr uint64_t kOnce = 8000;
  const uint64_t n = shape.n;
  const uint64_t copy = 8 * shape.m * n;
  const bool single = shape.element == (shape.complex ? 8 : 4);
  uint64_t bytes = 0;
  if (wide_blocks(shape)) {
    bytes = copy + (n <= 32 ? 680 * n + 4300 : 32 * n * n + 6170 * n + 516700);
    if (single) bytes = std::max(bytes, 2 * copy + 8 * n * n + 24 * n);
  } else {
    bytes = (single ? copy : 0) + 49 * n * n / 2 + 150 * n + 9000;
  }
  return (shape.batch * bytes + kOnce) * (shape.complex ? 2 : 1) / shape.element;
}

}  // namespace unfrag::null
