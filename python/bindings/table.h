// Tables for readers of Arrow: the PyCapsule interface.
#pragma once

#include <memory>

#include "table/table.h"

namespace unfrag::bindings {

/// As Python has it: shared, since a stream outlives it.
struct PyTable {
  std::shared_ptr<const table::Table> table;
};

inline PyTable to_python(table::Table table) { return {std::make_shared<const table::Table>(std::move(table))}; }

}  // namespace unfrag::bindings
