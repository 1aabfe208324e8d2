// Writes the pictures and the HTML that a notebook shows of a recording into a folder, for test_pictures.py and for
// looking at them in a browser: draw_pictures FILE FOLDER. Not shipped; the Python package shows them to users.
#include <cstdio>
#include <fstream>
#include <string>

#include "app/advise.h"
#include "app/explain.h"
#include "app/replay.h"
#include "report/address_space_svg.h"
#include "report/advice_html.h"
#include "report/explain_html.h"
#include "report/replay_html.h"
#include "report/timeline_svg.h"

namespace {

using namespace unfrag;

bool write(const std::string& folder, const std::string& name, const std::string& text) {
  std::ofstream file(folder + "/" + name, std::ios::binary);
  return static_cast<bool>(file << text);
}

bool draw(const analyze::Explanation& explanation, const std::string& folder) {
  const analyze::DeviceFindings& findings = explanation.devices[explanation.chosen];
  return write(folder, "timeline.svg", report::timeline_svg(findings)) &&
         write(folder, "explain.html", report::explain_html(explanation)) &&
         write(folder, "address_space.svg",
               report::address_space_svg(explanation, findings, app::memory_of(explanation, findings, {})));
}

/// What a replay tells, where there is anything to replay.
bool write_replays(const analyze::Explanation& explanation, const std::string& folder) {
  const auto advice = app::advise(explanation, {});
  if (advice && !write(folder, "advise.html", report::advice_html(explanation, *advice))) return false;
  app::ReplayOptions options;
  const auto exact = app::replay(explanation.path, options);
  if (exact && !write(folder, "replay.html", report::replay_html(*exact))) return false;
  options.conf = "expandable_segments:True";
  const auto what_if = app::replay(explanation.path, options);
  return !what_if || write(folder, "what_if.html", report::replay_html(*what_if));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: draw_pictures FILE FOLDER\n");
    return 2;
  }
  const auto explanation = app::explain(argv[1], {});
  if (!explanation || explanation->devices.empty()) {
    std::fprintf(stderr, "draw_pictures: %s: no GPU to draw\n", argv[1]);
    return 3;
  }
  return draw(*explanation, argv[2]) && write_replays(*explanation, argv[2]) ? 0 : 5;
}
