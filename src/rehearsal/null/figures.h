// The models behind the sizes that rules write: how much workspace a routine asks for, from the shape of its problem.
//
// Each is the library's own answer where that is known without a device (Figure::kMeasured), else an order of
// magnitude (kEstimated). Those of cuSOLVER are in elements, as it counts them. What it is not: the memory of inputs
// and outputs; the program allocates that itself.
//
// Source: cuSOLVER's *_bufferSize of CUDA 12.4, 12.6, 12.8, 13.0 and 13.2, asked for a few thousand shapes.
// Threads: functions of values.
#pragma once

#include <cstdint>

#include "rehearsal/null/rule.h"

namespace unfrag::null {

uint64_t geqrf_work(const Shape& shape);
uint64_t orgqr_work(const Shape& shape);
uint64_t ormqr_work(const Shape& shape);
uint64_t getrf_work(const Shape& shape);
uint64_t potrf_work(const Shape& shape);
uint64_t sytrf_work(const Shape& shape);
uint64_t syevd_work(const Shape& shape);
uint64_t syev_batched_work(const Shape& shape);
uint64_t syevj_work(const Shape& shape);
uint64_t syevj_batched_work(const Shape& shape);
uint64_t geev_work(const Shape& shape);
uint64_t gesvd_work(const Shape& shape);
uint64_t gesvdj_work(const Shape& shape);
uint64_t gesvdj_batched_work(const Shape& shape);
uint64_t gesvda_work(const Shape& shape);

/// In bytes, from what the descriptors of the operands say.
uint64_t sparse_vector_work(const Shape& shape);
uint64_t sparse_solve_work(const Shape& shape);
uint64_t sparse_product_rows_work(const Shape& shape);
uint64_t sparse_product_work(const Shape& shape);
uint64_t sparse_sort_work(const Shape& shape);
uint64_t sparse_sum_work(const Shape& shape);
uint64_t sparse_sum_entries(const Shape& shape);
uint64_t block_solve_work(const Shape& shape);

/// In bytes.
uint64_t fourier_work(const Shape& shape);

/// Versions of the libraries, in the form of each.
uint64_t nvrtc_major(const Shape& shape);
uint64_t nvrtc_minor(const Shape& shape);
uint64_t nccl_version(const Shape& shape);
uint64_t cupti_version(const Shape& shape);

}  // namespace unfrag::null
