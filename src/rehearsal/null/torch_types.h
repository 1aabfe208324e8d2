// Of what type the elements of memory are that PyTorch asks for. Threads: each has its own answer.
#pragma once

#include "rehearsal/null/unknown_values.h"

namespace unfrag::null {

/// The type of the tensor that the calling thread is making; kNone where it asks for memory for something else.
ElementType element_type_asked_for();
/// The tensor is not made after all: there is no memory for it.
void forget_element_type();

}  // namespace unfrag::null
