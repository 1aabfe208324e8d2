// A verdict in one sentence of plain English, with the bytes that prove it. Threads: pure function.
#pragma once

#include <string>

#include "analyze/explanation.h"
#include "report/names.h"

namespace unfrag::report {

/// `request`: the failed request the verdict is about; null for one that somebody might make, or for a state.
std::string headline(const Names& names, const analyze::DeviceFindings& findings, const analyze::Verdict& verdict,
                     const analyze::FailedRequest* request);

/// What the sentence leaves out, or what to record next time where it could not decide; may be empty.
std::string advice(const analyze::Verdict& verdict, const trace::Dialect& dialect);

}  // namespace unfrag::report
