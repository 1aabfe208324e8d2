#include "table/arrow.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "table/trace_tables.h"
#include "trace/builder.h"

namespace unfrag::table {
namespace {

/// Two devices, whose rows lie in the order 1, 0; the first entry of device 0 has neither time nor stack.
std::shared_ptr<const trace::Trace> small_trace() {
  trace::Builder builder;
  const trace::FrameIdx frame =
      builder.intern(trace::Frame{.name = builder.intern("step"), .filename = builder.intern("train.py"), .line = 7});
  const std::vector<trace::FrameIdx> frames = {frame};
  trace::EventFields event{.action = trace::Action::kAlloc, .addr = 4096, .size = 512, .stack = builder.intern(frames)};
  builder.add_event(event);
  builder.add_event({.action = trace::Action::kOom, .addr = 77, .size = 1024, .time_us = 5});
  builder.add_event({.action = trace::Action::kFreeCompleted, .addr = 4096, .size = 512, .time_us = 6});
  builder.trace.devices = {{.index = 0, .first_event = 1, .event_count = 2}, {.index = 1, .event_count = 1}};
  return std::make_shared<const trace::Trace>(std::move(builder.trace));
}

bool is_missing(const ArrowArray& column, size_t row) {
  const auto* const valid = static_cast<const uint8_t*>(column.buffers[0]);
  return valid != nullptr && (valid[row / 8] >> (row % 8) & 1U) == 0;
}

template <class T>
T value(const ArrowArray& column, size_t row) {
  return static_cast<const T*>(column.buffers[1])[row];
}

std::string text(const ArrowArray& column, size_t row) {
  const ArrowArray& texts = *column.dictionary;
  const auto number = static_cast<size_t>(value<int32_t>(column, row));
  const auto* const offsets = static_cast<const int64_t*>(texts.buffers[1]);
  return {static_cast<const char*>(texts.buffers[2]) + offsets[number],
          static_cast<size_t>(offsets[number + 1] - offsets[number])};
}

/// The columns of every batch, which it holds when the stream is long gone.
class Reading {
 public:
  explicit Reading(Table table) {
    ArrowArrayStream stream{};
    export_stream(std::make_shared<const Table>(std::move(table)), stream);
    EXPECT_EQ(stream.get_schema(&stream, &schema), 0);
    for (;;) {
      ArrowArray batch{};
      EXPECT_EQ(stream.get_next(&stream, &batch), 0);
      if (batch.release == nullptr) break;
      batches.push_back(batch);
    }
    stream.release(&stream);
    EXPECT_EQ(stream.release, nullptr);
  }
  ~Reading() {
    for (ArrowArray& batch : batches) batch.release(&batch);
    schema.release(&schema);
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  const ArrowArray& column(size_t batch, const std::string& name) {
    for (int64_t i = 0; i < schema.n_children; ++i) {
      if (schema.children[i]->name == name) return *batches[batch].children[i];
    }
    ADD_FAILURE() << "no column " << name;
    return *batches[batch].children[0];
  }

  ArrowSchema schema{};
  std::vector<ArrowArray> batches;
};

TEST(Arrow, EventsComeDeviceByDeviceWhereverTheirRowsLie) {
  Reading reading(events_table(source_of(small_trace())));
  ASSERT_EQ(reading.batches.size(), 2U);
  EXPECT_EQ(reading.batches[0].length, 2);
  EXPECT_EQ(value<int32_t>(reading.column(0, "device"), 0), 0);
  EXPECT_EQ(value<int32_t>(reading.column(1, "device"), 0), 1);
  EXPECT_EQ(value<int64_t>(reading.column(0, "event"), 1), 1);
  EXPECT_EQ(text(reading.column(1, "file"), 0), "train.py");
  EXPECT_EQ(value<int32_t>(reading.column(1, "line"), 0), 7);
  EXPECT_TRUE(is_missing(reading.column(0, "function"), 0));
  EXPECT_TRUE(is_missing(reading.column(1, "time_us"), 0));
  EXPECT_FALSE(is_missing(reading.column(0, "time_us"), 0));
}

TEST(Arrow, AnOutOfMemoryEntryHasWhatTheDeviceHadLeftInsteadOfAnAddress) {
  Reading reading(events_table(source_of(small_trace())));
  EXPECT_TRUE(is_missing(reading.column(0, "address"), 0));
  EXPECT_EQ(value<int64_t>(reading.column(0, "device_free_bytes"), 0), 77);
  EXPECT_EQ(value<uint64_t>(reading.column(0, "address"), 1), 4096U);
  EXPECT_TRUE(is_missing(reading.column(0, "device_free_bytes"), 1));
  EXPECT_EQ(reading.column(0, "device_free_bytes").null_count, 1);
}

TEST(Arrow, AColumnOutlivesItsBatchAndTheTrace) {
  ArrowArray kept{};
  {
    auto trace = small_trace();
    Reading reading(events_table(source_of(std::move(trace))));
    ArrowArray& column = *reading.batches[1].children[3];
    kept = column;
    column.release = nullptr;  // moved, as the interface has it
  }
  EXPECT_EQ(value<uint64_t>(kept, 0), 4096U);
  kept.release(&kept);
  EXPECT_EQ(kept.release, nullptr);
}

TEST(Arrow, ATextFromAFileIsValidUtf8AndWrittenOnce) {
  Texts texts;
  EXPECT_EQ(texts.add("a\xff"), 0);
  EXPECT_EQ(texts.add("a\xff"), 0);
  EXPECT_EQ(texts.add("b"), 1);
  EXPECT_EQ(std::string(texts.bytes(), static_cast<size_t>(texts.offsets()[2])), "a\\xffb");
}

}  // namespace
}  // namespace unfrag::table
