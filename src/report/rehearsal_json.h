// A rehearsal as JSON, schema unfrag.rehearse/1 (docs/format/rehearse.md). Threads: pure function.
#pragma once

#include <string>

#include "report/rehearsal.h"

namespace unfrag::report {

/// One line without the line feed.
std::string rehearsal_json(const Rehearsal& rehearsal);

}  // namespace unfrag::report
