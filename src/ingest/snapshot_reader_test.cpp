#include "ingest/snapshot_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unfrag::ingest {
namespace {

using trace::Trace;

// --- A writer of small snapshots ---

std::string little(uint64_t value, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes += i < 8 ? static_cast<char>(value >> (8 * i)) : '\0';
  return bytes;
}

/// One value in both spellings.
struct Node {
  std::string pickle;
  std::string json;
};

Node none() { return {"N", "null"}; }
Node flag(bool value) { return {value ? "\x88" : "\x89", value ? "true" : "false"}; }
Node text(const std::string& value) { return {"X" + little(value.size(), 4) + value, "\"" + value + "\""}; }
Node number(int64_t value) { return {"\x8a\x08" + little(static_cast<uint64_t>(value), 8), std::to_string(value)}; }
Node huge(uint64_t value) { return {"\x8a\x09" + little(value, 9), std::to_string(value)}; }
Node quarter() { return {"G\x3f\xd0" + std::string(6, '\0'), "0.25"}; }

using Nodes = std::vector<Node>;
using Items = std::vector<std::pair<std::string, Node>>;

Node list(const Nodes& items) {
  Node node{"](", "["};
  for (const Node& item : items) {
    node.pickle += item.pickle;
    node.json += (node.json.size() > 1 ? "," : "") + item.json;
  }
  return {node.pickle + "e", node.json + "]"};
}
Node pair(const Node& first, const Node& second) {
  return {first.pickle + second.pickle + "\x86", list({first, second}).json};
}
Node dict(const Items& items) {
  Node node{"}(", "{"};
  for (const auto& [key, value] : items) {
    node.pickle += text(key).pickle + value.pickle;
    node.json += (node.json.size() > 1 ? "," : "") + text(key).json + ":" + value.json;
  }
  return {node.pickle + "u", node.json + "}"};
}
Items with(Items items, const Items& more) {
  items.insert(items.end(), more.begin(), more.end());
  return items;
}

/// Only pickles can say that two values are one.
Node named(uint64_t index, const Node& node) { return {node.pickle + "r" + little(index, 4), {}}; }
Node same_as(uint64_t index) { return {"j" + little(index, 4), {}}; }

Node frame(const std::string& name, int64_t line) {
  return dict({{"name", text(name)}, {"filename", text("train.py")}, {"line", number(line)}});
}
Items entry_items(const std::string& action, int64_t addr, int64_t size) {
  return {{"action", text(action)}, {"addr", number(addr)}, {"size", number(size)}, {"stream", number(0)}};
}
Node entry(const std::string& action, int64_t addr, int64_t size) { return dict(entry_items(action, addr, size)); }
Items block_items(int64_t size, const std::string& state) {
  return {{"size", number(size)}, {"requested_size", number(size - 12)}, {"state", text(state)}};
}
Node block(int64_t address, int64_t size, const std::string& state) {
  return dict(with(block_items(size, state), {{"address", number(address)}}));
}
Items segment_items(int64_t device, int64_t address, int64_t total, const Nodes& blocks) {
  return {{"device", number(device)},
          {"address", number(address)},
          {"total_size", number(total)},
          {"blocks", list(blocks)}};
}
Node segment(int64_t device, int64_t address, int64_t total, const Nodes& blocks) {
  return dict(segment_items(device, address, total, blocks));
}
Node snapshot(const Nodes& segments, const Nodes& traces, const Items& more = {}) {
  return dict(with({{"segments", list(segments)}, {"device_traces", list(traces)}}, more));
}

// --- Reading them ---

Result<Snapshot> try_read_bytes(const std::string& bytes) {
  return read_snapshot(std::make_unique<MemorySource>(bytes), {});
}
std::unique_ptr<const Trace> read_bytes(const std::string& bytes) {
  auto result = try_read_bytes(bytes);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().what);
  if (!result) return std::make_unique<const Trace>();
  return std::move(result->trace);
}
std::string pickle_of(const Node& node) { return "\x80\x04" + node.pickle + "."; }
std::unique_ptr<const Trace> read_pickle(const Node& node) { return read_bytes(pickle_of(node)); }

enum class Format { kPickle, kJson };

/// What both spellings must agree on.
class SnapshotReader : public testing::TestWithParam<Format> {
 protected:
  static std::string bytes_of(const Node& node) { return GetParam() == Format::kPickle ? pickle_of(node) : node.json; }
  static std::unique_ptr<const Trace> read(const Node& node) { return read_bytes(bytes_of(node)); }
  static Error error_of(const Node& node) {
    const auto result = try_read_bytes(bytes_of(node));
    EXPECT_FALSE(result.ok());
    return result.ok() ? Error() : result.error();
  }
};
INSTANTIATE_TEST_SUITE_P(Formats, SnapshotReader, testing::Values(Format::kPickle, Format::kJson),
                         [](const auto& test) { return test.param == Format::kPickle ? "Pickle" : "Json"; });

