// Findings as Python holds them: what a report needs, rendered when it is asked for.
#pragma once

#include <memory>

#include "advise/advice.h"
#include "analyze/explanation.h"
#include "analyze/message_verdict.h"
#include "app/diff.h"
#include "replay/replayed.h"

namespace unfrag::bindings {

using SharedExplanation = std::shared_ptr<const analyze::Explanation>;

struct PyExplanation {
  SharedExplanation explanation;
  replay::ReadOptions read{};  ///< As it was asked for.
};

struct PyReplay {
  std::shared_ptr<const replay::Replayed> replayed;
};

struct PyAdvice {
  SharedExplanation explanation;
  std::shared_ptr<const advise::Advice> advice;
};

struct PyComparison {
  std::shared_ptr<const app::Comparison> comparison;
};

struct PyMessage {
  std::shared_ptr<const analyze::MessageExplanation> message;
};

}  // namespace unfrag::bindings
