// What `unfrag diff` says in words, the same in text, markdown and JSON. Threads: pure functions.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "analyze/diff.h"
#include "analyze/gate.h"

namespace unfrag::report {

/// "+43.50 MiB", "-512 B", "0 B"; "+3" of a count.
std::string signed_amount(int64_t amount, bool is_size);
/// "+20.9 %" of `from`, "> 99999 %"; empty where that is 0.
std::string signed_percent(int64_t change, uint64_t from);
/// "1.50 GiB" or "1,234"; "n/a" where it is unknown.
std::string metric_text(const analyze::Metrics& metrics, analyze::Metric metric);
/// The name by which a gate calls it: "peak_reserved".
std::string_view metric_label(analyze::Metric metric);
/// The file of a side, in a sentence.
std::string side_name(const analyze::DiffSide& side);

/// How a name from a file is set off in a sentence.
using Quote = std::function<std::string(const std::string&)>;

/// A holder by its place in B; where B has none by that in A, and says so.
std::string holder_name(const analyze::Diff& diff, const analyze::HolderChange& change);
/// Its line in A, where that is another: "line 38 in A". Files of other names are in the notes.
std::string moved_from(const analyze::Diff& diff, const analyze::HolderChange& change);

/// What changed, most important first, in a sentence or two.
std::string diff_headline(const analyze::Diff& diff, const Quote& quote);
/// "1.51 GiB are more than the 997.50 MiB allowed".
std::string gate_reason(const analyze::GateOutcome& outcome);
/// How the figures are to be read, a sentence or two each.
std::vector<std::string> diff_notes(const analyze::Diff& diff, const Quote& quote);
/// Of both sides, each with its letter.
std::vector<std::string> diff_warnings(const analyze::Diff& diff);

}  // namespace unfrag::report