bool warns_of(const Trace& trace, std::string_view part) {
  return std::ranges::any_of(trace.warnings,
                             [&](const std::string& warning) { return warning.find(part) != std::string::npos; });
}
std::string all_warnings(const Trace& trace) {
  std::string text;
  for (const std::string& warning : trace.warnings) text += warning + "\n";
  return text;
}
std::string stack_text(const Trace& trace, trace::StackIdx stack) {
  std::string text;
  for (const trace::FrameIdx idx : trace.stacks[stack]) {
    const trace::Frame& frame = trace.frames[idx];
    text += fmt::format("{}:{} {};", trace.strings[frame.filename], frame.line, trace.strings[frame.name]);
  }
  return text;
}
/// The addresses of the entries of a device.
std::vector<uint64_t> addresses(const Trace& trace, const trace::Device& device) {
  std::vector<uint64_t> result;
  result.reserve(device.event_count);
  for (uint32_t i = 0; i < device.event_count; ++i) result.push_back(trace.events.addr[device.first_event + i]);
  return result;
}
using Addresses = std::vector<uint64_t>;

// --- Entries ---

TEST_P(SnapshotReader, KeepsEveryFieldOfAnEntry) {
  const auto trace = read(
      snapshot({}, {list({dict(with(entry_items("segment_alloc", 0x7e4a00000000, 2097152),
                                    {{"time_us", number(1760000000000001)},
                                     {"compile_context", text("N/A")},
                                     {"user_metadata", text("mine")},
                                     {"internal_metadata", text("theirs")},
                                     {"category", text("weights")},
                                     {"pool_id", pair(number(0), number(3))},
                                     {"frames", list({frame("inner", 3), frame("outer", 4)})},
                                     {"forward_frames", list({text("forward.py:7"), text("forward.py:8")})}}))})}));
  ASSERT_EQ(trace->events.size_rows(), 1U);
  EXPECT_EQ(trace->events.action[0], trace::Action::kSegmentAlloc);
  EXPECT_EQ(trace->events.addr[0], 0x7e4a00000000U);
  EXPECT_EQ(trace->events.size[0], 2097152U);
  EXPECT_EQ(trace->time_of(0), 1760000000000001);
  EXPECT_EQ(stack_text(*trace, trace->events.stack[0]), "train.py:3 inner;train.py:4 outer;");
  const trace::EventContext& context = trace->context_of(0);
  EXPECT_EQ(context.stream, 0);
  EXPECT_EQ(trace->strings[context.compile_context], "N/A");
  EXPECT_EQ(trace->strings[context.user_metadata], "mine");
  EXPECT_EQ(trace->strings[context.internal_metadata], "theirs");
  EXPECT_EQ(trace->strings[context.category], "weights");
  EXPECT_TRUE(context.has_pool);
  EXPECT_EQ(context.pool, (trace::PoolId{0, 3}));
  EXPECT_EQ(stack_text(*trace, context.forward_stack), ":0 forward.py:7;:0 forward.py:8;");
  EXPECT_TRUE(trace->warnings.empty()) << all_warnings(*trace);
  EXPECT_FALSE(trace->truncated);
}

TEST_P(SnapshotReader, KnowsEveryAction) {
  using enum trace::Action;
  const std::array actions = {kAlloc,      kFreeRequested, kFreeCompleted, kSegmentAlloc, kSegmentFree,
                              kSegmentMap, kSegmentUnmap,  kSnapshot,      kAnnotate,     kUserDefined};
  Nodes entries;
  for (const trace::Action action : actions) entries.push_back(entry(std::string(action_name(action)), 512, 512));
  const auto trace = read(snapshot({}, {list(entries)}));
  ASSERT_EQ(trace->events.size_rows(), actions.size());
  for (size_t i = 0; i < actions.size(); ++i) EXPECT_EQ(trace->events.action[i], actions[i]);
  EXPECT_TRUE(trace->warnings.empty()) << all_warnings(*trace);
}

TEST_P(SnapshotReader, ReadsTheFreeBytesOfAnOomAsItsAddress) {
  const auto trace = read(snapshot({}, {list({dict({{"action", text("oom")},
                                                    {"device_free", number(12345)},
                                                    {"size", number(1048576)},
                                                    {"stream", number(7)}})})}));
  ASSERT_EQ(trace->events.size_rows(), 1U);
  EXPECT_EQ(trace->events.action[0], trace::Action::kOom);
  EXPECT_EQ(trace->events.addr[0], 12345U);
  EXPECT_EQ(trace->context_of(0).stream, 7);
}

