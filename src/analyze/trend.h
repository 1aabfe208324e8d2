// Whether a series of figures, one an iteration, rises like a leak: to the end, and not like a buffer that fills, a
// list that is cleared now and then, or chance. Pure functions of small series; at most a few hundred points.
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace unfrag::analyze {

/// Whether rises at these points (ascending, each once, none at point 0) come all the time: at about equal distances,
/// from the start, or at least from the first half on, to the end. With few points: at every one.
/// `fewest`: how many rises there must be at least.
bool keeps_coming(std::span<const uint32_t> rises, size_t points, size_t fewest);

/// Whether the rises begin where the recording does, so that they do not tell of a second half only.
bool comes_from_the_start(std::span<const uint32_t> rises, size_t points);

/// Whether `held` goes up as `kept`, the part of it that stays, does, to the end: a full buffer that replaces what it
/// has does not. `rises`: where `kept` rises.
bool rises_with(std::span<const double> held, std::span<const double> kept, std::span<const uint32_t> rises);

/// The deepest fall from an earlier height.
double deepest_fall(std::span<const double> values);

/// Units a point, by least squares. Requires: two values or more.
double slope_of(std::span<const double> values);

/// How sure it is that values rise rather than change by chance: 1 - p of the one-sided Mann-Kendall test, 0 to 1.
double confidence_of_rise(std::span<const double> values);

}  // namespace unfrag::analyze
