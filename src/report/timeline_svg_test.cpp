#include "report/timeline_svg.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "report/xml_for_tests.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Usage;

/// Of `points` stretches of ten entries, with a random walk of memory in use.
DeviceFindings walk(size_t points) {
  std::mt19937_64 random(7);
  DeviceFindings d;
  d.events = static_cast<uint32_t>(points * 10);
  d.complete = true;
  uint64_t held = 1 << 30;
  for (size_t i = 0; i < points; ++i) {
    held = std::max<uint64_t>(1 << 20, held + random() % (64 << 20) - (32 << 20));
    const Usage usage = {Bytes(held), Bytes(held), Bytes(held - 1000), Bytes(held + (100 << 20))};
    const auto entry = static_cast<uint32_t>(i * 10 + 9);
    d.curves.timeline.push_back({entry, usage});
    for (const auto& [peak, bytes] :
         {std::pair(&d.curves.allocated, usage.allocated), std::pair(&d.curves.active, usage.active),
          std::pair(&d.curves.requested, usage.requested), std::pair(&d.curves.reserved, usage.reserved)}) {
      if (bytes > peak->bytes) *peak = {bytes, entry};
    }
  }
  return d;
}

/// The data of the drawn curves: reserved, (active,) allocated, requested.
std::vector<std::string> curve_data(const std::string& svg) {
  std::vector<std::string> data;
  for (const XmlElement& element : XmlForTests(svg).elements) {
    if (element.name != "path") continue;
    const std::string& d = element.attributes.at("d");
    if (d.find('H') != std::string::npos) data.push_back(d);
  }
  return data;
}

TEST(TimelineSvg, IsWellFormedAndNamesThePeakWithItsExactBytes) {
  DeviceFindings d = walk(50);
  d.curves.allocated = d.curves.active = {1503238656_B, 123456};
  const XmlForTests xml(timeline_svg(d));
  EXPECT_EQ(xml.problem, "");
  EXPECT_EQ(xml.elements.front().attributes.at("role"), "img");
  const std::string& label = xml.elements.front().attributes.at("aria-label");
  EXPECT_NE(label.find("peak allocated and active 1.40 GiB (1,503,238,656 bytes) after entry 123,456"),
            std::string::npos)
      << label;
  EXPECT_NE(xml.text.find("1,503,238,656 bytes"), std::string::npos);
}

TEST(TimelineSvg, StaysSmallHoweverLongTheRecording) {
  DeviceFindings d = walk(5000);
  for (auto& point : d.curves.timeline) point.highest.allocated -= 500000_B;  // so that all four curves are drawn
  for (uint32_t i = 0; i < 10000; ++i) d.ooms.push_back({.entry = i * 5, .rounded = 2_MiB});
  const std::string svg = timeline_svg(d);
  EXPECT_LT(svg.size(), 20'000U);
  EXPECT_EQ(XmlForTests(svg).problem, "");
  EXPECT_NE(svg.find("Out of memory 10,000 times, first at entry 0"), std::string::npos);
}

TEST(TimelineSvg, KeepsAPeakOfOnePointWhenItThins) {
  DeviceFindings d = walk(5000);
  for (auto& point : d.curves.timeline) point.highest = {1_MiB, 1_MiB, 1_MiB, 1_GiB};
  d.curves.timeline[3333].highest.allocated = 512_MiB;
  d.curves.timeline[3333].highest.active = 512_MiB;
  d.curves.allocated = d.curves.active = {512_MiB, 33339};
  d.curves.reserved = {1_GiB, 0};
  const std::string allocated = curve_data(timeline_svg(d)).at(1);
  EXPECT_EQ(std::ranges::count(allocated, 'V'), 4) << allocated;  // up, to the peak, back, and down to the axis
}

TEST(TimelineSvg, HasNoIdNoScriptNoStyleSheetAndNoAddress) {
  const XmlForTests xml(timeline_svg(walk(300)));
  for (const XmlElement& element : xml.elements) {
    EXPECT_NE(element.name, "script");
    EXPECT_NE(element.name, "style");
    for (const auto& [name, value] : element.attributes) {
      EXPECT_NE(name, "id");
      EXPECT_EQ(name.find("href"), std::string::npos);
      EXPECT_FALSE(name.starts_with("on")) << name;
      EXPECT_EQ(value.find("url("), std::string::npos);
    }
  }
}

TEST(TimelineSvg, ShowsWhatWaitsForOtherStreamsOnlyWhereAnythingDoes) {
  DeviceFindings d = walk(20);
  EXPECT_EQ(curve_data(timeline_svg(d)).size(), 3U);
  d.curves.timeline[4].highest.active += 4_MiB;
  const std::string svg = timeline_svg(d);
  EXPECT_EQ(curve_data(svg).size(), 4U);
  EXPECT_EQ(svg.find("allocated and active"), std::string::npos);
}

TEST(TimelineSvg, MarksEachRequestThatFailed) {
  DeviceFindings d = walk(100);
  d.ooms.push_back({.entry = 400, .rounded = 400_MiB});
  d.ooms.push_back({.entry = 900, .rounded = 1_GiB});
  d.ooms.push_back({.entry = 902, .rounded = 1_GiB});
  const std::string text = XmlForTests(timeline_svg(d)).text;
  EXPECT_NE(text.find("Out of memory at entry 400: 400.00 MiB requested"), std::string::npos);
  EXPECT_NE(text.find("Out of memory 2 times, first at entry 900"), std::string::npos);
  EXPECT_NE(text.find("Out of memory 3 times, first at entry 400"), std::string::npos);
}

TEST(TimelineSvg, SaysWhereFiguresAreLowerBoundsAndTheBeginningIsMissing) {
  DeviceFindings d = walk(100);
  d.allocated_is_lower_bound = true;
  d.complete = false;
  d.curves.reserved.entry = analyze::kBefore;
  const std::string text = XmlForTests(timeline_svg(d)).text;
  EXPECT_NE(text.find(" bytes or more"), std::string::npos);
  EXPECT_NE(text.find("the recording begins mid-way"), std::string::npos);
  EXPECT_NE(text.find("at the start"), std::string::npos);
  EXPECT_NE(text.find("each step is the highest of 10"), std::string::npos);
}

TEST(TimelineSvg, SaysThatThereIsNothingToDrawWithoutEntries) {
  const XmlForTests xml(timeline_svg(DeviceFindings{}));
  EXPECT_EQ(xml.problem, "");
  EXPECT_NE(xml.text.find("Device 0: no trace entries"), std::string::npos);
}

TEST(TimelineSvg, DrawsEvenFiguresThatContradictThemselves) {
  DeviceFindings d = walk(2);
  d.curves.timeline[1].highest = {Bytes(UINT64_MAX), Bytes(UINT64_MAX), Bytes(), Bytes()};
  d.curves.reserved.bytes = Bytes(UINT64_MAX);
  d.curves.allocated.entry = UINT32_MAX - 7;
  EXPECT_EQ(XmlForTests(timeline_svg(d)).problem, "");
  d.curves = {};
  d.curves.timeline.push_back({0, {}});
  d.events = 1;
  EXPECT_EQ(XmlForTests(timeline_svg(d)).problem, "");
}

}  // namespace
}  // namespace unfrag::report
