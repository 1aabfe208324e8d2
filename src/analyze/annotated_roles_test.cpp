#include "analyze/annotated_roles.h"

#include <gtest/gtest.h>

#include <string_view>

#include "trace/builder.h"

namespace unfrag::analyze {
namespace {

class AnnotatedRole : public testing::Test {
 protected:
  AnnotatedRole() {
    for (int64_t time = 0; time < 100; ++time) builder_.add_event({.time_us = time});
  }
  void scope(std::string_view name, int64_t begin, int64_t end, int device = 0) {
    const trace::StringIdx idx = builder_.intern(name);
    builder_.trace.annotations.push_back({idx, trace::Stage::kStart, device, begin});
    builder_.trace.annotations.push_back({idx, trace::Stage::kEnd, device, end});
  }
  AnnotatedRoles roles() { return {builder_.trace, trace::Device{}}; }
  trace::Builder builder_;
};

TEST_F(AnnotatedRole, IsThatOfTheScopeAroundAnEntry) {
  scope("Optimizer.step#AdamW.step", 10, 20);
  scope("Optimizer.zero_grad#AdamW.zero_grad", 30, 40);
  EXPECT_EQ(roles().at(9), Role::kNoFrames);
  EXPECT_EQ(roles().at(15), Role::kUpdate);
  EXPECT_EQ(roles().at(25), Role::kNoFrames);
  EXPECT_EQ(roles().at(35), Role::kZeroGrad);
  EXPECT_TRUE(roles().begins_after(5, Role::kUpdate));
  EXPECT_FALSE(roles().begins_after(10, Role::kUpdate));
}

TEST_F(AnnotatedRole, IsThatOfTheInnermostScopeThatTells) {
  scope("Optimizer.step#LBFGS.step", 10, 60);
  scope("my closure", 15, 50);
  scope("## forward ##", 20, 30);
  EXPECT_EQ(roles().at(17), Role::kUpdate);
  EXPECT_EQ(roles().at(25), Role::kForward);
  EXPECT_EQ(roles().at(35), Role::kUpdate);
}

TEST_F(AnnotatedRole, IgnoresOtherDevicesAndUnclearWords) {
  scope("Optimizer.step#SGD.step", 10, 20, 1);
  scope("forward_backward", 30, 40);
  scope("fastforwarded", 50, 60);
  EXPECT_EQ(roles().at(15), Role::kNoFrames);
  EXPECT_EQ(roles().at(35), Role::kNoFrames);
  EXPECT_EQ(roles().at(55), Role::kNoFrames);
}

}  // namespace
}  // namespace unfrag::analyze