TEST_P(SnapshotReader, TakesStreamHandlesOfAnySign) {
  const auto with_stream = [](const Node& stream) {
    return dict({{"action", text("alloc")}, {"addr", number(512)}, {"size", number(1)}, {"stream", stream}});
  };
  const auto trace = read(
      snapshot({}, {list({with_stream(number(-2)), with_stream(huge(uint64_t{0} - 2)), with_stream(number(94))})}));
  ASSERT_EQ(trace->events.size_rows(), 3U);
  EXPECT_EQ(trace->context_of(0).stream, -2);
  EXPECT_EQ(trace->context_of(1).stream, -2);
  EXPECT_EQ(trace->context_of(2).stream, 94);
  EXPECT_EQ(trace->contexts.size(), 2U);
}

TEST_P(SnapshotReader, KeepsActionsItDoesNotKnowAndSaysSo) {
  const auto trace = read(snapshot({}, {list({entry("teleport", 512, 1), entry("teleport", 512, 1)})}));
  ASSERT_EQ(trace->events.size_rows(), 2U);
  EXPECT_EQ(trace->events.action[1], trace::Action::kUnknown);
  EXPECT_TRUE(warns_of(*trace, "'teleport' (2 times)")) << all_warnings(*trace);
}

TEST_P(SnapshotReader, NamesKeysItDoesNotKnow) {
  const auto trace = read(
      snapshot({dict(with(segment_items(0, 0, 512, {dict(with(block_items(512, "inactive"), {{"colour", none()}}))}),
                          {{"age", number(1)}}))},
               {list({dict(with(entry_items("alloc", 0, 1), {{"mood", text("good")}}))})}, {{"weather", number(1)}}));
  EXPECT_TRUE(warns_of(*trace, "trace entries: a key this version does not know, 'mood'")) << all_warnings(*trace);
  EXPECT_TRUE(warns_of(*trace, "blocks: a key this version does not know, 'colour'")) << all_warnings(*trace);
  EXPECT_TRUE(warns_of(*trace, "segments: a key this version does not know, 'age'")) << all_warnings(*trace);
  EXPECT_TRUE(warns_of(*trace, "the top level: a key this version does not know, 'weather'")) << all_warnings(*trace);
  EXPECT_EQ(trace->warnings.size(), 4U) << all_warnings(*trace);
}

TEST_P(SnapshotReader, LeavesOutEntriesWithoutASizeOrAddressThatMakesSense) {
  const int64_t limit = int64_t{1} << 48;
  const auto trace =
      read(snapshot({}, {list({entry("alloc", 512, limit - 1), entry("alloc", 1024, limit), entry("alloc", -1, 1),
                               entry("alloc", 512, -1), dict({{"action", text("alloc")}, {"addr", number(1)}}),
                               dict({{"action", text("free_completed")}, {"size", number(1)}}),
                               dict({{"action", text("snapshot")}, {"size", number(1)}}), entry("alloc", 2048, 1)})}));
  ASSERT_EQ(trace->devices.size(), 1U);
  EXPECT_EQ(addresses(*trace, trace->devices[0]), (Addresses{512, 0, 2048}));
  EXPECT_TRUE(warns_of(*trace, "5 trace entries have a size or address that makes no sense and were left out"))
      << all_warnings(*trace);
}

TEST_P(SnapshotReader, StoresEachStackOnce) {
  const auto with_stack = [](int64_t line) {
    return dict(with(entry_items("alloc", 512, 1), {{"frames", list({frame("f", line), frame("main", 9)})}}));
  };
  const auto trace = read(snapshot({}, {list({with_stack(1), with_stack(2), with_stack(1)})}));
  EXPECT_EQ(trace->stacks.size(), 3U) << "the empty one and two";
  EXPECT_EQ(trace->frames.size(), 3U);
  EXPECT_EQ(trace->events.stack[0], trace->events.stack[2]);
}

TEST_P(SnapshotReader, KeepsWhatTorchFxAddsToAFrame) {
  const auto trace =
      read(snapshot({}, {list({dict(with(entry_items("alloc", 512, 1),
                                         {{"frames", list({dict({{"name", text("f")},
                                                                 {"filename", text("g.py")},
                                                                 {"line", number(int64_t{1} << 40)},
                                                                 {"fx_node_op", text("call_module")},
                                                                 {"fx_node_name", text("linear")}})})}}))})}));
  ASSERT_EQ(trace->frames.size(), 1U);
  EXPECT_EQ(trace->frames[trace::FrameIdx(0)].line, UINT32_MAX);
  EXPECT_EQ(trace->strings[trace->frames[trace::FrameIdx(0)].extra], "fx_node_op=call_module\nfx_node_name=linear\n");
}

