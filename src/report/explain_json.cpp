#include "report/explain_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/advice_json.h"
#include "report/places_json.h"
#include "report/source_json.h"
#include "report/verdict_json.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Explanation;
using Json = nlohmann::ordered_json;

std::string hex(uint64_t addr) { return fmt::format("{:#x}", addr); }

Json entry_or_null(uint32_t entry) { return entry < analyze::kBefore ? Json(entry) : Json(nullptr); }

const char* kind_name(trace::PoolKind kind) {
  switch (kind) {
    case trace::PoolKind::kSmall: return "small";
    case trace::PoolKind::kLarge: return "large";
    case trace::PoolKind::kUnknown: break;
  }
  return "unknown";
}

const char* source_name(analyze::Iterations::Source source) {
  switch (source) {
    case analyze::Iterations::kAnnotations: return "annotations";
    case analyze::Iterations::kOptimizer: return "optimizer";
    case analyze::Iterations::kRepetition: return "repetition";
    case analyze::Iterations::kNone: break;
  }
  return "none";
}

const char* moment_name(analyze::Moment::Kind kind) {
  switch (kind) {
    case analyze::Moment::kEvent: return "event";
    case analyze::Moment::kPeak: return "peak";
    case analyze::Moment::kOom: return "oom";
    default: return "end";
  }
}

class Writer {
 public:
  Writer(const Explanation& explanation, const JsonOptions& options)
      : e_(explanation), options_(options), places_(*explanation.trace) {}

  /// A device at a time: a tree of all of thousands of devices would take many times the memory of its text.
  [[nodiscard]] std::string run() const {
    Json head;
    head["schema"] = "unfrag.explain/1";
    head["source"] = source();
    head["device"] = e_.devices.empty() ? Json(nullptr) : Json(e_.devices[e_.chosen].index);
    std::string text = dump(head);
    text.pop_back();  // its closing brace
    text += ",\"devices\":[";
    for (size_t i = 0; i < e_.devices.size(); ++i) {
      if (i > 0) text += ',';
      text += dump(findings(e_.devices[i]));
    }
    text += "],\"host\":";
    text += e_.host.empty() ? std::string("null") : dump(findings(e_.host.front()));
    if (options_.advice != nullptr) text += ",\"advice\":" + dump(advice_object(e_, *options_.advice));
    text += '}';
    return text;
  }

 private:
  // Everything was escaped to valid UTF-8; `replace` is the safety net that keeps dump() from throwing.
  static std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

  [[nodiscard]] Json source() const {
    Source source{.path = e_.path, .bytes = e_.bytes, .trace = *e_.trace};
    source.complete = !e_.devices.empty() || !e_.host.empty();
    for (const auto* list : {&e_.devices, &e_.host}) {
      for (const DeviceFindings& device : *list) {
        source.events += device.events;
        source.complete = source.complete && device.complete;
        source.warnings.insert(source.warnings.end(), device.warnings.begin(), device.warnings.end());
      }
    }
    return source_json(source);
  }

  [[nodiscard]] Json findings(const DeviceFindings& d) const {
    Json json;
    json["index"] = d.index;
    json["events"] = d.events;
    json["complete"] = d.complete;
    json["replays_exactly"] = d.replayed.has_value();
    json["now"] = {{"reserved_bytes", d.now.usage.reserved.value()},
                   {"allocated_bytes", d.now.usage.allocated.value()},
                   {"active_bytes", d.now.usage.active.value()},
                   {"requested_bytes", d.now.usage.requested.value()},
                   {"segments", d.now.segments}};
    json["peak"] = peak(d);
    json["fragmentation"] = fragmentation(d.fragmentation);
    const trace::Dialect& dialect = e_.trace->dialect;
    json["verdict"] = verdict_json(Names(e_), d, d.verdict, analyze::judged_request(d), dialect);
    const auto add_place = [this](Json& item, trace::StackIdx idx) {
      item.update(places_.place(culprit(idx)));
      item["stack"] = places_.stack(idx);
    };
    json["blockers"] = blockers_json(d, add_place);
    json["segments_to_empty"] = emptying_json(d, add_place);
    json["ooms"] = Json::array();
    for (size_t i = 0; i < d.ooms.size(); ++i) {
      const analyze::FailedRequest& oom = d.ooms[i];
      Json item = {{"event", oom.entry},
                   {"requested_bytes", oom.rounded.value()},
                   {"device_free_bytes", oom.device_free ? Json(oom.device_free->value()) : Json(nullptr)},
                   {"stream", oom.stream}};
      if (oom.has_pool) item["pool_id"] = {oom.pool.first, oom.pool.second};
      item.update(places_.place(culprit(oom.stack)));
      item["stack"] = places_.stack(oom.stack);
      item["verdict"] = verdict_json(Names(e_), d, analyze::verdict_of(d, i), &oom, dialect);
      json["ooms"].push_back(std::move(item));
    }
    json["at"] = at(d);
    json["holders"] = holders(d);
    if (options_.top && d.holders.size() > *options_.top) json["holders_omitted"] = omitted(d);
    json["kinds"] = kinds(d);
    json["growth"] = growth(d);
    json["iterations"] = iterations(d.growth.iterations);
    json["pinned_segments"] = pinned(d.pinned_now, d.pinned_now.size());
    json["timeline"] = timeline(d);
    return json;
  }

