#include "report/advice_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/names.h"
#include "report/page.h"
#include "report/replay_text.h"

namespace unfrag::report {
namespace {

using advise::Advice;
using advise::Candidate;
using analyze::DeviceFindings;
using analyze::Explanation;

constexpr size_t kMostHolders = 3;

// "the request that failed", "2 of the 3 requests that failed"
std::string requests_served(const Candidate& c, uint64_t failed) {
  if (c.served < failed) return fmt::format("{} of the {} requests that failed", c.served, failed);
  return failed == 1 ? "the request that failed" : fmt::format("the {} requests that failed", failed);
}

// "; 2 other requests fail instead"
std::string newly_failing(const Candidate& c, uint64_t failed) {
  const uint64_t others = c.outcome.statistics.num_ooms + c.served - failed;
  if (others == 0) return "";
  return fmt::format("; {} {} instead", plural(others, "other request"), others == 1 ? "fails" : "fail");
}

std::string left_over(const Candidate& c) {
  if (!c.left) return "";
  return fmt::format("; without a single hole {} would then be left", format_bytes(*c.left));
}

std::string peak_against(const Candidate& c, const Candidate& in_force) {
  const Bytes now = c.outcome.statistics.reserved.peak;
  const Bytes before = in_force.outcome.statistics.reserved.peak;
  if (now == before) return fmt::format("{} reserved at the peak, as much as before", format_bytes(now));
  const bool less = now < before;
  return fmt::format("{} reserved at the peak, {} {}", format_bytes(now),
                     format_bytes(less ? before - now : now - before), less ? "less" : "more");
}

std::string why_recommended(const Advice& advice) {
  const Candidate& best = advice.candidates[*advice.recommended];
  const Candidate& in_force = advice.candidates.front();
  const uint64_t failed = in_force.outcome.statistics.num_ooms;
  if (failed == 0) {
    return fmt::format("{} {} memory: {}.", settings_prose(best.conf), best.conf.empty() ? "save" : "saves",
                       peak_against(best, in_force));
  }
  return fmt::format("{} {} {}{}: {}{}.", settings_prose(best.conf), best.conf.empty() ? "serve" : "serves",
                     requests_served(best, failed), newly_failing(best, failed), peak_against(best, in_force),
                     left_over(best));
}

// Under a full device: settings that by replay get past the request, and by how little.
std::string of_full_device(const Explanation& e, const Advice& advice) {
  const auto& evidence = e.devices[e.chosen].verdict.evidence;
  std::string said = "No setting helps: the device is full";
  if (evidence.spare && *evidence.spare >= 0) {
    said += fmt::format(". Without a single hole {} would be left",
                        format_bytes(Bytes(static_cast<uint64_t>(*evidence.spare))));
  }
  const auto serves = [&](const Candidate& c) { return !c.same_as && c.serves_last; };
  const auto count = std::ranges::count_if(advice.candidates, serves);
  if (count == 0) return said + ".";
  const Candidate& first = *std::ranges::find_if(advice.candidates, serves);
  return fmt::format("{}; {} by replay {} the last request, but the next may fail.", said,
                     count == 1 ? settings_prose(first.conf) : fmt::format("{} settings", count),
                     count == 1 ? "serves" : "serve");
}

std::string of_failing_all_the_same(const Advice& advice, const std::string& in_force) {
  const uint64_t failed = advice.candidates.front().outcome.statistics.num_ooms;
  const Candidate& best = *std::ranges::min_element(advice.candidates, {}, &Candidate::most_ooms);
  if (best.most_ooms >= failed) {
    return fmt::format("No setting helps: with each at least as many requests fail as with {}.", in_force);
  }
  std::string said = fmt::format("No setting helps enough: with the best, {}, {} of {} requests still fail.",
                                 settings_name(best.conf), best.most_ooms, failed);
  const Candidate* least = nullptr;
  for (const Candidate& c : advice.candidates) {
    if (c.needs && (least == nullptr || *c.needs < *least->needs)) least = &c;
  }
  if (least == nullptr) return said;
  return said + fmt::format(" The device is too small: the program needs about {}, with {}.",
                            format_bytes(*least->needs), settings_prose(least->conf));
}

std::string of_nothing_better(const Explanation& e, const Advice& advice) {
  const Candidate& in_force = advice.candidates.front();
  const std::string name = settings_prose(in_force.conf);
  if (in_force.outcome.statistics.num_ooms > 0) return of_failing_all_the_same(advice, name);
  const DeviceFindings& d = e.devices[e.chosen];
  return fmt::format("Keep {}: no other setting would save {} % of the {} reserved at the peak, and {}.", name,
                     advise::kWorthPercent, format_bytes(in_force.outcome.statistics.reserved.peak),
                     d.ooms.empty() ? "no request failed" : "none fails on that device");
}

// "The least you can free is 36.00 MiB: 3 blocks made at train.py:81 train"
void add_least_to_free(const Explanation& e, const DeviceFindings& d, std::vector<std::string>& all) {
  const auto& evidence = d.verdict.evidence;
  if (evidence.spare && *evidence.spare < 0) {
    all.push_back(fmt::format("The least to free is {}: by so much the program needs more than it may have.",
                              format_bytes(Bytes(static_cast<uint64_t>(-*evidence.spare)))));
  }
  const bool opens = !d.openings.empty() && !d.openings.front().blocks.empty();
  const bool empties = !d.emptying.segments.empty();
  if (!opens && !empties) return;
  const bool open = opens && (!empties || d.openings.front().release <= d.emptying.release);
  const auto& blocks = open ? d.openings.front().blocks : d.emptying.blocks;
  const Bytes release = open ? d.openings.front().release : d.emptying.release;
  if (blocks.empty()) return;
  const auto largest = std::ranges::max_element(blocks, {}, &analyze::PlacedBlock::size);
  all.push_back(
      fmt::format("The least you can shave for the last request that failed is {}: {}, the largest made at {}.",
                  format_bytes(release), plural(blocks.size(), "block"), Names(e).place(largest->stack)));
}

}  // namespace

std::string settings_name(const std::string& conf) { return conf.empty() ? "the default settings" : escape_text(conf); }

std::string advice_care(const Advice& advice) {
  if (!advice.recorded.reading.divergence) return "";
  return fmt::format("Take it with care: the replay of the recording itself parts from it at entry {}.",
                     format_count(advice.recorded.reading.divergence->entry));
}

std::vector<std::string> advice_doubts(const Advice& advice) {
  std::vector<std::string> doubts = guesses(advice.recorded);
  const replay::Limits& limits = advice.conditions.limits;
  if (!limits.capacity && !limits.limit) {
    doubts.emplace_back("The device's memory is not known, so nothing can fail: say --memory 24GiB.");
  }
  return doubts;
}

std::string peak_change(Bytes now, Bytes before) {
  if (now == before) return "same";
  return now < before ? fmt::format("-{}", format_bytes(before - now)) : fmt::format("+{}", format_bytes(now - before));
}

std::string advice_headline(const Explanation& e, const Advice& advice) {
  switch (advice.why_none) {
    case advise::NoAdvice::kCapacity: return of_full_device(e, advice);
    case advise::NoAdvice::kAsGood: return of_nothing_better(e, advice);
    case advise::NoAdvice::kNone: break;
  }
  return why_recommended(advice);
}

std::vector<std::string> what_instead(const Explanation& e, const Advice& advice) {
  std::vector<std::string> all;
  const DeviceFindings& d = e.devices[e.chosen];
  if (advice.recommended || d.ooms.empty() || advice.recorded.card_is_what_if) return all;
  add_least_to_free(e, d, all);
  const size_t listed = std::min(kMostHolders, d.holders.size());
  for (size_t i = 0; i < listed; ++i) {
    const analyze::Holder& holder = d.holders[i];
    if (holder.at.blocks == 0) break;
    all.push_back(fmt::format("{} {} in {}.", Names(e).holder(holder), "holds " + format_bytes(holder.at.bytes),
                              plural(holder.at.blocks, "block")));
  }
  return all;
}

}  // namespace unfrag::report