// --- Segments and blocks ---

TEST_P(SnapshotReader, KeepsEveryFieldOfASegmentAndItsBlocks) {
  const auto trace = read(snapshot(
      {dict(with(
          segment_items(0, 0x1000, 4096,
                        {dict(with(block_items(1024, "active_allocated"), {{"address", number(0x1000)},
                                                                           {"frames", list({frame("f", 1)})},
                                                                           {"forward_frames", list({text("forward")})},
                                                                           {"user_metadata", text("mine")}})),
                         block(0x1400, 1024, "active_pending_free"), block(0x1800, 1024, "active_awaiting_free"),
                         block(0x1c00, 1024, "inactive")}),
          {{"allocated_size", number(1024)},
           {"active_size", number(3072)},
           {"requested_size", number(3036)},
           {"stream", number(5)},
           {"segment_type", text("large")},
           {"segment_pool_id", pair(number(0), number(1))},
           {"is_expandable", flag(true)},
           {"frames", list({frame("g", 2)})}}))},
      {}));
  ASSERT_EQ(trace->segments.size(), 1U);
  const trace::Segment& s = trace->segments[0];
  EXPECT_EQ(s.addr, Address(0x1000));
  EXPECT_EQ(s.total, 4096_B);
  EXPECT_TRUE(s.has_recorded_sums);
  EXPECT_EQ(s.recorded_allocated, 1024_B);
  EXPECT_EQ(s.recorded_active, 3072_B);
  EXPECT_TRUE(s.has_recorded_requested);
  EXPECT_EQ(s.recorded_requested, 3036_B);
  EXPECT_EQ(s.stream, 5);
  EXPECT_EQ(s.kind, trace::PoolKind::kLarge);
  EXPECT_EQ(s.pool, (trace::PoolId{0, 1}));
  EXPECT_TRUE(s.expandable);
  EXPECT_EQ(stack_text(*trace, s.stack), "train.py:2 g;");
  ASSERT_EQ(s.block_count, 4U);
  const trace::BlockTable& blocks = trace->blocks;
  const uint32_t b = s.first_block;
  EXPECT_EQ(blocks.addr[b + 1], 0x1400U);
  EXPECT_EQ(blocks.size[b], 1024U);
  EXPECT_EQ(blocks.requested[b], 1012U);
  EXPECT_EQ(stack_text(*trace, blocks.stack[b]), "train.py:1 f;");
  EXPECT_EQ(stack_text(*trace, blocks.forward_stack[b]), ":0 forward;");
  EXPECT_EQ(trace->strings[blocks.user_metadata[b]], "mine");
  EXPECT_EQ(blocks.state[b], trace::BlockState::kAllocated);
  EXPECT_EQ(blocks.state[b + 1], trace::BlockState::kPendingFree);
  EXPECT_EQ(blocks.state[b + 2], trace::BlockState::kPendingFree);
  EXPECT_EQ(blocks.state[b + 3], trace::BlockState::kInactive);
  EXPECT_TRUE(trace->warnings.empty()) << all_warnings(*trace);
}

TEST_P(SnapshotReader, SaysWhichSumsASegmentDoesNotRecord) {
  const auto trace = read(snapshot({segment(0, 0, 512, {})}, {}));
  ASSERT_EQ(trace->segments.size(), 1U);
  EXPECT_FALSE(trace->segments[0].has_recorded_sums);
  EXPECT_FALSE(trace->segments[0].has_recorded_requested);
  EXPECT_EQ(trace->segments[0].kind, trace::PoolKind::kUnknown);
  EXPECT_EQ(trace->segments[0].block_count, 0U);
}

TEST_P(SnapshotReader, PlacesBlocksWithoutAnAddressOneBehindTheOther) {
  const Nodes blocks = {dict(block_items(512, "active_allocated")), dict(block_items(1024, "inactive")),
                        dict(block_items(512, "active_allocated"))};
  const auto trace = read(snapshot({segment(0, 0x1000, 2048, blocks), segment(0, 0x9000, 2048, blocks)}, {}));
  ASSERT_EQ(trace->segments.size(), 2U);
  for (const trace::Segment& s : trace->segments) {
    ASSERT_EQ(s.block_count, 3U);
    EXPECT_EQ(trace->blocks.addr[s.first_block], s.addr.value());
    EXPECT_EQ(trace->blocks.addr[s.first_block + 1], s.addr.value() + 512);
    EXPECT_EQ(trace->blocks.addr[s.first_block + 2], s.addr.value() + 1536);
  }
}

