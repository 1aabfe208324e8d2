// What cuDNN's exported functions share. Threads: safe.
#pragma once

#include <cstddef>

#include "rehearsal/null/dnn_status.h"
#include "rehearsal/null/dnn_tensor.h"
#include "rehearsal/null/log.h"
#include "rehearsal/null/stage.h"
#include "rehearsal/null/workspaces.h"

namespace unfrag::null {

inline DnnChip dnn_chip() {
  return {.compute_major = stage().major,
          .multiprocessors = stage().multiprocessors,
          .threads_per_multiprocessor = stage().threads_per_multiprocessor};
}

/// A size by a rule of thumb, which is counted.
inline DnnStatus answer_modelled(size_t* result, uint64_t bytes) {
  if (result == nullptr) return kDnnBadParameter;
  *result = bytes;
  count(counters().modelled);
  expect_workspace(bytes);
  return kDnnSuccess;
}

/// The shape behind a cudnnTensorDescriptor_t or a cudnnFilterDescriptor_t; an empty one for null.
inline const DnnTensor& dnn_tensor(const void* descriptor) {
  static const DnnTensor nothing;
  return descriptor == nullptr ? nothing : *static_cast<const DnnTensor*>(descriptor);
}

}  // namespace unfrag::null
