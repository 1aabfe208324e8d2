#include "report/rehearsal_json.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "report/explain_json.h"
#include "report/replay_json.h"

namespace unfrag::report {
namespace {

using Json = nlohmann::ordered_json;

Json answer(std::optional<bool> fits) { return fits ? Json(*fits) : Json(nullptr); }

Json fits_json(const Rehearsal& r) {
  Json all = Json::array();
  for (const Fit& fit : r.fits) {
    all.push_back({{"gpu", fit.gpu},
                   {"name", fit.name},
                   {"total_bytes", fit.total.value()},
                   {"has_kernels", fit.has_kernels},
                   {"fits", answer(fit.fits)},
                   {"fits_expandable", answer(fit.fits_expandable)},
                   {"headroom_bytes", fit.headroom}});
  }
  return all;
}

// Null is what neither a replay nor the entries tell.
Json figures_json(const Figures& figures) {
  Json json = statistics_json(figures.statistics);
  if (figures.replayed()) return json;
  for (const char* const name : {"peak_allocated_bytes", "peak_active_bytes", "end_allocated_bytes",
                                 "num_alloc_retries", "num_sync_all_streams"}) {
    json[name] = nullptr;
  }
  return json;
}

Json entry_or_null(const std::optional<uint64_t>& entry) { return entry ? Json(*entry) : Json(nullptr); }

Json devices_json(const std::vector<DeviceFigures>& devices) {
  Json all = Json::array();
  for (const DeviceFigures& device : devices) {
    Json one = {{"index", device.index},
                {"exact", device.exact},
                {"first_difference", entry_or_null(device.figures.first_difference)}};
    one.update(figures_json(device.figures));
    all.push_back(std::move(one));
  }
  return all;
}

Json processes_json(const Rehearsal& r) {
  Json all = Json::array();
  for (const ProcessFigures& process : r.processes) {
    Json devices = Json::array();
    for (const auto& [index, peak] : process.devices) {
      devices.push_back({{"index", index}, {"peak_reserved_bytes", peak.value()}});
    }
    all.push_back({{"process", process.process},
                   {"command", process.command},
                   {"entries", process.entries},
                   {"num_ooms", process.num_ooms},
                   {"peak_reserved_bytes", process.peak_reserved.value()},
                   {"devices", std::move(devices)}});
  }
  return all;
}

Json other_torches_json(const Rehearsal& r) {
  Json all = Json::array();
  for (const auto& [python, torch] : r.other_torches) all.push_back({{"python", python}, {"torch", torch}});
  return all;
}

Json steps_json(const Rehearsal& r) {
  if (r.steps == 0) return nullptr;
  return {{"limit", r.steps}, {"made", r.steps_made ? Json(*r.steps_made) : Json(nullptr)}};
}

Json together_json(const Rehearsal& r) {
  Json all = Json::array();
  for (const Together& one : r.together) {
    all.push_back({{"index", one.index},
                   {"processes", one.processes},
                   {"most_at_once", one.most_at_once},
                   {"peak_reserved_bytes", one.peak_reserved.value()},
                   {"is_upper_bound", one.is_upper_bound},
                   {"fits", one.fits}});
  }
  return all;
}

Json incomplete_json(const Rehearsal& r) {
  Json all = Json::array();
  for (const Incomplete& one : r.incomplete) {
    all.push_back({{"log", one.log},
                   {"reason", one.reason},
                   {"what", one.what},
                   {"action", one.action},
                   {"lost_entries", one.lost ? Json(*one.lost) : Json(nullptr)}});
  }
  return all;
}

Json fit_json(const Rehearsal& r) {
  if (r.tried.empty()) return nullptr;
  const Tried* const largest = largest_that_fits(r);
  Json json = {{"name", r.fit_name},
               {"largest", largest == nullptr ? Json(nullptr) : Json(largest->value)},
               {"tried", Json::array()}};
  for (const Tried& one : r.tried) {
    json["tried"].push_back({{"value", one.value},
                             {"fits", one.fits},
                             {"exit_code", one.exit_code},
                             {"num_ooms", one.num_ooms},
                             {"peak_reserved_bytes", one.peak_reserved.value()}});
  }
  return json;
}

Json unanswered_json(const Rehearsal& rehearsal) {
  Json all = Json::array();
  for (const auto& [function, calls] : rehearsal.unanswered) all.push_back({{"function", function}, {"calls", calls}});
  return all;
}

Json timing_json(const std::optional<Timing>& timing) {
  if (!timing) return nullptr;
  Json json = {{"program_seconds", timing->program_seconds},
               {"seconds", timing->total_seconds},
               {"share", timing->share()},
               {"families", Json::object()}};
  for (size_t i = 0; i < kTimedFamilies.size(); ++i) json["families"][kTimedFamilies[i]] = timing->seconds[i];
  return json;
}

}  // namespace

std::string rehearsal_json(const Rehearsal& r) {
  Json json;
  json["schema"] = "unfrag.rehearse/1";
  json["program"] = r.program;
  json["python"] = r.python;
  json["torch"] = r.torch;
  json["other_torches"] = other_torches_json(r);
  json["device"] = {{"name", r.device}, {"total_bytes", r.total.value()}, {"context_bytes", r.context.value()}};
  json["exit_code"] = r.exit_code;
  json["signal"] = r.signal == 0 ? Json(nullptr) : Json(r.signal);
  json["last_call"] = r.last_call.empty() ? Json(nullptr) : Json(r.last_call);
  json["at_exit"] = r.at_exit;
  json["steps"] = steps_json(r);
  json["processes"] = r.processes.size();
  json["process_list"] = processes_json(r);
  json["together"] = together_json(r);
  json["incomplete"] = incomplete_json(r);
  json["exact"] = r.exact;
  json["first_difference"] = entry_or_null(r.figures.first_difference);
  json.update(figures_json(r.figures));
  json["devices"] = devices_json(r.devices);
  json["fits"] = fits_json(r);
  json["fit"] = fit_json(r);
  json["values"] = r.values;
  json["host_reads"] = r.host_reads;
  json["unknown_reads"] = r.unknown_reads;
  json["dropped_bytes"] = r.dropped_bytes;
  json["kernel_launches"] = r.launches;
  json["modelled_sizes"] = r.modelled;
  json["asked_sizes"] = r.asked;
  json["cudnn_trouble"] = r.dnn_trouble.empty() ? Json(nullptr) : Json(r.dnn_trouble);
  json["cudnn_version"] = r.asked > 0 ? Json(dnn_release(r.dnn_version)) : Json(nullptr);
  json["peak_asked_bytes"] = r.figures.replayed() ? Json(r.peak_asked.value()) : Json(nullptr);
  json["peak_modelled_bytes"] = r.figures.replayed() ? Json(r.peak_modelled.value()) : Json(nullptr);
  json["unanswered"] = unanswered_json(r);
  json["timing"] = timing_json(r.timing);
  json["explanation"] = r.explanation ? Json::parse(explain_json(*r.explanation, {})) : Json(nullptr);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace unfrag::report
