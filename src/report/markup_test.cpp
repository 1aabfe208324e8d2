#include "report/markup.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "report/xml_for_tests.h"

namespace unfrag::report {
namespace {

TEST(Markup, LeavesNothingThatABrowserWouldObey) {
  EXPECT_EQ(markup("</title><script>alert('1' & \"2\")</script>"),
            "&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)&lt;/script&gt;");
  EXPECT_EQ(markup("&lt;b&gt;"), "&amp;lt;b&amp;gt;");
}

TEST(Markup, ShowsWhatXmlDoesNotAllow) {
  EXPECT_EQ(markup(std::string_view("a\0b\x1b\xff\xef\xbf\xbf", 8)), "a\\x00b\\x1b\\xff\\u{ffff}");
}

TEST(Markup, KeepsTextOfAnyLanguage) { EXPECT_EQ(markup("Größe 訓練.py:3"), "Größe 訓練.py:3"); }

TEST(NameInTable, KeepsTheEndOfALongName) {
  EXPECT_EQ(name_in_table("train.py:38 train"), "train.py:38 train");
  const std::string name = name_in_table(std::string(5000, 'x') + "/train.py:38 train");
  EXPECT_EQ(display_width(name), 120U);
  EXPECT_TRUE(name.ends_with("/train.py:38 train"));
}

TEST(XmlForTests, FindsWhatIsNotWellFormed) {
  EXPECT_EQ(XmlForTests("<a b=\"1\" c=\"&lt;\"><d/>x &amp; y</a>\n").problem, "");
  EXPECT_EQ(XmlForTests("<a b=\"&lt;\">1 &gt; 0</a>").text, "1 > 0");
  for (const char* wrong : {"<a>", "</a>", "<a><b></a></b>", "<a b></a>", "<a b=\"1\" b=\"2\"/>", "<a b=\"<\"/>",
                            "<a>&nbsp;</a>", "<a>&</a>", "<a b=\"1", "x", "<a>\x1b</a>"}) {
    EXPECT_NE(XmlForTests(wrong).problem, "") << wrong;
  }
}

}  // namespace
}  // namespace unfrag::report
