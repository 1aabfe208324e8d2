#include "base/text.h"

#include <gtest/gtest.h>

namespace unfrag {
namespace {

TEST(FormatBytes, UsesIecUnitsAndTwoDecimals) {
  EXPECT_EQ(format_bytes(0_B), "0 B");
  EXPECT_EQ(format_bytes(1023_B), "1023 B");
  EXPECT_EQ(format_bytes(1_KiB), "1.00 KiB");
  EXPECT_EQ(format_bytes(Bytes((1 << 20) - 1)), "1.00 MiB");
  EXPECT_EQ(format_bytes(Bytes((1 << 20) - 6 * 1024)), "1018.00 KiB");
  EXPECT_EQ(format_bytes(1509949440_B), "1.41 GiB");
  EXPECT_EQ(format_bytes(Bytes(1536 << 20)), "1.50 GiB");
  EXPECT_EQ(format_bytes(Bytes(UINT64_MAX)), "16384.00 PiB");
}

TEST(FormatCount, GroupsThousands) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567), "1,234,567");
}

TEST(EscapeText, KeepsPlainTextOfAnyLanguage) {
  EXPECT_EQ(escape_text("C:\\a\\train.py – Größe 訓練"), "C:\\a\\train.py – Größe 訓練");
}

TEST(EscapeText, MakesControlsEscapesAndDirectionMarksVisible) {
  EXPECT_EQ(escape_text("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(escape_text("a\nb\r\t"), "a\\x0ab\\x0d\\x09");
  EXPECT_EQ(escape_text("\xe2\x80\xae"), "\\u{202e}");
  EXPECT_EQ(escape_text("\xc2\x9b"), "\\x9b");
}

TEST(EscapeText, MakesVisibleWhatUnicodeReservesAsNoCharacter) {
  EXPECT_EQ(escape_text("\xef\xbf\xbe \xef\xbf\xbf \xf0\x9f\xbf\xbf"), "\\u{fffe} \\u{ffff} \\u{1ffff}");
  EXPECT_EQ(escape_text("\xef\xb7\x90"), "\\u{fdd0}");
}

TEST(MendUtf8, KeepsWhatPythonDecodes) {
  EXPECT_EQ(mend_utf8("a\x1b – Größe 訓練\n"), "a\x1b – Größe 訓練\n");
  EXPECT_EQ(mend_utf8("a\xed\xb3\xbf"), "a\xed\xb3\xbf");  // a lone surrogate
}

TEST(MendUtf8, ReplacesEachByteThatIsNoUtf8) {
  EXPECT_EQ(mend_utf8("a\xff\xc0z"), "a\xef\xbf\xbd\xef\xbf\xbdz");
  EXPECT_EQ(mend_utf8("\xed\xb3"), "\xef\xbf\xbd\xef\xbf\xbd");  // cut off
}

TEST(EscapeText, ShowsInvalidUtf8ByteByByte) {
  EXPECT_EQ(escape_text("\xff\xc0\xaf"), "\\xff\\xc0\\xaf");
  EXPECT_EQ(escape_text("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(escape_text("\xe2\x80"), "\\xe2\\x80");           // cut off
}

TEST(FitLeft, PadsOrKeepsTheTail) {
  EXPECT_EQ(fit_left("abc", 5, true), "abc  ");
  EXPECT_EQ(fit_left("abcdef", 4, true), "…def");
  EXPECT_EQ(fit_left("abcdef", 4, false), "~def");
  EXPECT_EQ(fit_left("äöüß", 3, true), "…üß");
  EXPECT_EQ(fit_left("訓練", 4, true), "訓練");
  EXPECT_EQ(fit_left("訓練所", 4, true), "…所 ");
}

TEST(ParseSize, TakesBytesAndUnits) {
  EXPECT_EQ(*parse_size("4096"), 4096_B);
  EXPECT_EQ(*parse_size("8GiB"), 8_GiB);
  EXPECT_EQ(*parse_size("1.5 MiB"), Bytes(3 << 19));
  EXPECT_EQ(*parse_size("2GB"), Bytes(2000000000));
}

TEST(ParseSize, RefusesWhatIsNoSize) {
  for (const char* text : {"", "GiB", "1.2.3", "-1", "8XiB", "99999999999TiB"}) {
    EXPECT_FALSE(parse_size(text).ok()) << text;
  }
}

}  // namespace
}  // namespace unfrag
