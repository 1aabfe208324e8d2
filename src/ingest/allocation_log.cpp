#include "ingest/allocation_log.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "trace/builder.h"

namespace unfrag::ingest {
namespace {

using allocation_log::Kind;
using allocation_log::Record;
using trace::Action;

/// By the numbers of TraceEntry::Action.
constexpr std::array kActions = {
    Action::kAlloc,      Action::kFreeRequested, Action::kFreeCompleted, Action::kSegmentAlloc, Action::kSegmentFree,
    Action::kSegmentMap, Action::kSegmentUnmap,  Action::kSnapshot,      Action::kOom,          Action::kAnnotate};
/// More is refused before the allocator counts it.
constexpr uint64_t kMostAskedFor = uint64_t{1} << 60;
/// A program tells its allocator a handful of things; what is more is a made-up file's, and must not grow with its
/// number of devices.
constexpr size_t kMostChanges = 4096;
constexpr size_t kLongestSettings = 4096;

class LogReader {
 public:
  explicit LogReader(LogRecords& log) : log_(log) {}

  LogOfAllocations run(trace::Dialect dialect) {
    builder_.trace.settings.conf_at_start.emplace();
    while (const Record* const record = log_.next()) add(*record);
    order_by_device();
    builder_.trace.truncated = true;
    builder_.trace.dialect = dialect;
    return {.trace = std::make_unique<trace::Trace>(std::move(builder_.trace)), .workspaces = std::move(workspaces_)};
  }

 private:
  void add(const Record& record) {
    if (record.kind == Kind::kEvent) add_event(record);
    if (record.kind == Kind::kFrame) add_frame(record);
    if (record.kind == Kind::kStack) add_stack(record);
    if (record.kind == Kind::kWorkspace) add_workspace(record);
    if (record.kind == Kind::kSettings) add_settings(record);
    if (record.kind == Kind::kFraction)
      add_change({.memory_fraction = std::bit_cast<double>(record.size)}, record.device);
  }

  void add_settings(const Record& record) {
    trace::Settings& settings = builder_.trace.settings;
    settings.conf = log_.text(record.first);
    if (record.number == 0) {
      settings.conf_at_start = settings.conf;
    } else {
      add_change({.conf = settings.conf->substr(0, kLongestSettings)}, std::nullopt);
    }
  }

  /// Of one device, or of all.
  void add_change(trace::Change change, std::optional<uint16_t> device) {
    std::vector<trace::Change>& changes = builder_.trace.changes;
    const uint32_t end = device ? *device + 1U : log_.header().devices;
    for (uint32_t d = device.value_or(0); d < end && changes.size() < kMostChanges; ++d) {
      change.device = static_cast<int>(d);
      change.entry = d < devices_.size() ? static_cast<uint32_t>(devices_[d].size()) : 0;
      changes.push_back(change);
    }
  }

  void add_frame(const Record& record) {
    frames_.push_back(builder_.intern(trace::Frame{.name = builder_.intern(log_.text(record.first)),
                                                   .filename = builder_.intern(log_.text(record.second)),
                                                   .line = static_cast<uint32_t>(record.size)}));
  }

  // Stacks come innermost frame first in a Trace.
  void add_stack(const Record& record) {
    std::vector<trace::FrameIdx> frames = {frames_[record.first - 1]};
    if (record.second > 0) {
      const auto below = builder_.trace.stacks[stacks_[record.second - 1]];
      frames.insert(frames.end(), below.begin(), below.end());
    }
    stacks_.push_back(builder_.intern(frames));
  }

  void add_event(const Record& record) {
    trace::EventFields event{.action = record.action < kActions.size() ? kActions[record.action] : Action::kUnknown,
                             .addr = record.addr,
                             .size = std::min(record.size, kMostAskedFor),
                             .time_us = record.time_us};
    if (record.stack > 0) event.stack = stacks_[record.stack - 1];
    event.context.stream = static_cast<int64_t>(record.stream);
    event.context.pool = {.first = record.first, .second = record.second};
    event.context.has_pool = log_.header().entries_have_pool != 0;
    const uint32_t row = builder_.add_event(event);
    if (devices_.size() <= record.device) devices_.resize(record.device + 1U);
    devices_[record.device].push_back(row);
    if (event.action == Action::kAlloc) {
      handed_out_[record.addr] = {record.device, static_cast<uint32_t>(devices_[record.device].size() - 1)};
    }
  }

  // Plans are run again and again with the same block.
  void add_workspace(const Record& record) {
    const auto block = handed_out_.find(record.addr);
    if (block == handed_out_.end() || block->second.marked) return;
    block->second.marked = true;
    workspaces_.push_back({.device = block->second.device, .entry = block->second.entry, .asked = record.first != 0});
  }

  // A device owns a range of rows. With one device, which is nearly always, they are in place.
  void order_by_device() {
    trace::Trace& trace = builder_.trace;
    const auto busy = std::ranges::count_if(devices_, [](const auto& rows) { return !rows.empty(); });
    for (uint32_t d = 0; d < devices_.size(); ++d) {
      if (devices_[d].empty()) continue;
      trace::Device device{.kind = trace::DeviceKind::kGpu, .index = static_cast<int>(d)};
      device.event_count = static_cast<uint32_t>(devices_[d].size());
      device.first_event = devices_[d].front();
      if (busy > 1) {
        device.first_event = static_cast<uint32_t>(trace.events.size_rows());
        for (const uint32_t row : devices_[d]) builder_.copy_event(row);
      }
      trace.devices.push_back(device);
    }
  }

  LogRecords& log_;
  trace::Builder builder_;
  std::vector<trace::FrameIdx> frames_;
  std::vector<trace::StackIdx> stacks_;
  std::vector<std::vector<uint32_t>> devices_;  // rows of each
  struct HandedOut {
    uint32_t device = 0;
    uint32_t entry = 0;
    bool marked = false;
  };
  std::unordered_map<uint64_t, HandedOut> handed_out_;  // the latest block at each address
  std::vector<Workspace> workspaces_;
};

}  // namespace

LogOfAllocations read_allocation_log(LogRecords& log, trace::Dialect dialect) { return LogReader(log).run(dialect); }

}  // namespace unfrag::ingest
