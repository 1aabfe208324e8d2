// The types of operations that the stand-in for cuDNN (dnn_for_tests.cpp) knows, and what it makes of them.
#pragma once

namespace unfrag::dnn_for_tests {

enum Operation {
  kForward = 10,
  kFilter = 11,
  kData = 12,
  kCrashes = 13,
  kHangs = 14,
  kRefused = 18,
  kPlanCrashes = 19
};

}  // namespace unfrag::dnn_for_tests