TEST_P(SnapshotReader, TakesRequestAndStackOfOldBlocksFromTheirHistory) {
  const Node history =
      list({dict({{"addr", number(0x1000)}, {"real_size", number(400)}, {"frames", list({frame("f", 1)})}}),
            dict({{"addr", number(0x1000)}, {"real_size", number(300)}})});
  const auto trace = read(
      snapshot({segment(0, 0x1000, 512,
                        {dict({{"size", number(512)}, {"state", text("active_allocated")}, {"history", history}})})},
               {}));
  ASSERT_EQ(trace->blocks.size_rows(), 1U);
  EXPECT_EQ(trace->blocks.requested[0], 400U);
  EXPECT_EQ(stack_text(*trace, trace->blocks.stack[0]), "train.py:1 f;");
}

TEST_P(SnapshotReader, NeverTakesMoreAsRequestedThanABlockHas) {
  const auto trace = read(snapshot(
      {segment(0, 0, 1024,
               {dict({{"size", number(512)}, {"requested_size", number(513)}, {"state", text("active_allocated")}}),
                dict({{"size", number(512)}, {"state", text("active_allocated")}})})},
      {}));
  ASSERT_EQ(trace->blocks.size_rows(), 2U);
  EXPECT_EQ(trace->blocks.requested[0], 512U);
  EXPECT_EQ(trace->blocks.requested[1], 512U);
}

TEST_P(SnapshotReader, LeavesOutBlocksAndSegmentsWithSizesThatMakeNoSense) {
  const int64_t limit = int64_t{1} << 48;
  const auto trace =
      read(snapshot({segment(0, 0, limit - 1, {block(0, 512, "inactive"), block(512, limit, "inactive")}),
                     segment(0, 0, limit, {block(0, 512, "inactive")}),
                     dict({{"address", number(1)}, {"blocks", list({})}}), segment(5000, 0, 512, {})},
                    {}));
  ASSERT_EQ(trace->segments.size(), 1U);
  EXPECT_EQ(trace->segments[0].total, Bytes(static_cast<uint64_t>(limit - 1)));
  EXPECT_EQ(trace->segments[0].block_count, 1U);
  EXPECT_TRUE(warns_of(*trace, "1 blocks have a size that makes no sense")) << all_warnings(*trace);
  EXPECT_TRUE(warns_of(*trace, "3 segments have an address or size that makes no sense")) << all_warnings(*trace);
}

// --- Devices ---

TEST_P(SnapshotReader, GivesEachDeviceItsSegmentsInAddressOrder) {
  const auto trace =
      read(snapshot({segment(2, 0x9000, 512, {block(0x9000, 512, "inactive")}), segment(0, 0x3000, 512, {}),
                     segment(2, 0x1000, 512, {block(0x1000, 512, "inactive")}), segment(0, 0x2000, 512, {})},
                    {list({entry("alloc", 1, 1)}), list({}), list({entry("alloc", 2, 1), entry("alloc", 3, 1)}),
                     list({entry("alloc", 4, 1)}), list({})}));
  ASSERT_EQ(trace->devices.size(), 3U) << "device 1 and 4 have nothing";
  const auto& devices = trace->devices;
  EXPECT_EQ(devices[0].index, 0);
  EXPECT_EQ(devices[1].index, 2);
  EXPECT_EQ(devices[2].index, 3);
  EXPECT_EQ(addresses(*trace, devices[0]), (Addresses{1}));
  EXPECT_EQ(addresses(*trace, devices[1]), (Addresses{2, 3}));
  EXPECT_EQ(addresses(*trace, devices[2]), (Addresses{4}));
  EXPECT_EQ(devices[2].segment_count, 0U);
  ASSERT_EQ(devices[1].segment_count, 2U);
  const trace::Segment& first = trace->segments[devices[1].first_segment];
  EXPECT_EQ(first.addr, Address(0x1000));
  EXPECT_EQ(trace->blocks.addr[first.first_block], 0x1000U);
  EXPECT_EQ(trace->segments[devices[1].first_segment + 1].addr, Address(0x9000));
}

TEST_P(SnapshotReader, KeepsPinnedHostMemoryApart) {
  const auto trace =
      read(snapshot({segment(0, 0x1000, 512, {})}, {list({entry("alloc", 1, 1)})},
                    {{"host_segments", list({segment(-1, 0x8000, 1024, {block(0x8000, 1024, "active_allocated")})})},
                     {"host_traces", list({entry("alloc", 7, 1), entry("alloc", 8, 1)})}}));
  ASSERT_EQ(trace->devices.size(), 2U);
  EXPECT_EQ(trace->devices[0].kind, trace::DeviceKind::kGpu);
  const trace::Device& host = trace->devices[1];
  EXPECT_EQ(host.kind, trace::DeviceKind::kHost);
  EXPECT_EQ(host.index, 0);
  EXPECT_EQ(addresses(*trace, host), (Addresses{7, 8}));
  ASSERT_EQ(host.segment_count, 1U);
  EXPECT_EQ(trace->segments[host.first_segment].addr, Address(0x8000));
}

