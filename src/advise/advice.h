// Which allocator settings would have helped a recorded program: values only, for any report.
//
// Every candidate is replayed with the recorded requests on the same device; candidates that come to the same are
// folded. What is recommended has to help by more than a whim of this recording. Threads: safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "advise/drawbacks.h"
#include "analyze/explanation.h"
#include "base/result.h"
#include "replay/what_if.h"

namespace unfrag::advise {

/// A setting is worth recommending from this share of the recorded peak saved on, where no failure is at stake.
inline constexpr int kWorthPercent = 5;
/// Candidates closer than this in reserved memory count as equal: then the simpler is better.
inline constexpr int kEqualPercent = 2;

struct Candidate {
  alloc::Settings settings;
  std::string conf;  ///< Ready to paste: with the keys in force that do not place blocks.
  replay::Outcome outcome;
  bool depends_on_addresses = false;
  uint64_t most_ooms = 0;    ///< Whatever the order of addresses.
  uint64_t served = 0;       ///< Of the requests that fail under what is in force,
  bool serves_last = false;  ///< ... whether the last of them is among these.
  /// What the process may have beyond what is active when it serves one of those, else at the peak.
  std::optional<Bytes> left{};
  /// About the least memory that serves every request, the context not counted: it does, and a little less does not.
  std::optional<Bytes> needs{};
  double device_calls_ms = 0;  ///< See device_cost.h.
  std::vector<Drawback> drawbacks{};
  std::optional<size_t> same_as{};  ///< An earlier candidate with the same outcome.
};

enum class NoAdvice : uint8_t {
  kNone,      ///< There is a recommendation.
  kCapacity,  ///< The device is full: the last failed request's verdict.
  kAsGood,    ///< No candidate is better than what is in force by enough.
};

struct Advice {
  replay::ReadOptions read;  ///< As given.
  replay::Recorded recorded;
  replay::Conditions conditions;      ///< Of the candidates, but for the settings.
  std::vector<Candidate> candidates;  ///< The first is what is in force; the rest ranked, folded ones last.
  std::optional<size_t> recommended{};
  NoAdvice why_none = NoAdvice::kNone;
};

struct AdviseOptions {
  replay::ReadOptions read;
  std::function<void(size_t done, size_t of)> progress{};  ///< May be empty.
};

/// `findings`: of that device. Errors: those of replay::read_recording.
Result<Advice> advise(const trace::Trace& trace, const trace::Device& device, const analyze::DeviceFindings& findings,
                      const AdviseOptions& options);

}  // namespace unfrag::advise
