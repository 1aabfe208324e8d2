#include "ingest/allocation_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/allocation_log.h"
#include "base/text.h"
#include "trace/builder.h"

namespace unfrag::ingest {
namespace {

using allocation_log::Header;
using allocation_log::Kind;
using allocation_log::Record;
using trace::Action;

/// By the numbers of TraceEntry::Action.
constexpr std::array kActions = {
    Action::kAlloc,      Action::kFreeRequested, Action::kFreeCompleted, Action::kSegmentAlloc, Action::kSegmentFree,
    Action::kSegmentMap, Action::kSegmentUnmap,  Action::kSnapshot,      Action::kOom,          Action::kAnnotate};
constexpr uint64_t kLongestText = uint64_t{1} << 20;

class Reader {
 public:
  Reader(std::istream& file, const Header& header) : file_(file), header_(header) {}

  std::optional<std::string> run() {
    for (read_ = 0; read_ < header_.records;) {
      Record record;
      if (!take(&record, 1)) return "its end is missing";
      if (auto fault = add(record)) return fault;
    }
    return std::nullopt;
  }

  AllocationLog finish(trace::Dialect dialect) {
    order_by_device();
    AllocationLog log{.trace = nullptr,
                      .process = header_.process,
                      .traced = header_.traced != 0,
                      .host_reads = header_.host_reads,
                      .unknown_reads = header_.unknown_reads,
                      .dropped_bytes = header_.dropped_bytes,
                      .launches = header_.launches,
                      .modelled = header_.modelled,
                      .asked = header_.asked,
                      .dnn_version = header_.dnn_version,
                      .workspaces = std::move(workspaces_),
                      .unanswered = std::move(unanswered_),
                      .images = std::move(images_)};
    builder_.trace.truncated = true;
    builder_.trace.dialect = dialect;
    log.trace = std::make_unique<trace::Trace>(std::move(builder_.trace));
    return log;
  }

 private:
  bool take(void* into, uint64_t records) {
    read_ += records;
    const auto bytes = static_cast<std::streamsize>(records * sizeof(Record));
    return read_ <= header_.records && file_.read(static_cast<char*>(into), bytes).gcount() == bytes;
  }

  std::optional<std::string> add(const Record& record) {
    switch (record.kind) {
      case Kind::kEvent: return add_event(record);
      case Kind::kText: return add_text(record);
      case Kind::kFrame: return add_frame(record);
      case Kind::kStack: return add_stack(record);
      case Kind::kSettings:
        if (!is_text(record.first)) return "its settings are missing";
        builder_.trace.settings.conf = texts_[record.first - 1];
        return std::nullopt;
      case Kind::kUnanswered:
        if (!is_text(record.first) || record.number >= header_.unanswered.size()) return "a function has no name";
        unanswered_.push_back(
            {.function = escape_text(texts_[record.first - 1]), .calls = header_.unanswered[record.number]});
        return std::nullopt;
      case Kind::kImage:
        images_.push_back(
            {.architecture = static_cast<int>(record.number), .ptx = record.first != 0, .exactly = record.second != 0});
        return std::nullopt;
      case Kind::kWorkspace: add_workspace(record); return std::nullopt;
      case Kind::kNone: return std::nullopt;  // another thread was about to write it when the process was killed
    }
    return "a record is of no kind";
  }

  [[nodiscard]] bool is_text(uint64_t number) const { return number >= 1 && number <= texts_.size(); }

  std::optional<std::string> add_text(const Record& record) {
    if (record.size > kLongestText || record.number != texts_.size() + 1) return "a text is out of order";
    const uint64_t records = (record.size + sizeof(Record) - 1) / sizeof(Record);
    std::string text(records * sizeof(Record), '\0');
    if (!take(text.data(), records)) return "a text is cut";
    text.resize(record.size);
    texts_.push_back(std::move(text));
    return std::nullopt;
  }

  std::optional<std::string> add_frame(const Record& record) {
    if (record.number != frames_.size() + 1 || !is_text(record.first) || !is_text(record.second)) {
      return "a frame is out of order";
    }
    frames_.push_back(builder_.intern(trace::Frame{.name = builder_.intern(texts_[record.first - 1]),
                                                   .filename = builder_.intern(texts_[record.second - 1]),
                                                   .line = static_cast<uint32_t>(record.size)}));
    return std::nullopt;
  }

  // Stacks come innermost frame first in a Trace, and here as one frame on top of a stack that came before.
  std::optional<std::string> add_stack(const Record& record) {
    const bool known = record.first >= 1 && record.first <= frames_.size() && record.second <= stacks_.size();
    if (record.number != stacks_.size() + 1 || !known) return "a stack is out of order";
    std::vector<trace::FrameIdx> frames = {frames_[record.first - 1]};
    if (record.second > 0) {
      const auto below = builder_.trace.stacks[stacks_[record.second - 1]];
      frames.insert(frames.end(), below.begin(), below.end());
    }
    stacks_.push_back(builder_.intern(frames));
    return std::nullopt;
  }

  std::optional<std::string> add_event(const Record& record) {
    if (record.device >= header_.devices || record.stack > stacks_.size()) return "an entry names what is not there";
    if (builder_.trace.events.size_rows() >= UINT32_MAX - 1) return "it has more entries than a trace can";
    trace::EventFields event{.action = record.action < kActions.size() ? kActions[record.action] : Action::kUnknown,
                             .addr = record.addr,
                             .size = record.size,
                             .time_us = record.time_us};
    if (record.stack > 0) event.stack = stacks_[record.stack - 1];
    event.context.stream = static_cast<int64_t>(record.stream);
    event.context.pool = {.first = record.first, .second = record.second};
    event.context.has_pool = header_.entries_have_pool != 0;
    builder_.add_event(event);
    if (devices_.size() <= record.device) devices_.resize(record.device + 1U);
    devices_[record.device].push_back(static_cast<uint32_t>(builder_.trace.events.size_rows() - 1));
    if (event.action == Action::kAlloc) {
      handed_out_[record.addr] = {record.device, static_cast<uint32_t>(devices_[record.device].size() - 1)};
    }
    return std::nullopt;
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

  std::istream& file_;
  const Header& header_;
  uint64_t read_ = 0;
  trace::Builder builder_;
  std::vector<std::string> texts_;
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
  std::vector<Unanswered> unanswered_;
  std::vector<KernelImage> images_;
};

Error bad(const std::string& path, const std::string& what) {
  return {ErrorKind::kBadInput, path, "the log of the rehearsed process cannot be read: " + what,
          "rehearsing it again"};
}

}  // namespace

Result<AllocationLog> read_allocation_log(const std::string& path, trace::Dialect dialect) {
  std::ifstream file(path, std::ios::binary);
  Header header;
  std::array<char, allocation_log::kRecordsAt> page{};
  if (!file.read(page.data(), page.size())) return bad(path, "it has no beginning");
  std::memcpy(&header, page.data(), sizeof header);
  if (header.magic != allocation_log::kMagic) return bad(path, "it is something else");
  Reader reader(file, header);
  if (const auto fault = reader.run()) return bad(path, *fault);
  return reader.finish(dialect);
}

}  // namespace unfrag::ingest
