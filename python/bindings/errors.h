// Errors of the core as Python's exceptions: see unfrag/errors.py.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace unfrag::bindings {

/// Thrown to the translator alone.
struct Failure {
  Error error;
  std::string file;
};

template <class T>
T value_of(Result<T> result, const std::string& file = {}) {
  if (!result) throw Failure{result.error(), file};
  return std::move(*result);
}

void register_errors();

}  // namespace unfrag::bindings
