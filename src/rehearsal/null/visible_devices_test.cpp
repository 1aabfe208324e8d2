#include "rehearsal/null/visible_devices.h"

#include <gtest/gtest.h>

namespace unfrag::null {
namespace {

TEST(VisibleDevices, AreAllWhereNothingIsSaid) { EXPECT_EQ(visible_devices(nullptr, 4), 4); }

TEST(VisibleDevices, AreNoneWhereNoneIsNamed) {
  EXPECT_EQ(visible_devices("", 4), 0);
  EXPECT_EQ(visible_devices("-1", 4), 0);
  EXPECT_EQ(visible_devices("NoDevFiles", 4), 0);
}

TEST(VisibleDevices, AreAsManyAsAreNamedAndPresented) {
  EXPECT_EQ(visible_devices("0", 4), 1);
  EXPECT_EQ(visible_devices("2, 3", 4), 2);
  EXPECT_EQ(visible_devices("5", 1), 1);
  EXPECT_EQ(visible_devices("0,1,2,3", 2), 2);
  EXPECT_EQ(visible_devices("GPU-8932f937,MIG-3eb87630", 4), 2);
}

TEST(VisibleDevices, EndAtTheFirstNameThatIsNone) {
  EXPECT_EQ(visible_devices("0,1,-1,2", 4), 2);
  EXPECT_EQ(visible_devices("1,all", 4), 1);
}

TEST(VisibleDevices, AreNoneWhereOneIsNamedTwice) { EXPECT_EQ(visible_devices("0,1,0", 4), 0); }

TEST(MachineDevices, GoUpToTheLastThatIsNamed) {
  EXPECT_EQ(machine_devices(nullptr, 2), 2);
  EXPECT_EQ(machine_devices("0", 2), 2);
  EXPECT_EQ(machine_devices("3", 1), 4);
  EXPECT_EQ(machine_devices("2147483646", 1), 64);
}

}  // namespace
}  // namespace unfrag::null
