#include "report/verdict_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <span>

#include "report/headline.h"

namespace unfrag::report {
namespace {

using analyze::Evidence;
using Json = nlohmann::ordered_json;

// Figures that the verdict does not rest on are absent.
void add_request(Json& json, const Evidence& e) {
  json["requested_bytes"] = e.request->rounded.value();
  json["asked_of_driver_bytes"] = e.asked.value();
  json["stream"] = e.request->stream;
  json["pool_id"] = {e.request->pool.first, e.request->pool.second};
  if (e.allowance.may) {
    json["may_bytes"] = e.allowance.may->value();
    json["need_bytes"] = e.need->value();
    json["spare_bytes"] = *e.spare;
    json["capacity_below_bytes"] = analyze::capacity_below(*e.allowance.may).value();
    json["device_free_bytes"] = e.allowance.device_free.value();
    json["limited"] = e.allowance.limited;
  }
  if (e.allowance.outside) json["outside_bytes"] = e.allowance.outside->value();
  json["usable_free_bytes"] = e.room->usable_free.value();
  json["usable_hole_bytes"] = e.room->usable_hole.value();
  json["pending_bytes"] = e.room->pending.value();
  json["hole_after_pending_bytes"] = e.room->hole_after_pending.value();
  json["elsewhere_free_bytes"] = e.room->elsewhere_free.value();
  json["elsewhere_hole_bytes"] = e.room->elsewhere_hole.value();
}

Json evidence_json(const Evidence& e) {
  Json json;
  json["reserved_bytes"] = e.reserved.value();
  json["active_bytes"] = e.active.value();
  json["free_bytes"] = minus_or_zero(e.reserved, e.active).value();
  json["free_segments_bytes"] = e.free_segments.value();
  json["free_in_segments_bytes"] = e.free_in_segments.value();
  json["releasable_bytes"] = e.releasable.value();
  json["rise_bytes"] = e.rise.value();
  if (e.request) add_request(json, e);
  return json;
}

Json blocks_json(std::span<const analyze::PlacedBlock> blocks, const AddPlace& add_place) {
  Json json = Json::array();
  for (const analyze::PlacedBlock& block : blocks) {
    Json item = {{"address", fmt::format("{:#x}", block.addr)}, {"bytes", block.size}};
    add_place(item, block.stack);
    json.push_back(std::move(item));
  }
  return json;
}

const char* served_name(analyze::Served served) {
  switch (served) {
    case analyze::Served::kFromHole: return "reserved memory";
    case analyze::Served::kFromDriver: return "driver";
    case analyze::Served::kAfterRelease: return "driver after release";
    case analyze::Served::kNot: break;
  }
  return nullptr;
}

}  // namespace

Json verdict_json(const Names& names, const analyze::DeviceFindings& findings, const analyze::Verdict& verdict,
                  const analyze::FailedRequest* request, const trace::Dialect& dialect) {
  Json json;
  json["kind"] = analyze::verdict_name(verdict.kind);
  json["also"] = Json::array();
  for (const analyze::VerdictKind kind : verdict.also) json["also"].push_back(analyze::verdict_name(kind));
  json["headline"] = headline(names, findings, verdict, request);
  json["advice"] = advice(verdict, dialect);
  if (const char* const by = served_name(verdict.served)) json["served_from"] = by;
  json["evidence"] = evidence_json(verdict.evidence);
  return json;
}

Json blockers_json(const analyze::DeviceFindings& findings, const AddPlace& add_place) {
  Json json = Json::array();
  for (const analyze::Opening& opening : findings.openings) {
    json.push_back({{"hole_bytes", opening.hole.value()},
                    {"release_bytes", opening.release.value()},
                    {"segment", fmt::format("{:#x}", opening.run.addr)},
                    {"blocks", blocks_json(opening.blocks, add_place)}});
  }
  return json;
}

Json emptying_json(const analyze::DeviceFindings& findings, const AddPlace& add_place) {
  const analyze::Emptying& emptying = findings.emptying;
  if (emptying.segments.empty()) return nullptr;
  Json json = {{"returned_bytes", emptying.returned.value()},
               {"release_bytes", emptying.release.value()},
               {"cheapest", emptying.cheapest},
               {"segments", Json::array()},
               {"blocks", blocks_json(emptying.blocks, add_place)}};
  for (const analyze::Run& run : emptying.segments) {
    json["segments"].push_back({{"address", fmt::format("{:#x}", run.addr)}, {"bytes", run.size}});
  }
  return json;
}

}  // namespace unfrag::report
