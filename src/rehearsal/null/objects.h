// Handles: small objects that a program holds and gives back, and that remember the arguments they were created with.
//
// Every living handle is another address of readable memory, because programs key tables by handles and look inside
// none. Memory of an ended object is reused and never returned, so that a handle given back twice, or used afterwards,
// is recognised instead of followed. What it is not: reference counting, or anything a library keeps in its objects.
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rehearsal/null/rules.h"

namespace unfrag::null {

struct Object;

/// A new object that remembers the arguments of the call.
Object* create_object(const Call& call);
/// A new object that remembers what `like` does; null where `like` is no living object.
Object* copy_object(const Object* like);
/// Ends the object at an address; false, and nothing done, if it is none.
bool destroy_object(uint64_t address);

/// Argument `index` of the call that created the object at an address; 0 if it is none.
/// Requires: `address` is null or readable.
uint64_t kept(uint64_t address, size_t index);

/// A number that none had before, from 1: handles that are integers.
uint64_t new_number();

}  // namespace unfrag::null
