// How columns are made: shared with a Trace's arrays, or computed a row. Not for other folders.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "table/table.h"
#include "table/trace_tables.h"

namespace unfrag::table {

/// `value(i)` of each of so many rows.
template <class T, class Value>
Column computed_column(size_t rows, Value value) {
  ColumnBuilder<T> column(rows);
  for (size_t i = 0; i < rows; ++i) column.set(i, static_cast<T>(value(i)));
  return column.take();
}

/// The same where less than 0 means that there is none.
template <class T, class Value>
Column optional_column(size_t rows, Value value) {
  ColumnBuilder<T> column(rows);
  for (size_t i = 0; i < rows; ++i) {
    const T v = static_cast<T>(value(i));
    if (v < 0) {
      column.set_missing(i);
    } else {
      column.set(i, v);
    }
  }
  return column.take();
}

/// function, file and line; `place(i)` gives a Places::Place.
template <class PlaceOf>
void add_places(std::vector<Column>& columns, size_t rows, PlaceOf place) {
  columns.push_back(optional_column<int32_t>(rows, [&](size_t i) { return place(i).function; }));
  columns.push_back(optional_column<int32_t>(rows, [&](size_t i) { return place(i).file; }));
  columns.push_back(optional_column<int32_t>(rows, [&](size_t i) { return place(i).line; }));
}
void add_place_fields(std::vector<Field>& fields, const Places& places);

/// The text of a pool's id, "(0, 1)".
int32_t add_pool(Texts& texts, trace::PoolId id);

/// Ordinal of a GPU; -1 for pinned host memory.
int32_t device_number(const trace::Device& device);

/// All rows at once; none where there are none.
std::vector<Batch> one_batch(size_t rows);

}  // namespace unfrag::table
