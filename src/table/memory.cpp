// The tables of what the snapshot shows: segments and their blocks, device by device and by address.
#include <utility>

#include "table/columns.h"
#include "table/trace_tables.h"

namespace unfrag::table {
namespace {

using trace::BlockState;
using trace::Segment;
using trace::Trace;

/// A segment and the device that has it.
struct Owned {
  const Segment* segment;
  int32_t device;
};

std::vector<Owned> all_segments(const Trace& trace) {
  std::vector<Owned> all;
  for (const trace::Device& device : trace.devices) {
    for (uint32_t i = 0; i < device.segment_count; ++i) {
      all.push_back({&trace.segments[device.first_segment + i], device_number(device)});
    }
  }
  return all;
}

/// By the numbers of trace::BlockState, in PyTorch's words.
std::shared_ptr<const Texts> state_names() {
  auto texts = std::make_shared<Texts>();
  for (const char* name : {"active_allocated", "active_pending_free", "inactive"}) texts->add(name);
  return texts;
}

/// By the numbers of trace::PoolKind.
std::shared_ptr<const Texts> pool_names() {
  auto texts = std::make_shared<Texts>();
  for (const char* name : {"small", "large", "unknown"}) texts->add(name);
  return texts;
}

class Segments {
 public:
  explicit Segments(Source source) : source_(std::move(source)), all_(all_segments(*source_.trace)) {
    for (const Owned& one : all_) pool_ids_.push_back(add_pool(*pools_, one.segment->pool));
  }

  [[nodiscard]] size_t rows() const { return all_.size(); }

  [[nodiscard]] std::vector<Field> fields() const {
    std::vector<Field> fields = {{.name = "device", .type = Type::kInt32},
                                 {.name = "address", .type = Type::kUInt64},
                                 {.name = "size_bytes", .type = Type::kInt64},
                                 {.name = "allocated_bytes", .type = Type::kInt64},
                                 {.name = "active_bytes", .type = Type::kInt64},
                                 {.name = "requested_bytes", .type = Type::kInt64},
                                 {.name = "blocks", .type = Type::kInt32},
                                 {.name = "stream", .type = Type::kInt64},
                                 {.name = "pool", .type = Type::kShortText, .texts = pool_names()},
                                 {.name = "pool_id", .type = Type::kText, .texts = pools_},
                                 {.name = "expandable", .type = Type::kBool},
                                 {.name = "stack", .type = Type::kInt32}};
    add_place_fields(fields, *source_.places);
    return fields;
  }

  [[nodiscard]] std::vector<Column> read() const {
    const size_t rows = all_.size();
    const auto segment = [&](size_t i) -> const Segment& { return *all_[i].segment; };
    const auto sum = [](bool recorded, Bytes bytes) { return recorded ? static_cast<int64_t>(bytes.value()) : -1; };
    std::vector<bool> expandable;
    expandable.reserve(rows);
    for (const Owned& one : all_) expandable.push_back(one.segment->expandable);
    std::vector<Column> columns;
    columns.push_back(optional_column<int32_t>(rows, [&](size_t i) { return all_[i].device; }));
    columns.push_back(computed_column<uint64_t>(rows, [&](size_t i) { return segment(i).addr.value(); }));
    columns.push_back(computed_column<int64_t>(rows, [&](size_t i) { return segment(i).total.value(); }));
    columns.push_back(optional_column<int64_t>(
        rows, [&](size_t i) { return sum(segment(i).has_recorded_sums, segment(i).recorded_allocated); }));
    columns.push_back(optional_column<int64_t>(
        rows, [&](size_t i) { return sum(segment(i).has_recorded_sums, segment(i).recorded_active); }));
    columns.push_back(optional_column<int64_t>(
        rows, [&](size_t i) { return sum(segment(i).has_recorded_requested, segment(i).recorded_requested); }));
    columns.push_back(computed_column<int32_t>(rows, [&](size_t i) { return segment(i).block_count; }));
    columns.push_back(computed_column<int64_t>(rows, [&](size_t i) { return segment(i).stream; }));
    columns.push_back(computed_column<int8_t>(rows, [&](size_t i) { return static_cast<int8_t>(segment(i).kind); }));
    columns.push_back(computed_column<int32_t>(rows, [&](size_t i) { return pool_ids_[i]; }));
    columns.push_back(bool_column(expandable));
    columns.push_back(computed_column<int32_t>(rows, [&](size_t i) { return segment(i).stack.value(); }));
    add_places(columns, rows, [&](size_t i) { return source_.places->of_stack(segment(i).stack); });
    return columns;
  }

 private:
  Source source_;
  std::vector<Owned> all_;
  std::shared_ptr<Texts> pools_ = std::make_shared<Texts>();
  std::vector<int32_t> pool_ids_;
};

class Blocks {
 public:
  explicit Blocks(Source source) : source_(std::move(source)) {
    const Trace& trace = *source_.trace;
    for (const Owned& one : all_segments(trace)) {
      for (uint32_t i = 0; i < one.segment->block_count; ++i) {
        const uint32_t row = one.segment->first_block + i;
        const trace::StringIdx note = trace.blocks.user_metadata[row];
        rows_.push_back({.block = row,
                         .owner = one,
                         .pool_id = add_pool(*pools_, one.segment->pool),
                         .note = note == trace::kEmptyString ? -1 : notes_->add(trace.strings[note])});
      }
    }
  }

