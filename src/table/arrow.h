// A Table through Arrow's C data and C stream interfaces, which every reader of Arrow takes without a copy.
//
// The structs are the interface's own, fixed for good, and meant to be declared by whoever uses them. Source:
// https://arrow.apache.org/docs/format/CDataInterface.html and CStreamInterface.html.
// Threads: what is exported can be read and released by any thread, one at a time.
#pragma once

#include <cstdint>
#include <memory>

#include "table/table.h"

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
extern "C" {
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};
}
#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
extern "C" {
struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema* out);
  int (*get_next)(ArrowArrayStream*, ArrowArray* out);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};
}
#endif

namespace unfrag::table {

/// A struct with a field for each column. The receiver releases it.
void export_schema(const Table& table, ArrowSchema& out);

/// The batches in order; what they point to lives until the last of them is released.
void export_stream(std::shared_ptr<const Table> table, ArrowArrayStream& out);

}  // namespace unfrag::table
