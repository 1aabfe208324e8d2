// How a function of the null device is made visible to the program: everything else in the library is hidden.
#pragma once

#define UNFRAG_NULL_API extern "C" __attribute__((visibility("default")))
