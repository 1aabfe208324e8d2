#include "report/source_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace unfrag::report {

using Json = nlohmann::ordered_json;

Json source_json(const Source& source) {
  const trace::Trace& trace = source.trace;
  Json json;
  json["path"] = escape_text(source.path);
  json["bytes"] = source.bytes;
  json["events"] = source.events;
  json["complete"] = source.complete;
  json["truncated"] = trace.truncated;
  json["torch_at_least"] =
      trace.dialect.known() ? Json(fmt::format("{}.{}", trace.dialect.major, trace.dialect.minor)) : Json(nullptr);
  json["settings"] = Json::object();
  for (const auto& [key, value] : trace.settings.all) {
    json["settings"][escape_text(key)] = Json::parse(value, nullptr, /*allow_exceptions=*/false);
  }
  json["warnings"] = Json::array();
  for (const auto* list : {&trace.warnings, &source.warnings}) {
    for (const std::string& warning : *list) json["warnings"].push_back(escape_text(warning));
  }
  return json;
}

}  // namespace unfrag::report
