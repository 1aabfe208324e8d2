#include "bindings/reports.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/explain.h"
#include "app/explain_message.h"
#include "bindings/classes.h"
#include "bindings/errors.h"
#include "bindings/table.h"
#include "report/address_space_svg.h"
#include "report/advice_html.h"
#include "report/advice_json.h"
#include "report/advice_text.h"
#include "report/diff_html.h"
#include "report/diff_json.h"
#include "report/diff_markdown.h"
#include "report/diff_text.h"
#include "report/explain_html.h"
#include "report/explain_json.h"
#include "report/explain_text.h"
#include "report/markup.h"
#include "report/message_json.h"
#include "report/message_text.h"
#include "report/replay_html.h"
#include "report/replay_json.h"
#include "report/replay_text.h"
#include "report/timeline_svg.h"
#include "table/findings_tables.h"

namespace nb = nanobind;

namespace unfrag::bindings {
namespace {

using ReleaseGil = nb::call_guard<nb::gil_scoped_release>;

report::TextOptions text_options(size_t width, bool color, bool stacks, size_t top) {
  return {.width = width, .color = color, .stacks = stacks, .top = top};
}

/// What every report has: json(), html() and text(...), which `render` gives.
template <class Class, class Json, class Html, class Render>
void add_forms(nb::class_<Class>& type, Json json, Html html, Render render) {
  type.def("json", std::move(json), ReleaseGil());
  type.def("html", std::move(html), ReleaseGil());
  type.def(
      "text",
      [render](const Class& self, size_t width, bool color, bool stacks, size_t top) {
        return render(self, text_options(width, color, stacks, top));
      },
      nb::arg("width") = 80, nb::arg("color") = false, nb::arg("stacks") = false, nb::arg("top") = 10, ReleaseGil());
}

const analyze::DeviceFindings* chosen(const PyExplanation& self) {
  const analyze::Explanation& e = *self.explanation;
  return e.devices.empty() ? nullptr : &e.devices[e.chosen];
}

/// Empty where the recording has no GPU.
std::string timeline_picture(const PyExplanation& self) {
  const analyze::DeviceFindings* const findings = chosen(self);
  return findings == nullptr ? std::string() : report::timeline_svg(*findings);
}
std::string address_space_picture(const PyExplanation& self) {
  const analyze::DeviceFindings* const findings = chosen(self);
  if (findings == nullptr) return {};
  const analyze::MemoryState state = app::memory_of(*self.explanation, *findings, self.read);
  return report::address_space_svg(*self.explanation, *findings, state);
}

void add_explanation(nb::module_& module) {
  nb::class_<PyExplanation> type(module, "Explanation");
  add_forms(
      type, [](const PyExplanation& self) { return report::explain_json(*self.explanation, {}); },
      [](const PyExplanation& self) { return report::explain_html(*self.explanation); },
      [](const PyExplanation& self, const report::TextOptions& options) {
        return report::explain_text(*self.explanation, options);
      });
  type.def("timeline_svg", &timeline_picture, ReleaseGil());
  type.def("address_space_svg", &address_space_picture, ReleaseGil());
  type.def("holders", [](const PyExplanation& self) { return to_python(table::holders_table(*self.explanation)); });
  type.def("timeline", [](const PyExplanation& self) { return to_python(table::timeline_table(*self.explanation)); });
}

void add_comparison(nb::module_& module) {
  nb::class_<PyComparison> type(module, "Comparison");
  add_forms(
      type,
      [](const PyComparison& self) { return report::diff_json(self.comparison->diff, self.comparison->gates, {}); },
      [](const PyComparison& self) { return report::diff_html(self.comparison->diff, self.comparison->gates); },
      [](const PyComparison& self, const report::TextOptions& options) {
        return report::diff_text(self.comparison->diff, self.comparison->gates, options);
      });
  type.def(
      "markdown",
      [](const PyComparison& self, size_t top) {
        return report::diff_markdown(self.comparison->diff, self.comparison->gates, top);
      },
      nb::arg("top") = 10, ReleaseGil());
  module.def(
      "diff",
      [](const PyExplanation& a, const PyExplanation& b, const std::vector<std::string>& fail_on) {
        std::vector<analyze::Gate> gates;
        for (const std::string& expression : fail_on) gates.push_back(value_of(analyze::parse_gate(expression)));
        return PyComparison{
            std::make_shared<const app::Comparison>(value_of(app::diff(*a.explanation, *b.explanation, gates)))};
      },
      nb::arg("a"), nb::arg("b"), nb::arg("fail_on") = std::vector<std::string>(), ReleaseGil());
}

/// Its text is short enough to be shown as it is.
std::string message_html(const PyMessage& self) {
  std::string html = "<pre>";
  const std::string text = report::message_text(*self.message, {});
  for (const auto line : std::views::split(std::string_view(text), '\n')) {
    html += report::markup(std::string_view(line.begin(), line.end())) + "\n";
  }
  return html + "</pre>";
}

void add_message(nb::module_& module) {
  nb::class_<PyMessage> type(module, "Message");
  add_forms(
      type, [](const PyMessage& self) { return report::message_json(*self.message); }, &message_html,
      [](const PyMessage& self, const report::TextOptions& options) {
        return report::message_text(*self.message, options);
      });
  module.def(
      "explain_message",
      [](const std::string& text, const std::string& name) {
        return PyMessage{
            std::make_shared<const analyze::MessageExplanation>(value_of(app::explain_message_text(text, name), name))};
      },
      nb::arg("text"), nb::arg("name"), ReleaseGil());
}

}  // namespace

void add_reports(nb::module_& module) {
  add_explanation(module);
  add_comparison(module);
  add_message(module);
  nb::class_<PyReplay> replay(module, "Replay");
  add_forms(
      replay, [](const PyReplay& self) { return report::replay_json(*self.replayed); },
      [](const PyReplay& self) { return report::replay_html(*self.replayed); },
      [](const PyReplay& self, const report::TextOptions& options) {
        return report::replay_text(*self.replayed, options);
      });
  nb::class_<PyAdvice> advice(module, "Advice");
  add_forms(
      advice, [](const PyAdvice& self) { return report::advice_json(*self.explanation, *self.advice); },
      [](const PyAdvice& self) { return report::advice_html(*self.explanation, *self.advice); },
      [](const PyAdvice& self, const report::TextOptions& options) {
        return report::advice_text(*self.explanation, *self.advice, options);
      });
}

}  // namespace unfrag::bindings
