#include "ingest/squeeze.h"

#include <gtest/gtest.h>

#include <string>

namespace unfrag::ingest {
namespace {

TEST(Squeeze, JoinsWhatATerminalBrokeInTheMiddleOfANumber) {
  EXPECT_EQ(squeeze("14.\r\n  76 Gi\nB total"), "14.76GiBtotal");
}

TEST(Squeeze, DropsColoursAsBytesAndWrittenOut) {
  EXPECT_EQ(squeeze("\x1b[0;31mOutOfMemoryError\x1b[0m: CUDA"), "OutOfMemoryError:CUDA");
  EXPECT_EQ(squeeze("\\u001b[0;31mOutOfMemoryError\\u001b[0m: CUDA\\n"), "OutOfMemoryError:CUDA");
  EXPECT_EQ(squeeze("\x1b]8;;https://x\aHIP"), "HIP");
}

TEST(Squeeze, DropsHtmlButKeepsComparisons) {
  EXPECT_EQ(squeeze("<span class=\"ansi-red\">CUDA</span> 14.76&nbsp;GiB &gt;&gt; 3 < 4"), "CUDA14.76GiB34");
}

TEST(Squeeze, DropsTheBoxesAroundTracebacksAndTheQuotesOfMail) {
  EXPECT_EQ(squeeze("│ CUDA out of │\n│ memory. │"), "CUDAoutofmemory.");
  EXPECT_EQ(squeeze("> CUDA out of\n> memory."), "CUDAoutofmemory.");
}

TEST(Squeeze, ReadsSixteenBitText) {
  EXPECT_EQ(squeeze(std::string("\xff\xfe"
                                "C\0U\0D\0A\0 \0",
                                12)),
            "CUDA");
}

TEST(Squeeze, SurvivesEscapesThatNeverEnd) {
  EXPECT_EQ(squeeze("\x1b"), "");
  EXPECT_EQ(squeeze("\x1b["), "");
  EXPECT_EQ(squeeze("\\"), "");
  EXPECT_EQ(squeeze("&"), "");
  EXPECT_EQ(squeeze("<"), "");
  EXPECT_EQ(squeeze("\x1b[" + std::string(100, ';') + "CUDA"), std::string(100, ';') + "CUDA");
  EXPECT_EQ(squeeze("<a" + std::string(300, '.')), "a" + std::string(300, '.'));
}

}  // namespace
}  // namespace unfrag::ingest
