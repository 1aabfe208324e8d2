// The compiled module unfrag._core: what Python calls of the core, translated and no more. unfrag/ is the package for
// people; nothing here has a meaning of its own.
#include <nanobind/nanobind.h>

#include "bindings/classes.h"
#include "bindings/errors.h"

NB_MODULE(_core, module) {
  nanobind::set_leak_warnings(false);  // a thread that lives longer than the interpreter may hold what it likes
  module.attr("version") = UNFRAG_VERSION;
  unfrag::bindings::register_errors();
  unfrag::bindings::add_table(module);
  unfrag::bindings::add_reports(module);
  unfrag::bindings::add_recording(module);
}
