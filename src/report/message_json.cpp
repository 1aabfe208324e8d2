#include "report/message_json.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "report/message_words.h"

namespace unfrag::report {
namespace {

using analyze::AmountOrNot;
using analyze::MessageExplanation;
using analyze::MessageFindings;
using trace::MessageForm;
using trace::OomMessage;
using trace::PrintedOrNot;
using Json = nlohmann::ordered_json;

const char* form_name(MessageForm form) {
  switch (form) {
    case MessageForm::kParentheses: return "parentheses";
    case MessageForm::kSentences: return "sentences";
    case MessageForm::kAsync: return "async";
    case MessageForm::kMps: return "mps";
    case MessageForm::kShort: return "short";
    case MessageForm::kBare: break;
  }
  return "bare";
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }
template <class T>
Json value_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json bytes_or_null(const PrintedOrNot& printed) { return printed ? Json(printed->value) : Json(nullptr); }
Json bytes_or_null(const AmountOrNot& amount) { return amount ? Json(amount->value) : Json(nullptr); }

Json source(const MessageExplanation& e) {
  Json json;
  json["path"] = escape_text(e.path);
  json["bytes"] = e.bytes;
  json["skipped_bytes"] = e.skipped;
  json["messages"] = e.facts.messages;
  json["summaries"] = e.facts.summaries;
  return json;
}

Json later(const trace::LaterMessages& l) {
  if (l.of_another_size == 0) return nullptr;
  return {{"messages", l.of_another_size}, {"requested_bytes", l.requested->value}};
}

Json message(const OomMessage& m) {
  Json json;
  json["form"] = form_name(m.form);
  json["backend"] = text_or_null(m.backend);
  json["releases"] = text_or_null(m.releases);
  json["device"] = value_or_null(m.device);
  return json;
}

std::array<std::pair<const char*, const PrintedOrNot*>, 9> named_figures(const OomMessage& m) {
  return {{{"requested_bytes", &m.requested},
           {"total_bytes", &m.total},
           {"free_bytes", &m.free},
           {"limit_bytes", &m.limit},
           {"allocated_bytes", &m.allocated},
           {"reserved_bytes", &m.reserved},
           {"unallocated_bytes", &m.unallocated},
           {"private_free_bytes", &m.private_free},
           {"other_bytes", &m.other}}};
}

Json figures(const OomMessage& m) {
  Json json;
  for (const auto& [name, figure] : named_figures(m)) json[name] = bytes_or_null(*figure);
  return json;
}

Json precision(const OomMessage& m) {
  Json json;
  for (const auto& [name, figure] : named_figures(m)) {
    json[name] = *figure ? Json((*figure)->high - (*figure)->value) : Json(nullptr);
  }
  return json;
}

Json processes(const OomMessage& m, const MessageFindings& f) {
  Json json = Json::array();
  for (const trace::ProcessUse& use : m.processes) {
    json.push_back({{"pid", value_or_null(use.pid)},
                    {"bytes", bytes_or_null(use.bytes)},
                    {"self", !use.pid || (f.own_pid && use.pid == f.own_pid)}});
  }
  return json;
}

Json summary_row(const trace::SummaryRowOrNot& row, const char* suffix) {
  if (!row) return nullptr;
  const std::string end(suffix);
  return {{"current" + end, row->current.value},
          {"peak" + end, row->peak.value},
          {"allocated" + end, row->allocated.value},
          {"freed" + end, row->freed.value}};
}

Json summary(const trace::MemorySummary& s) {
  Json json;
  json["device"] = value_or_null(s.device);
  json["ooms"] = value_or_null(s.ooms);
  json["retries"] = value_or_null(s.retries);
  json["allocated"] = summary_row(s.allocated, "_bytes");
  json["active"] = summary_row(s.active, "_bytes");
  json["requested"] = summary_row(s.requested, "_bytes");
  json["reserved"] = summary_row(s.reserved, "_bytes");
  json["non_releasable"] = summary_row(s.non_releasable, "_bytes");
  json["allocations"] = summary_row(s.allocations, "");
  json["active_allocs"] = summary_row(s.active_allocs, "");
  json["segments"] = summary_row(s.segments, "");
  json["non_releasable_allocs"] = summary_row(s.non_releasable_allocs, "");
  json["oversize_allocations"] = summary_row(s.oversize_allocations, "");
  json["oversize_segments"] = summary_row(s.oversize_segments, "");
  return json;
}

Json evidence(const MessageFindings& f) {
  Json json;
  json["may_bytes"] = bytes_or_null(f.may);
  json["need_bytes"] = bytes_or_null(f.need);
  json["spare_bytes"] = bytes_or_null(f.spare);
  json["spare_plus_minus_bytes"] = f.spare ? Json((f.spare->high - f.spare->low + 1) / 2) : Json(nullptr);
  json["capacity_percent"] = analyze::kCapacityPercent;
  json["reserved_bytes"] = bytes_or_null(f.reserved);
  json["allocated_bytes"] = bytes_or_null(f.allocated);
  json["unallocated_bytes"] = bytes_or_null(f.unallocated);
  json["room_bytes"] = bytes_or_null(f.room);
  json["own_bytes"] = bytes_or_null(f.own);
  json["named_bytes"] = bytes_or_null(f.named);
  json["unlisted_bytes"] = bytes_or_null(f.unlisted);
  json["allowance_bytes"] = (f.own ? analyze::kDriverShare : analyze::kContextAllowance).value();
  json["tensor_more_than_bytes"] = f.tensor ? Json(f.tensor->more_than.value()) : Json(nullptr);
  json["tensor_at_most_bytes"] = f.tensor ? Json(f.tensor->at_most.value()) : Json(nullptr);
  return json;
}

Json evidence(const analyze::SummaryFindings& f) {
  Json json;
  json["free_bytes"] = bytes_or_null(f.free);
  json["releasable_bytes"] = bytes_or_null(f.releasable);
  json["holes_bytes"] = bytes_or_null(f.holes);
  json["rounding_bytes"] = bytes_or_null(f.rounding);
  json["pending_bytes"] = bytes_or_null(f.pending);
  json["notable_percent"] = analyze::kFreePercent;
  json["notable_bytes"] = analyze::kFreeBytes.value();
  return json;
}

Json verdict(const MessageExplanation& e) {
  Json json;
  json["kind"] = analyze::verdict_name(e.kind());
  json["also"] = Json::array();
  for (const analyze::VerdictKind kind : e.also()) json["also"].push_back(analyze::verdict_name(kind));
  json["headline"] = message_headline(e);
  json["evidence"] = e.findings ? evidence(*e.findings) : evidence(*e.on_summary);
  return json;
}

}  // namespace

std::string message_json(const MessageExplanation& explanation) {
  const trace::MessageFacts& facts = explanation.facts;
  const OomMessage found = facts.message.value_or(OomMessage{});
  Json json;
  json["schema"] = "unfrag.message/1";
  json["source"] = source(explanation);
  json["message"] = facts.message ? message(found) : Json(nullptr);
  json["later"] = later(facts.later);
  json["figures"] = figures(found);
  json["precision"] = precision(found);
  json["processes"] = processes(found, explanation.findings.value_or(MessageFindings{}));
  json["summary"] = facts.summary ? summary(*facts.summary) : Json(nullptr);
  json["verdict"] = verdict(explanation);
  json["notes"] = message_notes(explanation);
  json["cannot_tell"] = cannot_tell(explanation);
  json["record"] = record_lines(found);
  return json.dump();
}

}  // namespace unfrag::report
