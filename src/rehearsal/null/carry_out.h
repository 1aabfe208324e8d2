// Carries a rule out: writes what it says where it says, and returns what the function returns.
//
// A null pointer is passed over, as the libraries do with outputs that are not wanted. Exactly the width of the
// parameter is written. What it is not: a check that pointers are valid; a program that passes others has a bug.
// Threads: any.
#pragma once

#include <cstdint>
#include <string_view>

#include "rehearsal/null/rule.h"

namespace unfrag::null {

uint64_t carry_out(const Rule& rule, const Call& call);

/// The problem that a call of `function` describes, as far as the rule says where.
Shape shape_of(const Rule& rule, const Call& call);

/// Bytes of one element of a cudaDataType; 4 for what is not a number of the libraries here.
uint64_t bytes_of_type(uint64_t type);

}  // namespace unfrag::null
