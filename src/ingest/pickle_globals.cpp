#include "ingest/pickle_globals.h"

#include <algorithm>
#include <array>

namespace unfrag::ingest {
namespace {

struct Entry {
  std::string_view module;
  std::string_view name;
  Global global;
};

// Protocols 0 to 2 spell builtins `__builtin__`.
constexpr std::array kAllowed = {
    Entry{"collections", "OrderedDict", Global::kDict},
    Entry{"collections", "defaultdict", Global::kDict},
    Entry{"builtins", "dict", Global::kDict},
    Entry{"__builtin__", "dict", Global::kDict},
    Entry{"builtins", "list", Global::kSequence},
    Entry{"__builtin__", "list", Global::kSequence},
    Entry{"builtins", "tuple", Global::kSequence},
    Entry{"__builtin__", "tuple", Global::kSequence},
    Entry{"builtins", "set", Global::kSequence},
    Entry{"__builtin__", "set", Global::kSequence},
    Entry{"builtins", "frozenset", Global::kSequence},
    Entry{"__builtin__", "frozenset", Global::kSequence},
    Entry{"torch.jit._pickle", "restore_type_tag", Global::kFirst},
    Entry{"torch.jit._pickle", "build_intlist", Global::kFirst},
    Entry{"torch.jit._pickle", "build_doublelist", Global::kFirst},
    Entry{"torch.jit._pickle", "build_boollist", Global::kFirst},
};

}  // namespace

std::optional<Global> find_global(std::string_view module, std::string_view name) {
  const auto it = std::ranges::find_if(kAllowed, [&](const Entry& e) { return e.module == module && e.name == name; });
  if (it == kAllowed.end()) return std::nullopt;
  return it->global;
}

}  // namespace unfrag::ingest
