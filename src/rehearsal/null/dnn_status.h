// What cuDNN's functions return. Own words for NVIDIA's numbers.
#pragma once

namespace unfrag::null {

using DnnStatus = int;  ///< cudnnStatus_t.

inline constexpr DnnStatus kDnnSuccess = 0;
inline constexpr DnnStatus kDnnBadParameter = 2000;
inline constexpr DnnStatus kDnnNotSupported = 3000;

const char* dnn_text_of(DnnStatus status);

}  // namespace unfrag::null
