// A call as a shell would hand it over, for tests: the first six arguments in registers, the rest on the stack.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <vector>

#include "rehearsal/null/rules.h"

namespace unfrag::null {

/// One argument, whatever it is in the program.
struct Argument {
  template <typename T>
  Argument(T* pointer) : raw(reinterpret_cast<uint64_t>(pointer)) {}  // NOLINT(google-explicit-constructor)
  template <typename T>
    requires std::is_integral_v<T>
  Argument(T number) : raw(static_cast<uint64_t>(number)) {}  // NOLINT(google-explicit-constructor)
  Argument(std::nullptr_t) : raw(0) {}                        // NOLINT(google-explicit-constructor)
  uint64_t raw;
};

/// What the function `name` of a library returns.
inline uint64_t call(const char* name, std::initializer_list<Argument> arguments, const char* library = "libx.so.1") {
  std::vector<uint64_t> raw;
  for (const Argument& argument : arguments) raw.push_back(argument.raw);
  raw.resize(32);
  const Entry entry{.name = name, .library = library, .rule = nullptr, .calls = 0};
  return answer({.entry = entry, .registers = raw.data(), .stack = raw.data() + 6});
}

}  // namespace unfrag::null
