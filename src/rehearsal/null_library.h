// The null device's own library (null/), which `unfrag` carries in itself: nothing has to be installed beside it.
#pragma once

#include <string_view>

namespace unfrag::rehearsal {

inline constexpr std::string_view kNullLibraryName = "libunfrag-null.so";
inline constexpr std::string_view kDispatcher = "unfrag_null_dispatch";

/// The bytes of the file.
std::string_view null_library();

}  // namespace unfrag::rehearsal
