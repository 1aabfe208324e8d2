#include "report/html.h"

#include <gtest/gtest.h>

#include "report/xml_for_tests.h"

namespace unfrag::report {
namespace {

TEST(Html, EscapesWhateverItIsGiven) {
  const std::string evil = "</div><script>alert(1)</script>\x1b & \"quoted\"";
  Html html;
  html.paragraph(evil, Tone::kAlarm);
  html.code(evil);
  html.list(evil, {evil});
  html.table({{evil, true}, {""}}, {{evil, evil}, {evil, evil}}, true);
  const std::string text = std::move(html).take();
  const XmlForTests xml(text);
  EXPECT_EQ(xml.problem, "");
  EXPECT_EQ(xml.count("script"), 0U);
  EXPECT_EQ(text.find("<script"), std::string::npos);
}

TEST(Html, KeepsItsStyleToItself) {
  const std::string text = Html().take();
  const size_t begin = text.find("<style>") + 7;
  std::string_view style = std::string_view(text).substr(begin, text.find("</style>") - begin);
  while (!style.empty()) {
    const std::string_view selectors = style.substr(0, style.find('{'));
    for (size_t at = 0; at != std::string_view::npos; at = selectors.find(',', at + 1)) {
      EXPECT_TRUE(selectors.substr(at == 0 ? 0 : at + 1).starts_with(".unfrag-report")) << selectors;
    }
    style.remove_prefix(style.find('}') + 1);
  }
}

TEST(Html, CutsWhatNobodyReads) {
  Html html;
  html.paragraph(std::string(1 << 20, '&'));
  html.table({{"a"}}, {{std::string(1 << 20, 'x') + "train.py:38"}});
  html.list("b", std::vector<std::string>(1000, "c"));
  const std::string text = std::move(html).take();
  EXPECT_LT(text.size(), 20'000U);
  EXPECT_NE(text.find("xtrain.py:38"), std::string::npos);
  EXPECT_NE(text.find("and 990 more"), std::string::npos);
}

TEST(Html, WritesNoListWithoutItems) {
  Html html;
  html.list("Warnings", {});
  EXPECT_EQ(std::move(html).take().find("Warnings"), std::string::npos);
}

}  // namespace
}  // namespace unfrag::report
