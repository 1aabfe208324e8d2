#include "report/advice_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "advise/device_cost.h"
#include "base/text.h"
#include "report/advice_words.h"
#include "report/names.h"
#include "report/replay_json.h"
#include "report/source_json.h"

namespace unfrag::report {
namespace {

using advise::Advice;
using advise::Candidate;
using analyze::Explanation;
using Json = nlohmann::ordered_json;

Json bytes_or_null(const std::optional<Bytes>& bytes) { return bytes ? Json(bytes->value()) : Json(nullptr); }

int64_t difference(Bytes a, Bytes b) { return static_cast<int64_t>(a.value()) - static_cast<int64_t>(b.value()); }

Json recorded(const Advice& advice) {
  Json json = statistics_json(advice.recorded.reading.statistics);
  json["conf"] = escape_text(alloc::to_conf(advice.recorded.conditions.settings));
  json["exact"] = advice.recorded.exact();
  json["guesses"] = guesses_json(advice.recorded);
  json["divergence_event"] =
      advice.recorded.reading.divergence ? Json(advice.recorded.reading.divergence->entry) : Json(nullptr);
  return json;
}

Json candidate(const Advice& advice, const Candidate& c) {
  const Candidate& in_force = advice.candidates.front();
  Json json;
  json["conf"] = escape_text(c.conf);
  json.update(statistics_json(c.outcome.statistics));
  json["saved_bytes"] = difference(in_force.outcome.statistics.reserved.peak, c.outcome.statistics.reserved.peak);
  json["num_rescued"] = c.outcome.rescued;
  json["num_newly_refused"] = c.outcome.newly_refused;
  json["num_served"] = c.served;
  json["serves_last"] = c.serves_last;
  json["most_ooms"] = c.most_ooms;
  json["depends_on_addresses"] = c.depends_on_addresses;
  json["needs_bytes"] = bytes_or_null(c.needs);
  json["left_bytes"] = bytes_or_null(c.left);
  json["device_calls_ms"] = std::llround(c.device_calls_ms);
  json["drawbacks"] = Json::array();
  for (const advise::Drawback& drawback : c.drawbacks) json["drawbacks"].push_back(drawback.text);
  json["same_as"] = c.same_as ? Json(escape_text(advice.candidates[*c.same_as].conf)) : Json(nullptr);
  return json;
}

}  // namespace

Json advice_object(const Explanation& e, const Advice& advice) {
  const analyze::DeviceFindings& d = e.devices[e.chosen];
  Json json;
  json["verdict"] = analyze::verdict_name(d.verdict.kind);
  json["conditions"] = conditions_json(advice.conditions, advice.recorded);
  json["recorded"] = recorded(advice);
  json["candidates"] = Json::array();
  for (const Candidate& c : advice.candidates) json["candidates"].push_back(candidate(advice, c));
  json["recommended"] = nullptr;
  if (advice.recommended) {
    const std::string& conf = advice.candidates[*advice.recommended].conf;
    json["recommended"] = {{"conf", escape_text(conf)}, {"line", settings_line(e.trace->dialect, conf)}};
  }
  json["headline"] = advice_headline(e, advice);
  json["instead"] = Json::array();
  for (const std::string& one : what_instead(e, advice)) json["instead"].push_back(one);
  json["cost_source"] = advise::kCostSource;
  return json;
}

std::string advice_json(const Explanation& e, const Advice& advice) {
  const analyze::DeviceFindings& d = e.devices[e.chosen];
  Json json;
  json["schema"] = "unfrag.advise/1";
  json["source"] = source_json({.path = e.path,
                                .bytes = e.bytes,
                                .trace = *e.trace,
                                .events = d.events,
                                .complete = d.complete,
                                .warnings = d.warnings});
  json["device"] = d.index;
  json.update(advice_object(e, advice));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace unfrag::report
