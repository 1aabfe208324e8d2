#include "report/kinds_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace unfrag::report {
namespace {

using analyze::MemoryKind;

analyze::DeviceFindings findings() {
  analyze::DeviceFindings found;
  for (size_t i = 0; i < found.kinds.size(); ++i) found.kinds[i].kind = static_cast<MemoryKind>(i);
  found.curves.allocated.entry = 7;
  return found;
}

std::string text_of(const analyze::DeviceFindings& found) {
  Page page(80, true, false);
  write_kinds(page, found);
  return std::move(page).take();
}

TEST(KindsText, ListsTheKindsThatAreThereWithTheirShares) {
  analyze::DeviceFindings found = findings();
  found.kinds[0].at = {3_MiB, 2};
  found.kinds[0].at_peak = {3_MiB, 2};
  found.kinds[2].at_peak = {1_MiB, 1};
  EXPECT_EQ(text_of(found),
            "\nWhat kind of memory it is\n"
            "          now         at the peak          blocks\n"
            "     3.00 MiB 100.0 %    3.00 MiB  75.0 %       2 parameters\n"
            "          0 B   0.0 %    1.00 MiB  25.0 %       0 optimizer state\n");
}

TEST(KindsText, ShowsThePeakOnceWhereItIsTheMoment) {
  analyze::DeviceFindings found = findings();
  found.kinds[6].at = found.kinds[6].at_peak = {1_MiB, 1};
  found.kinds[1].at = found.kinds[1].at_peak = {1_MiB, 1};
  found.at_entry = 7;
  found.at_kind = analyze::Moment::kPeak;
  EXPECT_EQ(text_of(found),
            "\nWhat kind of memory it is\n"
            "         then          blocks\n"
            "     1.00 MiB  50.0 %       1 gradients\n"
            "     1.00 MiB  50.0 %       1 unknown\n");
}

TEST(KindsText, SaysNothingWhereNothingIsKnown) {
  analyze::DeviceFindings found = findings();
  found.kinds[6].at = {3_MiB, 2};
  EXPECT_EQ(text_of(found), "");
}

}  // namespace
}  // namespace unfrag::report
