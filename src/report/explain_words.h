// What a report about a recording says in sentences, the same in text and HTML. What came from the file is escaped, but
// not as markup. Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "analyze/explanation.h"

namespace unfrag::report {

/// "oom.pickle: a memory snapshot of PyTorch 2.9 or later, 1.20 MiB".
std::string about_recording(const analyze::Explanation& explanation);
/// Of a recording without segments and without a trace: why that may be.
std::string nothing_to_see(const analyze::Explanation& explanation);
/// What the recording covers, and what to record to know more.
std::string coverage(const analyze::Explanation& explanation, const analyze::DeviceFindings& findings);
/// "healthy, 3.00 GiB reserved, 1.40 GiB allocated, 116 trace entries".
std::string device_summary(const analyze::DeviceFindings& findings);
/// Of the file and of all devices.
std::vector<std::string> all_warnings(const analyze::Explanation& explanation);
/// Whether other settings are worth trying on it.
bool worth_advising(const analyze::DeviceFindings& findings);

}  // namespace unfrag::report
