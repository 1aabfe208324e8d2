// Error numbers of the CUDA runtime and driver that the null device answers with; both count them the same way.
//
// Own words for NVIDIA's numbers; tests/test_null_headers.py compares them with the header packages.
#pragma once

namespace unfrag::null {

using Status = int;  ///< cudaError_t and CUresult.

inline constexpr Status kSuccess = 0;
inline constexpr Status kInvalidValue = 1;
inline constexpr Status kOutOfMemory = 2;  ///< cudaErrorMemoryAllocation.
inline constexpr Status kInvalidDevice = 101;
inline constexpr Status kNoKernelImage = 209;  ///< cudaErrorNoKernelImageForDevice.
inline constexpr Status kInvalidHandle = 400;  ///< cudaErrorInvalidResourceHandle.
inline constexpr Status kNotFound = 500;       ///< cudaErrorSymbolNotFound.
inline constexpr Status kPeerAccessAlreadyEnabled = 704;
inline constexpr Status kHostMemoryAlreadyRegistered = 712;
inline constexpr Status kHostMemoryNotRegistered = 713;
inline constexpr Status kNotSupported = 801;

/// All of them.
inline constexpr Status kStatuses[] = {kSuccess,
                                       kInvalidValue,
                                       kOutOfMemory,
                                       kInvalidDevice,
                                       kNoKernelImage,
                                       kInvalidHandle,
                                       kNotFound,
                                       kPeerAccessAlreadyEnabled,
                                       kHostMemoryAlreadyRegistered,
                                       kHostMemoryNotRegistered,
                                       kNotSupported};

/// "cudaErrorMemoryAllocation" and "out of memory"; "unrecognized error code" for numbers that nobody answers with.
const char* name_of(Status status);
const char* text_of(Status status);

/// The status a function of the runtime returns: what is not kSuccess is this thread's last error.
Status note(Status status);
/// This thread's last error, and forgets it.
Status take_last_error();
Status last_error();

}  // namespace unfrag::null
