// The rules of each library, a table a library; rules.cpp looks names up in them.
#pragma once

#include <span>

#include "rehearsal/null/rule.h"

namespace unfrag::null {

std::span<const Rule> cublas_rules();
std::span<const Rule> cudnn_rules();
std::span<const Rule> cusolver_rules();
std::span<const Rule> cusparse_rules();
std::span<const Rule> cusparselt_rules();
std::span<const Rule> cufft_rules();
std::span<const Rule> cupti_rules();
std::span<const Rule> nvrtc_rules();
std::span<const Rule> nccl_rules();
std::span<const Rule> nvshmem_rules();
std::span<const Rule> cufile_rules();

}  // namespace unfrag::null
