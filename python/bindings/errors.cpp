#include "bindings/errors.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <array>

#include "base/text.h"

namespace nb = nanobind;

namespace unfrag::bindings {
namespace {

/// By the numbers of ErrorKind.
constexpr std::array kClasses = {"UsageError", "BadInputError", "MissingError", "OutputError"};

void set_error(const Failure& failure) {
  const nb::object type = nb::module_::import_("unfrag.errors").attr(kClasses[static_cast<size_t>(failure.error.kind)]);
  const nb::object exception = type(error_text(failure.error, failure.file));
  exception.attr("where") = failure.error.where;
  exception.attr("what") = failure.error.what;
  exception.attr("action") = failure.error.action;
  exception.attr("file") = failure.file;
  PyErr_SetObject(type.ptr(), exception.ptr());
}

}  // namespace

void register_errors() {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Failure& failure) {
      set_error(failure);
    }
  });
}

}  // namespace unfrag::bindings
