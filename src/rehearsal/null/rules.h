#pragma once
#include <cstdint>
#include <string_view>
#include "rehearsal/null/entry.h"
namespace unfrag::null {
struct Call { const Entry& entry; const uint64_t* registers; const uint64_t* stack; };
struct Rule { int x; };
inline const Rule* find_rule(std::string_view, std::string_view n) { static Rule r; if (n.starts_with("cublas")||n.starts_with("cupti")) return &r; return nullptr; }
inline uint64_t answer(const Rule&, const Call&) { return 0; }
inline uint64_t not_supported(std::string_view) { return 801; }
}
