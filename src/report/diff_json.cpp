#include "report/diff_json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/diff_words.h"
#include "report/places_json.h"

namespace unfrag::report {
namespace {

using analyze::Diff;
using analyze::DiffSide;
using analyze::HolderChange;
using analyze::Metric;
using analyze::MomentDiff;
using Json = nlohmann::ordered_json;

template <class T>
Json value_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

class Writer {
 public:
  Writer(const Diff& diff, size_t top) : diff_(diff), top_(top), in_a_(*diff.a.trace), in_b_(*diff.b.trace) {}

  [[nodiscard]] std::string run(const std::vector<analyze::GateOutcome>& gates) {
    Json json;
    json["schema"] = "unfrag.diff/1";
    json["a"] = side(diff_.a);
    json["b"] = side(diff_.b);
    const auto as_it_is = [](const std::string& name) { return name; };
    json["headline"] = diff_headline(diff_, as_it_is);
    json["notes"] = diff_notes(diff_, as_it_is);
    json["metrics"] = metrics();
    json["grew"] = Json::array();
    json["totals"] = Json::array();
    if (diff_.peak) add_moment(json, *diff_.peak, "peak");
    add_moment(json, diff_.end, "end");
    json["gates"] = Json::array();
    for (const analyze::GateOutcome& outcome : gates) json["gates"].push_back(gate(outcome));
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

 private:
  [[nodiscard]] static Json side(const DiffSide& side) {
    Json json = {{"path", escape_text(side.label)},
                 {"device", side.device},
                 {"events", side.events},
                 {"complete", side.complete},
                 {"truncated", side.trace->truncated},
                 {"allocated_is_lower_bound", side.allocated_is_lower_bound},
                 {"warnings", Json::array()}};
    for (const std::string& warning : side.warnings) json["warnings"].push_back(escape_text(warning));
    return json;
  }

  [[nodiscard]] Json metrics() const {
    Json json;
    for (size_t i = 0; i < analyze::kMetrics; ++i) {
      const auto metric = static_cast<Metric>(i);
      const auto in_a = at(diff_.a.metrics, metric), in_b = at(diff_.b.metrics, metric);
      const auto change = diff_.change(metric);
      Json item = {{"a", value_or_null(in_a)}, {"b", value_or_null(in_b)}, {"change", value_or_null(change)}};
      item["change_percent"] = nullptr;
      if (change && *in_a != 0) {
        const double percent = static_cast<double>(*change) / static_cast<double>(*in_a) * 100;
        item["change_percent"] = std::round(percent * 100) / 100;
      }
      json[std::string(metric_name(metric))] = std::move(item);
    }
    return json;
  }

  void add_moment(Json& json, const MomentDiff& moment, const char* name) {
    analyze::Held left_a, left_b;
    uint64_t left = 0;
    for (const auto* changes : {&moment.grew, &moment.shrank}) {
      for (size_t i = 0; i < changes->size(); ++i) {
        const HolderChange& change = (*changes)[i];
        if (i < top_) {
          json["grew"].push_back(holder(change, name));
          continue;
        }
        ++left;
        left_a.bytes += change.a.bytes;
        left_b.bytes += change.b.bytes;
      }
    }
    json["totals"].push_back({{"moment", name},
                              {"a_bytes", moment.a.bytes.value()},
                              {"b_bytes", moment.b.bytes.value()},
                              {"unchanged_holders", moment.same},
                              {"unchanged_bytes", moment.same_a.bytes.value()},
                              {"omitted_holders", left},
                              {"omitted_a_bytes", left_a.bytes.value()},
                              {"omitted_b_bytes", left_b.bytes.value()}});
  }

  [[nodiscard]] Json holder(const HolderChange& change, const char* moment) {
    const bool by_b = change.in_b != nullptr;
    const analyze::Holder& shown = by_b ? *change.in_b : *change.in_a;
    PlacesJson& places = by_b ? in_b_ : in_a_;
    Json json = {{"moment", moment},
                 {"a_bytes", change.a.bytes.value()},
                 {"b_bytes", change.b.bytes.value()},
                 {"change_bytes", change.change()},
                 {"a_blocks", change.a.blocks},
                 {"b_blocks", change.b.blocks}};
    json.update(places.place(analyze::Culprit{shown.frame, shown.origin}));
    if (shown.outside) json["outside"] = true;
    json["moved_from"] = nullptr;
    if (change.moved) {
      json["moved_from"] = in_a_.place(change.in_a->frame);
      json["moved_from"].erase("function");
    }
    json["kind"] = analyze::kind_name(shown.kind);
    json["stack"] = places.stack(shown.stack);
    return json;
  }

  [[nodiscard]] static Json gate(const analyze::GateOutcome& outcome) {
    return {{"expression", escape_text(outcome.gate.expression)},
            {"metric", metric_name(outcome.gate.metric)},
            {"a", value_or_null(outcome.a)},
            {"b", outcome.b},
            {"limit", outcome.limit},
            {"holds", outcome.holds}};
  }

  const Diff& diff_;
  const size_t top_;
  PlacesJson in_a_, in_b_;
};

}  // namespace

std::string diff_json(const Diff& diff, const std::vector<analyze::GateOutcome>& gates, const JsonOptions& options) {
  return Writer(diff, options.top.value_or(SIZE_MAX)).run(gates);
}

}  // namespace unfrag::report
