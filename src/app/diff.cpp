#include "app/diff.h"

#include <algorithm>
#include <string>
#include <utility>

#include "analyze/diff_side.h"

namespace unfrag::app {
namespace {

std::string name_of(const std::string& path) { return path == "-" ? "standard input" : path; }

Error nothing_in(const analyze::Explanation& e) {
  return {ErrorKind::kBadInput, name_of(e.path), "there is nothing to compare: no segments and no trace of a GPU",
          "unfrag explain, which says why"};
}

}  // namespace

bool Comparison::all_gates_hold() const { return std::ranges::all_of(gates, &analyze::GateOutcome::holds); }

Result<Comparison> diff(analyze::Explanation a, analyze::Explanation b, const std::vector<analyze::Gate>& gates) {
  for (const analyze::Explanation* e : {&a, &b}) {
    if (e->devices.empty()) return nothing_in(*e);
  }
  std::vector<analyze::GateOutcome> outcomes;
  outcomes.reserve(gates.size());
  analyze::Diff found = analyze::compare(analyze::side_of(a), analyze::side_of(b));
  for (const analyze::Gate& gate : gates) {
    auto outcome = analyze::check_gate(gate, found.a.metrics, found.b.metrics);
    if (!outcome) {
      Error error = outcome.error();
      error.where = name_of(error.where == "A" ? a.path : b.path);
      return error;
    }
    outcomes.push_back(std::move(*outcome));
  }
  return Comparison{std::move(a), std::move(b), std::move(found), std::move(outcomes)};
}

}  // namespace unfrag::app
