#include "report/replay_json.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "report/names.h"
#include "report/source_json.h"

namespace unfrag::report {
namespace {

using replay::Answer;
using replay::Deed;
using replay::Divergence;
using replay::Outcome;
using replay::Recorded;
using replay::Replayed;
using Json = nlohmann::ordered_json;

Json bytes_or_null(const std::optional<Bytes>& bytes) { return bytes ? Json(bytes->value()) : Json(nullptr); }

Json state(const Deed& deed, Bytes reserved, Bytes requested) {
  Json json;
  const bool nothing = deed.action == trace::Action::kUnknown;
  const bool failed = deed.action == trace::Action::kOom;
  json["action"] = nothing ? Json(nullptr) : Json(trace::action_name(deed.action));
  json["address"] = nothing || failed ? Json(nullptr) : Json(fmt::format("{:#x}", deed.addr));
  json["size_bytes"] = nothing ? Json(nullptr) : Json(deed.size);
  json["reserved_bytes"] = reserved.value();
  json["requested_bytes"] = requested.value();
  return json;
}

Json divergence(const std::optional<Divergence>& divergence) {
  if (!divergence) return nullptr;
  const Divergence& d = *divergence;
  return {{"event", d.entry},
          {"recorded", state(d.recorded, d.recorded_reserved, d.recorded_requested)},
          {"replayed", state(d.replayed, d.replayed_reserved, d.replayed_requested)}};
}

Json curves(const std::vector<replay::CurvePoint>& points) {
  Json json = {{"event", Json::array()},
               {"allocated_bytes", Json::array()},
               {"active_bytes", Json::array()},
               {"requested_bytes", Json::array()},
               {"reserved_bytes", Json::array()}};
  for (const replay::CurvePoint& point : points) {
    json["event"].push_back(point.entry);
    json["allocated_bytes"].push_back(point.allocated.value());
    json["active_bytes"].push_back(point.active.value());
    json["requested_bytes"].push_back(point.requested.value());
    json["reserved_bytes"].push_back(point.reserved.value());
  }
  return json;
}

Json rescues(const Outcome& outcome) {
  return {{"num_rescued", outcome.rescued}, {"num_newly_refused", outcome.newly_refused}};
}

const char* addresses_name(replay::Direction direction) {
  switch (direction) {
    case replay::Direction::kUp: return "up";
    case replay::Direction::kDown: return "down";
    case replay::Direction::kByTurns: break;
  }
  return "by turns";
}

Json exact(const Answer& answer) { return answer.what_if ? Json(nullptr) : Json(answer.recorded.exact()); }

}  // namespace

Json statistics_json(const alloc::Statistics& s) {
  return {{"peak_allocated_bytes", s.allocated.peak.value()},
          {"peak_active_bytes", s.active.peak.value()},
          {"peak_requested_bytes", s.requested.peak.value()},
          {"peak_reserved_bytes", s.reserved.peak.value()},
          {"end_allocated_bytes", s.allocated.current.value()},
          {"end_reserved_bytes", s.reserved.current.value()},
          {"num_ooms", s.num_ooms},
          {"num_alloc_retries", s.num_alloc_retries},
          {"num_device_alloc", s.num_device_alloc},
          {"num_device_free", s.num_device_free},
          {"num_sync_all_streams", s.num_sync_all_streams},
          {"segment_peak", s.segment_peak}};
}

Json conditions_json(const replay::Conditions& conditions, const Recorded& recorded) {
  return {{"torch", fmt::format("{}.{}", recorded.version.major, recorded.version.minor)},
          {"conf", alloc::to_conf(conditions.settings)},
          {"memory_bytes", bytes_or_null(conditions.limits.total)},
          {"capacity_bytes", bytes_or_null(conditions.limits.capacity)},
          {"limit_bytes", bytes_or_null(conditions.limits.limit)},
          {"addresses", addresses_name(conditions.direction)}};
}

Json guesses_json(const Recorded& recorded) {
  return {{"limit_bytes", recorded.limit_inferred ? bytes_or_null(recorded.conditions.limits.limit) : Json(nullptr)},
          {"initial_state", !recorded.complete},
          {"block_sizes", recorded.reading.sizes_guessed},
          {"pools", recorded.reading.pools_inferred},
          {"releases", recorded.reading.releases_read}};
}

std::string replay_json(const Replayed& replayed) {
  const Answer& answer = replayed.answer;
  Json json;
  json["schema"] = "unfrag.replay/1";
  json["source"] = source_json({.path = replayed.path,
                                .bytes = replayed.bytes,
                                .trace = *replayed.trace,
                                .events = replayed.device->event_count,
                                .complete = answer.recorded.complete});
  json["device"] = replayed.device->index;
  json["policy"] = "native";
  json["conditions"] = conditions_json(answer.conditions, answer.recorded);
  json["what_if"] = answer.what_if;
  json["exact"] = exact(answer);
  json["first_divergence"] = divergence(answer.recorded.reading.divergence);
  json.update(statistics_json(answer.outcome.statistics));
  json.update(rescues(answer.outcome));
  json["recorded"] = statistics_json(answer.recorded.reading.statistics);
  json["recorded"]["exact"] = answer.recorded.exact();
  json["recorded"]["file_peak_reserved_bytes"] = answer.recorded.file_reserved_peak.value();
  json["guesses"] = guesses_json(answer.recorded);
  json["other_addresses"] = Json::array();
  for (const auto& [direction, outcome] : answer.other_orders) {
    Json other = {{"addresses", addresses_name(direction)}};
    other.update(statistics_json(outcome.statistics));
    other.update(rescues(outcome));
    json["other_addresses"].push_back(std::move(other));
  }
  if (!replayed.curves.empty()) json["curves"] = curves(replayed.curves);
  if (replayed.events_per_second) json["events_per_second"] = std::llround(*replayed.events_per_second);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace unfrag::report
