#include "bindings/table.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "bindings/classes.h"
#include "table/arrow.h"

namespace nb = nanobind;

namespace unfrag::bindings {
namespace {

/// A struct of the interface in a capsule of the name that the interface gives it. Whoever takes the content marks it
/// as released; else the capsule releases it.
template <class Struct>
nb::capsule capsule_of(std::unique_ptr<Struct> filled, const char* name) {
  return nb::capsule(filled.release(), name, [](void* held) noexcept {
    const std::unique_ptr<Struct> owned(static_cast<Struct*>(held));
    if (owned->release != nullptr) owned->release(owned.get());
  });
}

nb::capsule schema_capsule(const PyTable& self) {
  auto schema = std::make_unique<ArrowSchema>();
  table::export_schema(*self.table, *schema);
  return capsule_of(std::move(schema), "arrow_schema");
}

nb::capsule stream_capsule(const PyTable& self, const nb::object&) {
  auto stream = std::make_unique<ArrowArrayStream>();
  table::export_stream(self.table, *stream);
  return capsule_of(std::move(stream), "arrow_array_stream");
}

std::vector<std::string> column_names(const PyTable& self) {
  std::vector<std::string> names;
  for (const table::Field& field : self.table->fields) names.push_back(field.name);
  return names;
}

}  // namespace

void add_table(nb::module_& module) {
  nb::class_<PyTable>(module, "Table")
      .def("__len__", [](const PyTable& self) { return self.table->rows(); })
      .def_prop_ro("column_names", &column_names)
      .def("__arrow_c_schema__", &schema_capsule)
      .def("__arrow_c_stream__", &stream_capsule, nb::arg("requested_schema") = nb::none());
}

}  // namespace unfrag::bindings
