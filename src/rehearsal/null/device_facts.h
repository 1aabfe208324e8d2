// What a device says of itself: properties and attributes, both from one table of facts.
//
// cudaDeviceProp has about 90 fields at places that differ between CUDA 12 and 13; those that no row names are 0.
// Source: NVIDIA's header packages for 12.4, 12.8 and 13.5, with which tests/test_null_headers.py compares the places.
// Threads: safe.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rehearsal/null/stage.h"

namespace unfrag::null {

inline constexpr size_t kPropertiesSize12 = 1032;
inline constexpr size_t kPropertiesSize13 = 1008;
inline constexpr size_t kNoPlace = SIZE_MAX;

struct Fact {
  const char* name;  ///< The field's, for the comparison with the headers.
  int attribute;     ///< cudaDeviceAttr and CUdevice_attribute; 0: none.
  size_t place12;    ///< Offset in cudaDeviceProp; kNoPlace: none.
  size_t place13;
  size_t width;  ///< Of the field, in bytes.
  int64_t (*value)(const Stage&, int device);
};

/// Every row, for tests.
const Fact* facts_begin();
const Fact* facts_end();

/// Fills cudaDeviceProp of the major version of CUDA that the stage has.
void fill_properties(void* properties, const Stage& stage, int device);
/// 0 for an attribute that no row names, which is what a device without the feature answers.
int64_t attribute_value(int attribute, const Stage& stage, int device);
/// Bus number of a device: they lie on one board, on busses of their own.
int pci_bus(int device);

}  // namespace unfrag::null
