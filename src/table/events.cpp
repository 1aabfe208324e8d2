// The table of events. Addresses, sizes, actions, stacks and times are the Trace's own arrays.
#include <algorithm>
#include <limits>
#include <utility>

#include "table/columns.h"
#include "table/trace_tables.h"

namespace unfrag::table {
namespace {

using trace::Action;
using trace::Trace;

/// By the numbers of trace::Action.
std::shared_ptr<const Texts> action_names() {
  auto texts = std::make_shared<Texts>();
  for (int i = 0; i <= static_cast<int>(Action::kUnknown); ++i) texts->add(action_name(static_cast<Action>(i)));
  return texts;
}

/// What events share, as columns have it: by the numbers of Trace::contexts.
struct Contexts {
  std::vector<int64_t> stream;
  std::vector<int32_t> pool, compile_context, user_metadata;  ///< Numbers of texts; -1: none.
  std::shared_ptr<Texts> pools = std::make_shared<Texts>();
  std::shared_ptr<Texts> compile_contexts = std::make_shared<Texts>();
  std::shared_ptr<Texts> metadata = std::make_shared<Texts>();

  explicit Contexts(const Trace& trace) {
    const auto number = [&](Texts& texts, trace::StringIdx text) {
      return text == trace::kEmptyString ? -1 : texts.add(trace.strings[text]);
    };
    for (uint32_t i = 0; i < trace.contexts.size(); ++i) {
      const trace::EventContext& context = trace.contexts[trace::ContextIdx(i)];
      stream.push_back(context.stream);
      pool.push_back(context.has_pool ? add_pool(*pools, context.pool) : -1);
      compile_context.push_back(number(*compile_contexts, context.compile_context));
      user_metadata.push_back(number(*metadata, context.user_metadata));
    }
  }
};

/// A device's rows, cut where the Trace's arrays begin another chunk.
std::vector<Batch> batches_of(const Trace& trace) {
  constexpr size_t kChunk = size_t{1} << 18;
  static_assert(Chunked<uint64_t>::kChunk % kChunk == 0 && Chunked<Action>::kChunk % kChunk == 0 &&
                Chunked<trace::StackIdx>::kChunk % kChunk == 0);
  std::vector<Batch> batches;
  for (const trace::Device& device : trace.devices) {
    size_t first = device.first_event;
    const size_t end = first + device.event_count;
    while (first < end) {
      const size_t next = std::min(end, (first / kChunk + 1) * kChunk);
      batches.push_back({.first = first, .rows = next - first});
      first = next;
    }
  }
  return batches;
}

class Events {
 public:
  explicit Events(Source source) : source_(std::move(source)), contexts_(*source_.trace) {}

  [[nodiscard]] std::vector<Field> fields() const {
    std::vector<Field> fields = {{.name = "device", .type = Type::kInt32},
                                 {.name = "event", .type = Type::kInt64},
                                 {.name = "action", .type = Type::kShortText, .texts = action_names()},
                                 {.name = "address", .type = Type::kUInt64},
                                 {.name = "size_bytes", .type = Type::kInt64},
                                 {.name = "device_free_bytes", .type = Type::kInt64},
                                 {.name = "time_us", .type = Type::kInt64},
                                 {.name = "stream", .type = Type::kInt64},
                                 {.name = "pool_id", .type = Type::kText, .texts = contexts_.pools},
                                 {.name = "stack", .type = Type::kInt32}};
    add_place_fields(fields, *source_.places);
    fields.push_back({.name = "compile_context", .type = Type::kText, .texts = contexts_.compile_contexts});
    fields.push_back({.name = "user_metadata", .type = Type::kText, .texts = contexts_.metadata});
    return fields;
  }

  [[nodiscard]] std::vector<Column> read(const Batch& batch) const {
    const Trace& trace = *source_.trace;
    const trace::EventTable& events = trace.events;
    const auto [first, rows] = batch;
    const trace::Device& device = owner(first);
    const auto context = [&](size_t i) { return events.context[first + i].value(); };
    std::vector<Column> columns;
    columns.push_back(optional_column<int32_t>(rows, [&](size_t) { return device_number(device); }));
    columns.push_back(computed_column<int64_t>(rows, [&](size_t i) { return first + i - device.first_event; }));
    columns.push_back({.values = &events.action[first]});
    add_addresses(columns, batch);
    columns.push_back(times(batch));
    columns.push_back(computed_column<int64_t>(rows, [&](size_t i) { return contexts_.stream[context(i)]; }));
    columns.push_back(optional_column<int32_t>(rows, [&](size_t i) { return contexts_.pool[context(i)]; }));
    columns.push_back({.values = &events.stack[first]});
    add_places(columns, rows, [&](size_t i) { return source_.places->of_stack(events.stack[first + i]); });
    columns.push_back(optional_column<int32_t>(rows, [&](size_t i) { return contexts_.compile_context[context(i)]; }));
    columns.push_back(optional_column<int32_t>(rows, [&](size_t i) { return contexts_.user_metadata[context(i)]; }));
    return columns;
  }

 private:
  [[nodiscard]] const trace::Device& owner(size_t row) const {
    return *std::ranges::find_if(source_.trace->devices, [&](const trace::Device& device) {
      return row >= device.first_event && row - device.first_event < device.event_count;
    });
  }

  // An out-of-memory entry has no address: what the device had left stands in its place.
  void add_addresses(std::vector<Column>& columns, const Batch& batch) const {
    const trace::EventTable& events = source_.trace->events;
    std::vector<size_t> no_address;
    std::vector<size_t> no_free;
    for (size_t i = 0; i < batch.rows; ++i) {
      const bool oom = events.action[batch.first + i] == Action::kOom;
      if (oom) no_address.push_back(i);
      if (!oom || events.addr[batch.first + i] > uint64_t{std::numeric_limits<int64_t>::max()}) no_free.push_back(i);
    }
    const void* const both = &events.addr[batch.first];
    columns.push_back(partly(both, batch.rows, no_address));
    columns.push_back({.values = &events.size[batch.first]});
    columns.push_back(partly(both, batch.rows, no_free));
  }

  static Column partly(const void* values, size_t rows, const std::vector<size_t>& missing) {
    Column column{.values = values, .missing = missing.size()};
    if (!missing.empty()) column.valid = valid_bits(rows, missing);
    return column;
  }

  [[nodiscard]] Column times(const Batch& batch) const {
    const Chunked<int64_t>& times = source_.trace->events.time_us;
    std::vector<size_t> missing;
    for (size_t i = 0; i < batch.rows; ++i) {
      if (source_.trace->time_of(batch.first + i) == trace::kNoTime) missing.push_back(i);
    }
    if (batch.first + batch.rows <= times.size()) return partly(&times[batch.first], batch.rows, missing);
    ColumnBuilder<int64_t> column(batch.rows);
    for (size_t i = 0; i < batch.rows; ++i) column.set(i, source_.trace->time_of(batch.first + i));
    for (const size_t row : missing) column.set_missing(row);
    return column.take();
  }

  Source source_;
  Contexts contexts_;
};

}  // namespace

Table events_table(const Source& source) {
  auto events = std::make_shared<const Events>(source);
  return {.fields = events->fields(), .batches = batches_of(*source.trace), .read = [events](const Batch& batch) {
            return events->read(batch);
          }};
}

}  // namespace unfrag::table
