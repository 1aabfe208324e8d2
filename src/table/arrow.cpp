#include "table/arrow.h"

#include <array>
#include <cerrno>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace unfrag::table {
namespace {

constexpr int64_t kNullable = 2;  // ARROW_FLAG_NULLABLE

const char* format_of(Type type) {
  switch (type) {
    case Type::kBool: return "b";
    case Type::kInt32: return "i";
    case Type::kInt64: return "l";
    case Type::kUInt64: return "L";
    case Type::kText: return "i";
    case Type::kShortText: return "c";
  }
  return "n";
}

constexpr const char* kLargeText = "U";  // 64-bit offsets: names of a file may be many

/// What a released struct frees: itself, its name and its parts.
struct SchemaParts {
  std::string name;
  std::vector<ArrowSchema> children{};
  std::vector<ArrowSchema*> pointers{};
  ArrowSchema dictionary{};
};

void release_schema(ArrowSchema* schema) {
  auto* const parts = static_cast<SchemaParts*>(schema->private_data);
  for (ArrowSchema& child : parts->children) {
    if (child.release != nullptr) child.release(&child);
  }
  if (parts->dictionary.release != nullptr) parts->dictionary.release(&parts->dictionary);
  schema->release = nullptr;
  delete parts;  // NOLINT(cppcoreguidelines-owning-memory): the interface hands out plain pointers
}

SchemaParts& start_schema(ArrowSchema& out, const char* format, std::string name) {
  auto* const parts = new SchemaParts{.name = std::move(name)};  // NOLINT(cppcoreguidelines-owning-memory)
  out = {.format = format,
         .name = parts->name.c_str(),
         .metadata = nullptr,
         .flags = kNullable,
         .n_children = 0,
         .children = nullptr,
         .dictionary = nullptr,
         .release = release_schema,
         .private_data = parts};
  return *parts;
}

void export_field(const Field& field, ArrowSchema& out) {
  SchemaParts& parts = start_schema(out, format_of(field.type), field.name);
  if (field.texts == nullptr) return;
  start_schema(parts.dictionary, kLargeText, "");
  out.dictionary = &parts.dictionary;
}

struct ArrayParts {
  std::shared_ptr<const Table> table{};  ///< Of a batch: keeps what its columns point to.
  Column column{};
  std::shared_ptr<const Texts> texts{};
  std::array<const void*, 3> buffers{};
  std::vector<ArrowArray> children{};
  std::vector<ArrowArray*> pointers{};
  ArrowArray dictionary{};
};

void release_array(ArrowArray* array) {
  auto* const parts = static_cast<ArrayParts*>(array->private_data);
  for (ArrowArray& child : parts->children) {
    if (child.release != nullptr) child.release(&child);
  }
  if (parts->dictionary.release != nullptr) parts->dictionary.release(&parts->dictionary);
  array->release = nullptr;
  delete parts;  // NOLINT(cppcoreguidelines-owning-memory)
}

ArrayParts& start_array(ArrowArray& out, size_t length, int64_t buffers) {
  auto* const parts = new ArrayParts;  // NOLINT(cppcoreguidelines-owning-memory)
  out = {.length = static_cast<int64_t>(length),
         .null_count = 0,
         .offset = 0,
         .n_buffers = buffers,
         .n_children = 0,
         .buffers = parts->buffers.data(),
         .children = nullptr,
         .dictionary = nullptr,
         .release = release_array,
         .private_data = parts};
  return *parts;
}

void export_texts(std::shared_ptr<const Texts> texts, ArrowArray& out) {
  ArrayParts& parts = start_array(out, texts->size(), 3);
  parts.buffers = {nullptr, texts->offsets(), texts->bytes()};
  parts.texts = std::move(texts);
}

// A column is kept by its batch's table as well: consumers may hold a child after they have released the batch.
void export_column(const std::shared_ptr<const Table>& table, const Field& field, Column column, size_t rows,
                   ArrowArray& out) {
  ArrayParts& parts = start_array(out, rows, 2);
  parts.table = table;
  parts.column = std::move(column);
  out.null_count = static_cast<int64_t>(parts.column.missing);
  parts.buffers[0] = parts.column.valid.empty() ? nullptr : parts.column.valid.data();
  parts.buffers[1] = parts.column.values;
  if (field.texts == nullptr) return;
  export_texts(field.texts, parts.dictionary);
  out.dictionary = &parts.dictionary;
}

void export_batch(const std::shared_ptr<const Table>& table, const Batch& batch, ArrowArray& out) {
  std::vector<Column> columns = table->read(batch);
  ArrayParts& parts = start_array(out, batch.rows, 1);
  parts.children.resize(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    export_column(table, table->fields[i], std::move(columns[i]), batch.rows, parts.children[i]);
    parts.pointers.push_back(&parts.children[i]);
  }
  out.n_children = static_cast<int64_t>(parts.pointers.size());
  out.children = parts.pointers.data();
}

struct StreamParts {
  std::shared_ptr<const Table> table;
  size_t next = 0;
};

StreamParts& parts_of(ArrowArrayStream* stream) { return *static_cast<StreamParts*>(stream->private_data); }

/// Nothing is thrown through the interface, which is C; what was begun in `out` is undone.
template <class Out, class Action>
int answer(Out* out, Action action) {
  out->release = nullptr;
  int error = 0;
  try {
    action();
  } catch (const std::bad_alloc&) {
    error = ENOMEM;
  } catch (...) {
    error = EIO;
  }
  if (error != 0 && out->release != nullptr) out->release(out);
  return error;
}

int get_schema(ArrowArrayStream* stream, ArrowSchema* out) {
  return answer(out, [&] { export_schema(*parts_of(stream).table, *out); });
}

int get_next(ArrowArrayStream* stream, ArrowArray* out) {
  return answer(out, [&] {
    StreamParts& parts = parts_of(stream);
    if (parts.next == parts.table->batches.size()) return;  // the end: a struct that needs no release
    export_batch(parts.table, parts.table->batches[parts.next++], *out);
  });
}

const char* get_last_error(ArrowArrayStream*) { return nullptr; }

void release_stream(ArrowArrayStream* stream) {
  delete &parts_of(stream);  // NOLINT(cppcoreguidelines-owning-memory)
  stream->release = nullptr;
}

}  // namespace

void export_schema(const Table& table, ArrowSchema& out) {
  SchemaParts& parts = start_schema(out, "+s", "");
  out.flags = 0;
  parts.children.resize(table.fields.size());
  for (size_t i = 0; i < table.fields.size(); ++i) {
    export_field(table.fields[i], parts.children[i]);
    parts.pointers.push_back(&parts.children[i]);
  }
  out.n_children = static_cast<int64_t>(parts.pointers.size());
  out.children = parts.pointers.data();
}

void export_stream(std::shared_ptr<const Table> table, ArrowArrayStream& out) {
  out = {.get_schema = get_schema,
         .get_next = get_next,
         .get_last_error = get_last_error,
         .release = release_stream,
         .private_data = new StreamParts{.table = std::move(table)}};  // NOLINT(cppcoreguidelines-owning-memory)
}

}  // namespace unfrag::table