TEST_P(SnapshotReader, ReadsTheEndsOfScopes) {
  const auto scope = [](const std::string& stage, int64_t time) {
    return dict({{"stage", text(stage)}, {"name", text("step")}, {"device", number(1)}, {"time_us", number(time)}});
  };
  const auto trace = read(
      snapshot({}, {}, {{"external_annotations", list({scope("START", 5), scope("END", 9), scope("PAUSE", 10)})}}));
  ASSERT_EQ(trace->annotations.size(), 3U);
  EXPECT_EQ(trace->strings[trace->annotations[0].name], "step");
  EXPECT_EQ(trace->annotations[0].stage, trace::Stage::kStart);
  EXPECT_EQ(trace->annotations[0].device, 1);
  EXPECT_EQ(trace->annotations[0].time_us, 5);
  EXPECT_EQ(trace->annotations[1].stage, trace::Stage::kEnd);
  EXPECT_EQ(trace->annotations[2].stage, trace::Stage::kOther);
}

// --- What the file as a whole is ---

TEST_P(SnapshotReader, ReadsTheSettings) {
  const auto trace = read(
      snapshot({}, {},
               {{"allocator_settings",
                 dict({{"PYTORCH_CUDA_ALLOC_CONF", text("max_split_size_mb:64")},
                       {"max_split_size", number(67108864)},
                       {"garbage_collection_threshold", quarter()},
                       {"expandable_segments", flag(false)},
                       {"pinned_num_register_threads", number(1)},
                       {"something_new", none()},
                       {"roundup_power2_divisions", dict({{"1", number(0)}, {"2", number(4)}, {"4", number(8)}})}})}}));
  const trace::Settings& settings = trace->settings;
  EXPECT_TRUE(settings.recorded());
  EXPECT_EQ(settings.conf, "max_split_size_mb:64");
  EXPECT_EQ(settings.max_split_size, 64_MiB);
  EXPECT_EQ(settings.garbage_collection_threshold, 0.25);
  EXPECT_EQ(settings.expandable_segments, false);
  EXPECT_EQ(settings.roundup_power2_divisions[0], 0U);
  EXPECT_EQ(settings.roundup_power2_divisions[1], 4U);
  EXPECT_EQ(settings.roundup_power2_divisions[2], 8U);
  using Setting = std::pair<std::string, std::string>;
  EXPECT_EQ(settings.all, (std::vector<Setting>{{"PYTORCH_CUDA_ALLOC_CONF", "\"max_split_size_mb:64\""},
                                                {"max_split_size", "67108864"},
                                                {"garbage_collection_threshold", "0.25"},
                                                {"expandable_segments", "false"},
                                                {"pinned_num_register_threads", "1"},
                                                {"something_new", "null"},
                                                {"roundup_power2_divisions", R"({"1":0,"2":4,"4":8})"}}));
}

TEST_P(SnapshotReader, TakesAMaxSplitSizeOfMinusOneAsUnlimited) {
  const auto trace = read(snapshot({}, {}, {{"allocator_settings", dict({{"max_split_size", number(-1)}})}}));
  EXPECT_FALSE(trace->settings.max_split_size.has_value());
  EXPECT_TRUE(trace->settings.recorded());
}

TEST_P(SnapshotReader, TellsTheReleaseByTheKeysOfTheFile) {
  const auto with_key = [](const std::string& key, const Node& value) {
    return list({dict(with(entry_items("alloc", 512, 1), {{key, value}}))});
  };
  const Node settings = dict({{"graph_capture_record_stream_reuse", flag(false)}});
  const Node expandable = dict(with(segment_items(0, 0, 512, {}), {{"is_expandable", flag(false)}}));
  const Node old_block = dict({{"size", number(512)},
                               {"state", text("active_allocated")},
                               {"history", list({dict({{"addr", number(0)}, {"real_size", number(5)}})})}});
  struct Case {
    Node node;
    trace::Dialect dialect;
  };
  const std::vector<Case> cases = {
      {snapshot({}, {}, {{"host_segments", list({})}}), {2, 13}},
      {snapshot({}, {with_key("pool_id", pair(number(0), number(0)))}), {2, 12}},
      {snapshot({}, {with_key("user_metadata", text(""))}), {2, 10}},
      {snapshot({}, {}, {{"allocator_settings", settings}}), {2, 9}},
      {snapshot({}, {with_key("compile_context", text("N/A"))}), {2, 8}},
      {snapshot({}, {}, {{"external_annotations", list({})}}), {2, 5}},
      {snapshot({}, {with_key("time_us", number(1))}), {2, 2}},
      {snapshot({expandable}, {}), {2, 1}},
      {snapshot({}, {}), {2, 0}},
      {list({segment(0, 0, 512, {old_block})}), {1, 13}},
      {list({segment(0, 0, 512, {})}), {0, 0}},
  };
  for (const Case& c : cases) {
    const auto trace = read(c.node);
    EXPECT_TRUE(trace->dialect == c.dialect)
        << trace->dialect.major << "." << trace->dialect.minor << " for " << c.dialect.major << "." << c.dialect.minor;
  }
}

