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

nb::object text_of(const table::Texts& texts, int32_t number) {
  const int64_t begin = texts.offsets()[number];
  return nb::str(texts.bytes() + begin, static_cast<size_t>(texts.offsets()[number + 1] - begin));
}

template <class T>
T at(const table::Column& column, size_t row) {
  return static_cast<const T*>(column.values)[row];
}

nb::object value_of(const table::Field& field, const table::Column& column, size_t row) {
  using table::Type;
  if (!column.valid.empty() && (column.valid[row / 8] >> (row % 8) & 1U) == 0) return nb::none();
  switch (field.type) {
    case Type::kBool: return nb::bool_((at<uint8_t>(column, row / 8) >> (row % 8) & 1U) != 0);
    case Type::kInt32: return nb::int_(at<int32_t>(column, row));
    case Type::kInt64: return nb::int_(at<int64_t>(column, row));
    case Type::kUInt64: return nb::int_(at<uint64_t>(column, row));
    case Type::kText: return text_of(*field.texts, at<int32_t>(column, row));
    case Type::kShortText: return text_of(*field.texts, at<int8_t>(column, row));
  }
  return nb::none();
}

/// For those who have none of the readers.
nb::list to_dicts(const PyTable& self) {
  nb::list rows;
  for (const table::Batch& batch : self.table->batches) {
    const std::vector<table::Column> columns = self.table->read(batch);
    for (size_t row = 0; row < batch.rows; ++row) {
      nb::dict values;
      for (size_t i = 0; i < columns.size(); ++i) {
        const table::Field& field = self.table->fields[i];
        values[field.name.c_str()] = value_of(field, columns[i], row);
      }
      rows.append(values);
    }
  }
  return rows;
}

}  // namespace

void add_table(nb::module_& module) {
  nb::class_<PyTable>(module, "Table")
      .def("__len__", [](const PyTable& self) { return self.table->rows(); })
      .def_prop_ro("column_names", &column_names)
      .def("to_dicts", &to_dicts, nb::sig("def to_dicts(self) -> list[dict[str, typing.Any]]"))
      .def("__arrow_c_schema__", &schema_capsule)
      .def("__arrow_c_stream__", &stream_capsule, nb::arg("requested_schema") = nb::none());
}

}  // namespace unfrag::bindings
