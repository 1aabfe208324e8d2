// What PyTorch is about when it asks for memory or reads it, as far as that decides how unknown memory reads: of what
// type the elements are, and whether they say that a solver failed. Threads: each has its own answers.
#pragma once

#include "rehearsal/null/unknown_values.h"

namespace unfrag::null {

/// The type of the tensor that the calling thread is making; kNone where it asks for memory for something else.
ElementType element_type_asked_for();
/// The tensor is not made after all: there is no memory for it.
void forget_element_type();

/// Whether the calling thread reads now if a solver failed, which PyTorch has computed from what the solver said: no
/// solver fails that does not run. True once a question.
bool take_solver_question();

}  // namespace unfrag::null
