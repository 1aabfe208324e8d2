#include "analyze/code_match.h"

#include <gtest/gtest.h>

#include <string_view>

#include "trace/builder.h"

namespace unfrag::analyze {
namespace {

/// Two recordings, of which only the frames count.
class CodeMatchTest : public testing::Test {
 protected:
  static trace::Frame add(trace::Builder& to, std::string_view file, uint32_t line, std::string_view function) {
    return to.trace
        .frames[to.intern(trace::Frame{.name = to.intern(function), .filename = to.intern(file), .line = line})];
  }
  trace::Frame in_a(std::string_view file, uint32_t line, std::string_view function) {
    return add(a_, file, line, function);
  }
  trace::Frame in_b(std::string_view file, uint32_t line, std::string_view function) {
    return add(b_, file, line, function);
  }
  /// Requires: all frames have been added.
  [[nodiscard]] bool same(const trace::Frame& in_a, const trace::Frame& in_b) const {
    const CodeMatch match(a_.trace, b_.trace);
    return match.key_in_a(in_a) == match.key_in_b(in_b);
  }

  trace::Builder a_, b_;
};

TEST_F(CodeMatchTest, TellsALineByFileLineAndFunction) {
  const auto a = in_a("/x/train.py", 7, "f");
  in_b("/x/train.py", 7, "g");
  in_b("/x/model.py", 7, "f");
  const auto b = in_b("/x/train.py", 7, "f");
  EXPECT_TRUE(same(a, b));
  EXPECT_FALSE(same(a, in_b("/x/train.py", 7, "g")));
  EXPECT_FALSE(same(a, in_b("/x/model.py", 7, "f")));
}

TEST_F(CodeMatchTest, FollowsALineThatAnEditMoved) {
  const auto a38 = in_a("train.py", 38, "f"), a39 = in_a("train.py", 39, "f");
  const auto b39 = in_b("train.py", 39, "f"), b40 = in_b("train.py", 40, "f");
  EXPECT_TRUE(same(a38, b39));
  EXPECT_TRUE(same(a39, b40));
  EXPECT_FALSE(same(a39, b39));
}

TEST_F(CodeMatchTest, LeavesALineAloneWhereTheRestOfItsFileStandsStill) {
  for (uint32_t line = 1; line < 9; ++line) in_a("train.py", 10 * line, "f"), in_b("train.py", 10 * line, "f");
  const auto a = in_a("train.py", 41, "f");
  const auto b = in_b("train.py", 44, "f");
  EXPECT_FALSE(same(a, b));
  EXPECT_TRUE(same(in_a("train.py", 80, "f"), in_b("train.py", 80, "f")));
}

TEST_F(CodeMatchTest, KnowsAFileInAnotherFolder) {
  const auto a = in_a("/ci/1/project/train.py", 7, "f");
  const auto b = in_b("C:\\ci\\2\\project\\train.py", 7, "f");
  EXPECT_TRUE(same(a, b));
}

TEST_F(CodeMatchTest, TellsFilesOfOneNameApartByTheirFolders) {
  const auto data = in_a("/ci/1/data/utils.py", 7, "f"), model = in_a("/ci/1/model/utils.py", 7, "f");
  const auto b = in_b("/ci/2/model/utils.py", 7, "f");
  EXPECT_FALSE(same(data, b));
  EXPECT_TRUE(same(model, b));
}

TEST_F(CodeMatchTest, KnowsACopyOfAFileByItsFunctions) {
  const auto a = in_a("/x/train.py", 7, "step");
  in_a("/x/train.py", 20, "main");
  in_a("/x/model.py", 5, "forward");
  const auto b = in_b("/x/train_v2.py", 7, "step");
  in_b("/x/train_v2.py", 22, "main");
  in_b("/x/model.py", 5, "forward");
  const auto other = in_b("/x/new.py", 7, "load");
  EXPECT_TRUE(same(a, b));
  EXPECT_FALSE(same(a, other));
}

TEST_F(CodeMatchTest, TakesNoFileForACopyThatHasMostlyOtherFunctions) {
  const auto a = in_a("/x/train.py", 7, "main");
  for (const char* function : {"step", "save", "load"}) in_a("/x/train.py", 9, function);
  const auto b = in_b("/x/serve.py", 7, "main");
  EXPECT_FALSE(same(a, b));
}

TEST_F(CodeMatchTest, DoesNotGuessWhichOfTwoFilesItIs) {
  const auto a = in_a("/one/utils.py", 7, "f");
  const auto b = in_b("/two/utils.py", 7, "f"), c = in_b("/three/utils.py", 7, "f");
  EXPECT_FALSE(same(a, b));
  EXPECT_FALSE(same(a, c));
}

}  // namespace
}  // namespace unfrag::analyze