  [[nodiscard]] static Json peak(const DeviceFindings& d) {
    const analyze::UsageCurves& c = d.curves;
    Json json;
    const auto add = [&](const char* name, const char* event, const analyze::Peak& value) {
      json[name] = value.bytes.value();
      json[event] = entry_or_null(value.entry);
    };
    add("allocated_bytes", "allocated_event", c.allocated);
    add("active_bytes", "active_event", c.active);
    add("requested_bytes", "requested_event", c.requested);
    add("reserved_bytes", "reserved_event", c.reserved);
    json["allocated_is_lower_bound"] = d.allocated_is_lower_bound;
    return json;
  }

  [[nodiscard]] static Json fragmentation(const analyze::Fragmentation& f) {
    return {{"free_bytes", f.free.value()},
            {"largest_free_bytes", f.largest_free.value()},
            {"releasable_bytes", f.releasable.value()},
            {"stranded_bytes", f.stranded.value()}};
  }

  [[nodiscard]] Json at(const DeviceFindings& d) const {
    const analyze::Where& w = d.where;
    Json json;
    json["moment"] = moment_name(d.at_kind);
    json["event"] = entry_or_null(d.at_entry);
    // A block counts as requested until its free completes, as in `now` and `peak`: pending blocks are in both.
    json["requested_bytes"] = (w.requested + w.pending_requested).value();
    json["rounding_bytes"] = (w.rounding + w.pending - w.pending_requested).value();
    json["pending_bytes"] = w.pending.value();
    json["allocated_requested_bytes"] = w.requested.value();
    json["allocated_rounding_bytes"] = w.rounding.value();
    json["allocated_bytes"] = w.allocated().value();
    json["active_bytes"] = w.active().value();
    json["free_in_segments_bytes"] = w.free_in_segments.value();
    json["free_segments_bytes"] = w.free_segments.value();
    json["reserved_bytes"] = w.reserved.value();
    json["outside_bytes"] = w.outside.value();
    json["unmapped_bytes"] = w.unmapped.value();
    json["fragmentation"] = fragmentation(d.holes);
    json["pinned_segment_count"] = d.pinned.size();
    json["pinned_segments"] = pinned(d.pinned, kMostPinnedAt);
    json["pools"] = Json::array();
    for (const analyze::PoolUse& use : w.pools) {
      json["pools"].push_back({{"stream", use.stream},
                               {"pool_id", {use.pool.first, use.pool.second}},
                               {"pool", kind_name(use.kind)},
                               {"segments", use.segments},
                               {"reserved_bytes", use.reserved.value()},
                               {"allocated_bytes", use.allocated.value()},
                               {"pending_bytes", use.pending.value()},
                               {"free_bytes", use.free.value()},
                               {"free_segments_bytes", use.free_segments.value()},
                               {"largest_free_bytes", use.largest_hole.value()}});
    }
    return json;
  }

  [[nodiscard]] size_t listed(size_t count) const { return std::min(count, options_.top.value_or(count)); }

  [[nodiscard]] Json holders(const DeviceFindings& d) const {
    Json json = Json::array();
    for (size_t i = 0; i < listed(d.holders.size()); ++i) {
      const analyze::Holder& holder = d.holders[i];
      Json item = {{"now_bytes", holder.now.bytes.value()}, {"peak_bytes", holder.at_peak.bytes.value()},
                   {"at_bytes", holder.at.bytes.value()},   {"blocks", holder.now.blocks},
                   {"peak_blocks", holder.at_peak.blocks},  {"at_blocks", holder.at.blocks}};
      if (holder.outside) item["outside"] = true;
      if (e_.grouping == analyze::Grouping::kStream) item["stream"] = holder.stream;
      if (e_.grouping == analyze::Grouping::kSegment) item["segment"] = hex(holder.segment);
      item.update(places_.place(analyze::Culprit{holder.frame, holder.origin}));
      if (e_.grouping == analyze::Grouping::kFunction) item["line"] = nullptr;
      item["kind"] = analyze::kind_name(holder.kind);
      item["stack"] = places_.stack(holder.stack);
      json.push_back(std::move(item));
    }
    return json;
  }

