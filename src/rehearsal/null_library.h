// Files that `unfrag` carries in itself, so that nothing has to be installed beside it: the null device's own library
// (null/), and the program that asks the real cuDNN (dnn_server/).
#pragma once

#include <string_view>

namespace unfrag::rehearsal {

inline constexpr std::string_view kNullLibraryName = "libunfrag-null.so";
inline constexpr std::string_view kDispatcher = "unfrag_null_dispatch";

// The bytes of each.
std::string_view null_library();
std::string_view dnn_server();

}  // namespace unfrag::rehearsal
