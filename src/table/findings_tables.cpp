#include "table/findings_tables.h"

#include <optional>
#include <utility>
#include <vector>

#include "table/columns.h"

namespace unfrag::table {
namespace {

using analyze::Holder;

class Holders {
 public:
  explicit Holders(const analyze::Explanation& explanation) : trace_(explanation.trace) {
    if (!explanation.devices.empty()) all_ = explanation.devices[explanation.chosen].holders;
    for (const Holder& holder : all_) add(holder);
  }

  [[nodiscard]] size_t rows() const { return all_.size(); }

  [[nodiscard]] std::vector<Field> fields() const {
    return {{.name = "at_bytes", .type = Type::kInt64},
            {.name = "now_bytes", .type = Type::kInt64},
            {.name = "peak_bytes", .type = Type::kInt64},
            {.name = "at_blocks", .type = Type::kInt64},
            {.name = "blocks", .type = Type::kInt64},
            {.name = "peak_blocks", .type = Type::kInt64},
            {.name = "function", .type = Type::kText, .texts = functions_},
            {.name = "file", .type = Type::kText, .texts = files_},
            {.name = "line", .type = Type::kInt32},
            {.name = "origin", .type = Type::kText, .texts = origins_},
            {.name = "kind", .type = Type::kText, .texts = kinds_},
            {.name = "stack", .type = Type::kInt32},
            {.name = "stream", .type = Type::kInt64},
            {.name = "segment", .type = Type::kUInt64}};
  }

  [[nodiscard]] std::vector<Column> read() const {
    const size_t rows = all_.size();
    std::vector<Column> columns;
    for (const auto moment : {&Holder::at, &Holder::now, &Holder::at_peak}) {
      columns.push_back(computed_column<int64_t>(rows, [&](size_t i) { return (all_[i].*moment).bytes.value(); }));
    }
    for (const auto moment : {&Holder::at, &Holder::now, &Holder::at_peak}) {
      columns.push_back(computed_column<int64_t>(rows, [&](size_t i) { return (all_[i].*moment).blocks; }));
    }
    add_places(columns, rows, [&](size_t i) { return places_[i]; });
    columns.push_back(optional_column<int32_t>(rows, [&](size_t i) { return origin_[i]; }));
    columns.push_back(computed_column<int32_t>(rows, [&](size_t i) { return kind_[i]; }));
    columns.push_back(computed_column<int32_t>(rows, [&](size_t i) { return all_[i].stack.value(); }));
    columns.push_back(computed_column<int64_t>(rows, [&](size_t i) { return all_[i].stream; }));
    columns.push_back(computed_column<uint64_t>(rows, [&](size_t i) { return all_[i].segment; }));
    return columns;
  }

 private:
  void add(const Holder& holder) {
    Places::Place place;
    const bool placed = !holder.frame.is_none();
    if (placed) {
      const trace::Frame& frame = trace_->frames[holder.frame];
      place.function = functions_->add(trace_->strings[frame.name]);
      if (holder.origin != analyze::Origin::kNative) {
        place.file = files_->add(trace_->strings[frame.filename]);
        place.line = static_cast<int32_t>(frame.line);
      }
    }
    places_.push_back(place);
    origin_.push_back(placed ? origins_->add(origin_name(holder.origin)) : -1);
    kind_.push_back(kinds_->add(kind_name(holder.kind)));
  }

  std::shared_ptr<const trace::Trace> trace_;
  std::vector<Holder> all_;
  std::vector<Places::Place> places_;
  std::vector<int32_t> origin_, kind_;
  std::shared_ptr<Texts> functions_ = std::make_shared<Texts>();
  std::shared_ptr<Texts> files_ = std::make_shared<Texts>();
  std::shared_ptr<Texts> origins_ = std::make_shared<Texts>();
  std::shared_ptr<Texts> kinds_ = std::make_shared<Texts>();
};

}  // namespace

Table holders_table(const analyze::Explanation& explanation) {
  auto holders = std::make_shared<const Holders>(explanation);
  return {.fields = holders->fields(), .batches = one_batch(holders->rows()), .read = [holders](const Batch&) {
            return holders->read();
          }};
}

Table timeline_table(const analyze::Explanation& explanation) {
  std::vector<analyze::TimelinePoint> points;
  if (!explanation.devices.empty()) points = explanation.devices[explanation.chosen].curves.timeline;
  Table table{.fields = {{.name = "event", .type = Type::kInt64},
                         {.name = "allocated_bytes", .type = Type::kInt64},
                         {.name = "active_bytes", .type = Type::kInt64},
                         {.name = "requested_bytes", .type = Type::kInt64},
                         {.name = "reserved_bytes", .type = Type::kInt64}},
              .batches = one_batch(points.size())};
  table.read = [points = std::move(points)](const Batch& batch) {
    using analyze::Usage;
    std::vector<Column> columns;
    columns.push_back(computed_column<int64_t>(batch.rows, [&](size_t i) { return points[i].last_entry; }));
    for (const auto curve : {&Usage::allocated, &Usage::active, &Usage::requested, &Usage::reserved}) {
      columns.push_back(
          computed_column<int64_t>(batch.rows, [&](size_t i) { return (points[i].highest.*curve).value(); }));
    }
    return columns;
  };
  return table;
}

}  // namespace unfrag::table
