// What each file of the bindings adds to the module.
#pragma once

#include <nanobind/nanobind.h>

namespace unfrag::bindings {

void add_table(nanobind::module_& module);
void add_reports(nanobind::module_& module);
void add_recording(nanobind::module_& module);

}  // namespace unfrag::bindings
