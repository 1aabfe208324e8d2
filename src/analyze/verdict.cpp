#include "analyze/verdict.h"

namespace unfrag::analyze {

std::string_view verdict_name(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kLimit: return "limit";
    case VerdictKind::kOutside: return "outside";
    case VerdictKind::kGrowth: return "growth";
    case VerdictKind::kCapacity: return "capacity";
    case VerdictKind::kStranded: return "stranded";
    case VerdictKind::kFragmentation: return "fragmentation";
    case VerdictKind::kCache: return "cache";
    case VerdictKind::kHealthy: return "healthy";
    case VerdictKind::kUndecided: break;
  }
  return "undecided";
}

}  // namespace unfrag::analyze