  [[nodiscard]] static Json kinds(const DeviceFindings& d) {
    Json json = Json::array();
    for (const analyze::KindUse& use : d.kinds) {
      json.push_back({{"kind", analyze::kind_name(use.kind)},
                      {"now_bytes", use.now.bytes.value()},
                      {"at_bytes", use.at.bytes.value()},
                      {"peak_bytes", use.at_peak.bytes.value()},
                      {"now_blocks", use.now.blocks},
                      {"at_blocks", use.at.blocks},
                      {"peak_blocks", use.at_peak.blocks}});
    }
    return json;
  }

  [[nodiscard]] Json omitted(const DeviceFindings& d) const {
    analyze::Held now, at, peak;
    const auto add = [](analyze::Held& sum, const analyze::Held& held) {
      sum.bytes += held.bytes;
      sum.blocks += held.blocks;
    };
    for (size_t i = listed(d.holders.size()); i < d.holders.size(); ++i) {
      add(now, d.holders[i].now);
      add(at, d.holders[i].at);
      add(peak, d.holders[i].at_peak);
    }
    return {{"holders", d.holders.size() - listed(d.holders.size())},
            {"now_bytes", now.bytes.value()},
            {"peak_bytes", peak.bytes.value()},
            {"at_bytes", at.bytes.value()},
            {"blocks", now.blocks},
            {"peak_blocks", peak.blocks},
            {"at_blocks", at.blocks}};
  }

  [[nodiscard]] Json pinned(const std::vector<analyze::PinnedSegment>& segments, size_t most) const {
    Json json = Json::array();
    for (size_t i = 0; i < std::min(most, listed(segments.size())); ++i) {
      const analyze::PinnedSegment& segment = segments[i];
      Json block = {{"address", hex(segment.largest.addr)}, {"bytes", segment.largest.size}};
      block.update(places_.place(culprit(segment.largest.stack)));
      json.push_back({{"address", hex(segment.run.addr)},
                      {"bytes", segment.run.size},
                      {"held_bytes", segment.held.value()},
                      {"free_bytes", segment.free.value()},
                      {"blocks", segment.blocks},
                      {"stream", segment.run.stream},
                      {"pool_id", {segment.run.pool.first, segment.run.pool.second}},
                      {"pool", kind_name(segment.run.kind)},
                      {"expandable", segment.run.expandable},
                      {"largest_block", std::move(block)}});
    }
    return json;
  }

  [[nodiscard]] Json growth(const DeviceFindings& d) const {
    Json json = Json::array();
    for (size_t i = 0; i < listed(d.growth.suspects.size()); ++i) {
      const analyze::Suspect& suspect = d.growth.suspects[i];
      Json item = places_.place(e_.user_code->culprit(suspect.stack));
      item["stack"] = places_.stack(suspect.stack);
      item["first_bytes"] = suspect.first.value();
      item["last_bytes"] = suspect.last.value();
      item["rise_bytes"] = suspect.rise().value();
      item["first_blocks"] = suspect.first_blocks;
      item["last_blocks"] = suspect.last_blocks;
      item["bytes_per_iteration"] = std::llround(suspect.bytes_per_iteration);
      item["iterations"] = suspect.iterations;
      item["confidence"] = std::round(suspect.confidence * 1000) / 1000;
      json.push_back(std::move(item));
    }
    return json;
  }

  [[nodiscard]] static Json iterations(const analyze::Iterations& iterations) {
    constexpr size_t kLongest = 8192;
    const bool named = !iterations.name.empty();
    return {{"source", source_name(iterations.source)},
            {"name", named ? Json(escape_text(iterations.name.substr(0, kLongest))) : Json(nullptr)},
            {"count", iterations.count()}};
  }

  [[nodiscard]] trace::FrameIdx culprit(trace::StackIdx idx) const { return e_.user_code->culprit(idx).frame; }

  [[nodiscard]] static Json timeline(const DeviceFindings& d) {
    Json json = {{"event", Json::array()},
                 {"allocated_bytes", Json::array()},
                 {"active_bytes", Json::array()},
                 {"requested_bytes", Json::array()},
                 {"reserved_bytes", Json::array()}};
    for (const analyze::TimelinePoint& point : d.curves.timeline) {
      json["event"].push_back(point.last_entry);
      json["allocated_bytes"].push_back(point.highest.allocated.value());
      json["active_bytes"].push_back(point.highest.active.value());
      json["requested_bytes"].push_back(point.highest.requested.value());
      json["reserved_bytes"].push_back(point.highest.reserved.value());
    }
    return json;
  }

  const Explanation& e_;
  const JsonOptions& options_;
  static constexpr size_t kMostPinnedAt = 20;
  mutable PlacesJson places_;
};

}  // namespace

std::string explain_json(const Explanation& explanation, const JsonOptions& options) {
  return Writer(explanation, options).run();
}

}  // namespace unfrag::report