  [[nodiscard]] size_t rows() const { return rows_.size(); }

  [[nodiscard]] std::vector<Field> fields() const {
    std::vector<Field> fields = {{.name = "device", .type = Type::kInt32},
                                 {.name = "address", .type = Type::kUInt64},
                                 {.name = "size_bytes", .type = Type::kInt64},
                                 {.name = "requested_bytes", .type = Type::kInt64},
                                 {.name = "state", .type = Type::kShortText, .texts = state_names()},
                                 {.name = "segment", .type = Type::kUInt64},
                                 {.name = "stream", .type = Type::kInt64},
                                 {.name = "pool_id", .type = Type::kText, .texts = pools_},
                                 {.name = "stack", .type = Type::kInt32}};
    add_place_fields(fields, *source_.places);
    fields.push_back({.name = "user_metadata", .type = Type::kText, .texts = notes_});
    return fields;
  }

  [[nodiscard]] std::vector<Column> read() const {
    const trace::BlockTable& blocks = source_.trace->blocks;
    const size_t rows = rows_.size();
    const auto segment = [&](size_t i) -> const Segment& { return *rows_[i].owner.segment; };
    const auto stack = [&](size_t i) { return blocks.stack[rows_[i].block]; };
    const auto requested = [&](size_t i) {
      const size_t row = rows_[i].block;
      return blocks.state[row] == BlockState::kInactive ? -1 : static_cast<int64_t>(blocks.requested[row]);
    };
    std::vector<Column> columns;
    columns.push_back(optional_column<int32_t>(rows, [&](size_t i) { return rows_[i].owner.device; }));
    columns.push_back(computed_column<uint64_t>(rows, [&](size_t i) { return blocks.addr[rows_[i].block]; }));
    columns.push_back(computed_column<int64_t>(rows, [&](size_t i) { return blocks.size[rows_[i].block]; }));
    columns.push_back(optional_column<int64_t>(rows, requested));
    columns.push_back(
        computed_column<int8_t>(rows, [&](size_t i) { return static_cast<int8_t>(blocks.state[rows_[i].block]); }));
    columns.push_back(computed_column<uint64_t>(rows, [&](size_t i) { return segment(i).addr.value(); }));
    columns.push_back(computed_column<int64_t>(rows, [&](size_t i) { return segment(i).stream; }));
    columns.push_back(computed_column<int32_t>(rows, [&](size_t i) { return rows_[i].pool_id; }));
    columns.push_back(computed_column<int32_t>(rows, [&](size_t i) { return stack(i).value(); }));
    add_places(columns, rows, [&](size_t i) { return source_.places->of_stack(stack(i)); });
    columns.push_back(optional_column<int32_t>(rows, [&](size_t i) { return rows_[i].note; }));
    return columns;
  }

 private:
  struct Row {
    uint32_t block;
    Owned owner;
    int32_t pool_id;
    int32_t note;
  };

  Source source_;
  std::shared_ptr<Texts> pools_ = std::make_shared<Texts>();
  std::shared_ptr<Texts> notes_ = std::make_shared<Texts>();
  std::vector<Row> rows_;
};

template <class Rows>
Table table_of(const Source& source) {
  auto all = std::make_shared<const Rows>(source);
  return {
      .fields = all->fields(), .batches = one_batch(all->rows()), .read = [all](const Batch&) { return all->read(); }};
}

}  // namespace

Table segments_table(const Source& source) { return table_of<Segments>(source); }

Table blocks_table(const Source& source) { return table_of<Blocks>(source); }

Table stacks_table(const Source& source) {
  struct Row {
    int32_t stack;
    int32_t depth;
    Places::Place place;
  };
  auto all = std::make_shared<std::vector<Row>>();
  const Trace& trace = *source.trace;
  for (uint32_t stack = 0; stack < trace.stacks.size(); ++stack) {
    int32_t depth = 0;
    for (const trace::FrameIdx frame : trace.stacks[trace::StackIdx(stack)]) {
      all->push_back({static_cast<int32_t>(stack), depth++, source.places->of_frame(frame)});
    }
  }
  Table table{.fields = {{.name = "stack", .type = Type::kInt32}, {.name = "depth", .type = Type::kInt32}},
              .batches = one_batch(all->size()),
              .read = [all](const Batch& batch) {
                std::vector<Column> columns;
                columns.push_back(computed_column<int32_t>(batch.rows, [&](size_t i) { return (*all)[i].stack; }));
                columns.push_back(computed_column<int32_t>(batch.rows, [&](size_t i) { return (*all)[i].depth; }));
                add_places(columns, batch.rows, [&](size_t i) { return (*all)[i].place; });
                return columns;
              }};
  add_place_fields(table.fields, *source.places);
  return table;
}

}  // namespace unfrag::table