TEST_P(SnapshotReader, ReadsABareListOfSegments) {
  const auto trace = read(list({segment(0, 0x1000, 512, {block(0x1000, 512, "inactive")}), segment(1, 0, 512, {})}));
  EXPECT_EQ(trace->segments.size(), 2U);
  EXPECT_EQ(trace->devices.size(), 2U);
  EXPECT_TRUE(trace->warnings.empty()) << all_warnings(*trace);
}

TEST_P(SnapshotReader, ReadsABareListOfEntries) {
  const auto trace = read(list({entry("alloc", 1, 1), entry("alloc", 2, 1)}));
  ASSERT_EQ(trace->devices.size(), 1U);
  EXPECT_EQ(addresses(*trace, trace->devices[0]), (Addresses{1, 2}));
  EXPECT_TRUE(warns_of(*trace, "no segments")) << all_warnings(*trace);
}

TEST_P(SnapshotReader, ReadsATraceThatIsNotInsideAList) {
  const auto trace = read(dict({{"device_traces", list({entry("alloc", 1, 1)})}}));
  ASSERT_EQ(trace->devices.size(), 1U);
  EXPECT_EQ(addresses(*trace, trace->devices[0]), (Addresses{1}));
}

TEST_P(SnapshotReader, ReadsASnapshotInsideSomebodysOwnDict) {
  const auto trace =
      read(dict({{"step", number(7)}, {"memory", snapshot({segment(0, 0, 512, {})}, {})}, {"loss", quarter()}}));
  EXPECT_EQ(trace->segments.size(), 1U);
  EXPECT_TRUE(warns_of(*trace, "inside another dict")) << all_warnings(*trace);
}

TEST_P(SnapshotReader, SaysThatAnEmptyListHoldsNothing) {
  const auto trace = read(list({}));
  EXPECT_TRUE(trace->devices.empty());
  EXPECT_TRUE(warns_of(*trace, "empty")) << all_warnings(*trace);
}

TEST_P(SnapshotReader, RefusesWhatIsNoSnapshot) {
  for (const Node& node : {dict({{"weights", list({number(1)})}}), list({number(1), number(2)}),
                           list({dict({{"a", number(1)}})}), dict({})}) {
    const Error error = error_of(node);
    EXPECT_EQ(error.kind, ErrorKind::kBadInput);
    EXPECT_NE(error.what.find("not a memory snapshot"), std::string::npos) << error.what;
    EXPECT_EQ(error.where.substr(0, 5), "byte ");
  }
}

TEST_P(SnapshotReader, KeepsWhatPrecedesACut) {
  const Node node = snapshot({segment(0, 0, 512, {block(0, 512, "inactive")})},
                             {list({entry("alloc", 1, 1), entry("alloc", 2, 1)}), list({entry("alloc", 3, 1)})});
  const std::string bytes = bytes_of(node);
  size_t before = 0;
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    const auto result = try_read_bytes(bytes.substr(0, cut));
    if (!result) {
      EXPECT_EQ(before, 0U) << cut << ": " << result.error().what;
      continue;
    }
    const Trace& trace = *result->trace;
    size_t events = 0;
    for (const trace::Device& device : trace.devices) events += device.event_count;
    EXPECT_TRUE(trace.truncated || (GetParam() == Format::kPickle && cut + 1 == bytes.size())) << cut;
    EXPECT_TRUE(warns_of(trace, "the report covers what precedes that")) << cut << all_warnings(trace);
    EXPECT_GE(events, before) << cut;
    before = events;
  }
  EXPECT_EQ(before, 3U);
}

// --- What only pickles can say ---

