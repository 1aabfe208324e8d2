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
  exception.attr("where") = escape_text(failure.error.where);
  exception.attr("what") = escape_text(failure.error.what);
  exception.attr("action") = escape_text(failure.error.action);
  exception.attr("file") = nb::steal(PyUnicode_DecodeFSDefaultAndSize(failure.file.data(), failure.file.size()));
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
