// The constructors a pickle may name: each builds plain data from plain data, and we build it, not Python.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace unfrag::ingest {

enum class Global : uint8_t {
  kDict,      ///< collections.OrderedDict, defaultdict, dict: with no arguments an empty dict
  kSequence,  ///< list, tuple, set, frozenset: of their one argument, or empty
  kFirst,     ///< torch.jit._pickle's type tags and typed lists: their first argument
};

/// What `module`.`name` builds, or nothing if it is not on the list.
std::optional<Global> find_global(std::string_view module, std::string_view name);

}  // namespace unfrag::ingest