TEST(SnapshotReaderOfPickles, CountsEntriesOfTwoListsOnce) {
  const auto trace =
      read_pickle(snapshot({}, {named(1, list({entry("alloc", 1, 1), entry("alloc", 2, 1)})), same_as(1),
                                list({named(2, entry("alloc", 3, 1)), same_as(2), entry("alloc", 4, 1)})}));
  ASSERT_EQ(trace->devices.size(), 2U);
  EXPECT_EQ(addresses(*trace, trace->devices[0]), (Addresses{1, 2}));
  EXPECT_EQ(trace->devices[1].index, 2);
  EXPECT_EQ(addresses(*trace, trace->devices[1]), (Addresses{3, 4}));
  EXPECT_TRUE(warns_of(*trace, "2 parts of the file are used more than once")) << all_warnings(*trace);
}

TEST(SnapshotReaderOfPickles, CountsASegmentOnce) {
  const auto trace = read_pickle(snapshot({named(1, segment(0, 0, 512, {block(0, 512, "inactive")})), same_as(1)}, {}));
  EXPECT_EQ(trace->segments.size(), 1U);
  EXPECT_TRUE(warns_of(*trace, "1 parts of the file are used more than once")) << all_warnings(*trace);
}

TEST(SnapshotReaderOfPickles, CountsABlockOfTwoSegmentsOnce) {
  const auto trace = read_pickle(
      snapshot({segment(0, 0, 512, {named(1, block(0, 512, "inactive"))}), segment(0, 512, 512, {same_as(1)})}, {}));
  ASSERT_EQ(trace->segments.size(), 2U);
  EXPECT_EQ(trace->segments[0].block_count, 1U);
  EXPECT_EQ(trace->segments[1].block_count, 0U);
}

TEST(SnapshotReaderOfPickles, CopiesRowsThatAreNotInOrder) {
  // Entries and blocks that appear first elsewhere in the file, in another order.
  const auto trace = read_pickle(
      dict({{"notes",
             list({named(1, entry("alloc", 1, 1)), named(2, entry("alloc", 2, 2)), named(3, entry("alloc", 3, 3))})},
            {"more", list({named(4, block(1024, 512, "inactive")), named(5, block(512, 512, "active_allocated"))})},
            {"segments", list({segment(0, 512, 1024, {same_as(5), same_as(4)})})},
            {"device_traces", list({list({same_as(3), same_as(1)}), list({same_as(2)})})}}));
  ASSERT_EQ(trace->devices.size(), 2U);
  EXPECT_EQ(addresses(*trace, trace->devices[0]), (Addresses{3, 1}));
  EXPECT_EQ(trace->events.size[trace->devices[0].first_event], 3U);
  EXPECT_EQ(addresses(*trace, trace->devices[1]), (Addresses{2}));
  ASSERT_EQ(trace->segments.size(), 1U);
  ASSERT_EQ(trace->segments[0].block_count, 2U);
  EXPECT_EQ(trace->blocks.addr[trace->segments[0].first_block], 512U);
  EXPECT_EQ(trace->blocks.state[trace->segments[0].first_block], trace::BlockState::kAllocated);
  EXPECT_EQ(trace->blocks.addr[trace->segments[0].first_block + 1], 1024U);
}

TEST(SnapshotReaderOfPickles, SharesFramesAndStacksThatAreShared) {
  const Items items = entry_items("alloc", 1, 1);
  const auto trace = read_pickle(snapshot(
      {}, {list({dict(with(items, {{"frames", named(1, list({named(2, frame("f", 1)), frame("main", 2)}))}})),
                 dict(with(items, {{"frames", same_as(1)}})), dict(with(items, {{"frames", list({same_as(2)})}}))})}));
  ASSERT_EQ(trace->events.size_rows(), 3U);
  EXPECT_EQ(trace->events.stack[0], trace->events.stack[1]);
  EXPECT_EQ(stack_text(*trace, trace->events.stack[2]), "train.py:1 f;");
}

TEST(SnapshotReaderOfPickles, RefusesOneThatWantsCodeRun) {
  const auto result = try_read_bytes(
      "\x80\x04"
      "cos\nsystem\n\x8c\x04truetR.");
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().what.find("os.system"), std::string::npos) << result.error().what;
}

TEST(SnapshotReaderOfPickles, SaysWhereACutFileEnds) {
  const std::string bytes = pickle_of(snapshot({}, {list({entry("alloc", 1, 1), entry("alloc", 2, 1)})}));
  const auto trace = read_bytes(bytes.substr(0, bytes.size() - 20));
  ASSERT_FALSE(trace->warnings.empty());
  EXPECT_NE(trace->warnings[0].find(fmt::format("at byte {}", bytes.size() - 20)), std::string::npos)
      << trace->warnings[0];
}

TEST(SnapshotReaderOfPickles, CountsTheUnpackedBytes) {
  const std::string bytes = pickle_of(snapshot({}, {}));
  const auto result = try_read_bytes(bytes + std::string(100, '\0'));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->bytes, bytes.size());
}

}  // namespace
}  // namespace unfrag::ingest
