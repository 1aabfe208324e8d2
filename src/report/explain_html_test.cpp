#include "report/explain_html.h"

#include <gtest/gtest.h>

#include <string>

#include "report/random_explanation.h"
#include "report/xml_for_tests.h"

namespace unfrag::report {
namespace {

using analyze::DeviceFindings;
using analyze::Explanation;

TEST(ExplainHtml, IsWellFormedAndHasNoScriptWhateverTheTexts) {
  for (uint32_t seed = 1; seed <= 1000; ++seed) {
    const XmlForTests xml(explain_html(RandomExplanation(seed).make()));
    ASSERT_EQ(xml.problem, "") << "seed " << seed;
    ASSERT_EQ(xml.elements.front().name, "div");
    ASSERT_EQ(xml.count("div"), 1U);
    ASSERT_EQ(xml.count("script"), 0U) << "seed " << seed;
    for (const XmlElement& element : xml.elements) {
      ASSERT_EQ(element.attributes.count("id") + element.attributes.count("href"), 0U);
    }
  }
}

TEST(ExplainHtml, ListsTheLargestHoldersAndSumsTheOthers) {
  RandomExplanation random(1);
  Explanation e = random.make();
  e.devices.assign(1, {});
  e.chosen = 0;
  e.grouping = analyze::Grouping::kStream;
  DeviceFindings& d = e.devices.front();
  for (uint64_t i = 1; i <= 12; ++i) {
    analyze::Holder& holder = d.holders.emplace_back();
    holder.stream = static_cast<int64_t>(i);
    holder.at = holder.at_peak = {.bytes = Bytes(i << 20), .blocks = i};
  }
  const std::string text = XmlForTests(explain_html(e)).text;
  EXPECT_NE(text.find("by stream"), std::string::npos);
  EXPECT_NE(text.find("stream 10"), std::string::npos);
  EXPECT_EQ(text.find("stream 11"), std::string::npos);
  EXPECT_NE(text.find("23.00 MiB23.00 MiB232 more"), std::string::npos) << text;  // 11 + 12
  EXPECT_NE(text.find("78.00 MiB78.00 MiB78TOTAL"), std::string::npos);
}

TEST(ExplainHtml, SaysWhyThereIsNothingToSee) {
  Explanation e = RandomExplanation(1).make();
  e.devices.clear();
  e.host.clear();
  const std::string text = XmlForTests(explain_html(e)).text;
  EXPECT_NE(text.find("Nothing to see"), std::string::npos);
  EXPECT_EQ(text.find("Next:"), std::string::npos);
}

TEST(ExplainHtml, StaysSmallWithVeryManyOfEverything) {
  Explanation e = RandomExplanation(3).make();
  e.devices.assign(1, {});
  e.chosen = 0;
  DeviceFindings& d = e.devices.front();
  d.holders.resize(5000);
  d.warnings.assign(5000, std::string(200, '<'));
  EXPECT_LT(explain_html(e).size(), 40'000U);
}

}  // namespace
}  // namespace unfrag::report
