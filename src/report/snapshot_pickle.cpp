#include "report/snapshot_pickle.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "report/pickle_parts.h"
#include "report/pickle_writer.h"

namespace unfrag::report {
namespace {

using trace::Action;
using trace::Device;
using trace::DeviceKind;
using trace::Segment;
using trace::StackIdx;
using trace::StringIdx;
using Json = nlohmann::ordered_json;

constexpr size_t kActions = static_cast<size_t>(Action::kUnknown) + 1;

// The names are the words.
struct Words {
  PickleWord action{"action"}, addr{"addr"}, size{"size"}, stream{"stream"}, time_us{"time_us"}, frames{"frames"};
  PickleWord compile_context{"compile_context"}, user_metadata{"user_metadata"}, pool_id{"pool_id"};
  PickleWord device_free{"device_free"}, category{"category"}, internal_metadata{"internal_metadata"};
  PickleWord forward_frames{"forward_frames"};
  PickleWord name{"name"};
  PickleWord device{"device"}, address{"address"}, total_size{"total_size"}, allocated_size{"allocated_size"};
  PickleWord active_size{"active_size"}, requested_size{"requested_size"}, segment_type{"segment_type"};
  PickleWord segment_pool_id{"segment_pool_id"}, is_expandable{"is_expandable"}, blocks{"blocks"}, state{"state"};
  PickleWord history{"history"}, real_size{"real_size"};
  PickleWord active_allocated{"active_allocated"}, active_pending_free{"active_pending_free"}, inactive{"inactive"};
  PickleWord small{"small"}, large{"large"};
  PickleWord stage{"stage"}, start{"START"}, end{"END"}, no_stage{""};
  std::array<PickleWord, kActions> actions;
};

class Writer {
 public:
  Writer(const trace::Trace& trace, std::string& out) : trace_(trace), out_(out), parts_(trace, out_) {
    for (size_t i = 0; i < kActions; ++i) words_.actions[i].text = trace::action_name(static_cast<Action>(i));
    for (size_t row = 0; row < trace.events.size_rows() && !events_have_stacks_; ++row) {
      events_have_stacks_ = trace.events.stack[row] != trace::kEmptyStack;
    }
  }

  void write() {
    out_.open_dict();
    out_.text("segments");
    write_segments(DeviceKind::kGpu);
    if (since(2, 0) || !trace_.dialect.known()) {
      out_.text("device_traces");
      write_device_traces();
    }
    if (trace_.settings.recorded()) {
      out_.text("allocator_settings");
      write_settings();
    }
    if (since(2, 5) || !trace_.annotations.empty()) {
      out_.text("external_annotations");
      write_annotations();
    }
    const Device* host = find_device(DeviceKind::kHost, 0);
    if (since(2, 13) || host != nullptr) {
      out_.text("host_segments");
      write_segments(DeviceKind::kHost);
      out_.text("host_traces");
      write_events(host);
    }
    out_.close_dict();
    out_.finish();
  }

 private:
  [[nodiscard]] bool since(int major, int minor) const { return trace_.dialect >= trace::Dialect{major, minor}; }
  /// Before 2.1 what a block is was said by its history.
  [[nodiscard]] bool blocks_have_history() const { return trace_.dialect.known() && !since(2, 1); }

  [[nodiscard]] const Device* find_device(DeviceKind kind, int index) const {
    const auto found = std::ranges::find_if(
        trace_.devices, [&](const Device& device) { return device.kind == kind && device.index == index; });
    return found == trace_.devices.end() ? nullptr : &*found;
  }

  // ---- Segments and blocks ----

  void write_segments(DeviceKind kind) {
    std::vector<std::pair<int, uint32_t>> rows;  // device ordinal, segment
    for (const Device& device : trace_.devices) {
      if (device.kind != kind) continue;
      const int ordinal = kind == DeviceKind::kHost ? -1 : device.index;
      for (uint32_t i = 0; i < device.segment_count; ++i) rows.emplace_back(ordinal, device.first_segment + i);
    }
    out_.open_list();
    out_.append(rows.size(), [&](size_t i) { write_segment(rows[i].first, trace_.segments[rows[i].second]); });
  }

  void write_segment(int device, const Segment& segment) {
    out_.open_dict();
    parts_.signed_item(words_.device, device);
    parts_.item(words_.address, segment.addr.value());
    parts_.item(words_.total_size, segment.total.value());
    if (segment.has_recorded_sums) {
      parts_.item(words_.allocated_size, segment.recorded_allocated.value());
      parts_.item(words_.active_size, segment.recorded_active.value());
    }
    if (segment.has_recorded_requested) parts_.item(words_.requested_size, segment.recorded_requested.value());
    parts_.signed_item(words_.stream, segment.stream);
    if (segment.kind == trace::PoolKind::kSmall) parts_.item(words_.segment_type, words_.small);
    if (segment.kind == trace::PoolKind::kLarge) parts_.item(words_.segment_type, words_.large);
    if (since(2, 1) || !segment.pool.is_default()) parts_.item(words_.segment_pool_id, segment.pool);
    if (since(2, 1) || segment.expandable) {
      parts_.word(words_.is_expandable);
      out_.boolean(segment.expandable);
    }
    // PyTorch adds stacks to finished dicts, but a list for those without one at once.
    const bool has_stack = segment.stack != trace::kEmptyStack;
    if (since(2, 1) && !has_stack) parts_.item(words_.frames, segment.stack);
    parts_.word(words_.blocks);
    out_.open_list();
    out_.append(segment.block_count, [&](size_t i) { write_block(segment.first_block + static_cast<uint32_t>(i)); });
    if (has_stack) parts_.item(words_.frames, segment.stack);
    out_.close_dict();
  }

  PickleWord& state_word(trace::BlockState state) {
    switch (state) {
      case trace::BlockState::kAllocated: return words_.active_allocated;
      case trace::BlockState::kPendingFree: return words_.active_pending_free;
      case trace::BlockState::kInactive: break;
    }
    return words_.inactive;
  }

  void write_forward_frames(StackIdx stack) {
    if (stack == trace::kEmptyStack) return;
    parts_.word(words_.forward_frames);
    parts_.lines(stack);
  }

  void write_block(uint32_t row) {
    const trace::BlockTable& table = trace_.blocks;
    out_.open_dict();
    if (!blocks_have_history()) parts_.item(words_.address, table.addr[row]);
    parts_.item(words_.size, table.size[row]);
    parts_.item(words_.requested_size, table.requested[row]);
    parts_.item(words_.state, state_word(table.state[row]));
    if (blocks_have_history()) {
      write_history(row);
    } else {
      parts_.item(words_.frames, table.stack[row]);
    }
    write_forward_frames(table.forward_stack[row]);
    if (table.user_metadata[row] != trace::kEmptyString) parts_.item(words_.user_metadata, table.user_metadata[row]);
    out_.close_dict();
  }

  void write_history(uint32_t row) {
    const trace::BlockTable& table = trace_.blocks;
    const bool has_stack = table.stack[row] != trace::kEmptyStack;
    if (table.state[row] == trace::BlockState::kInactive && !has_stack) return;
    parts_.word(words_.history);
    out_.open_list();
    out_.append(1, [&](size_t) {
      out_.open_dict();
      parts_.item(words_.addr, table.addr[row]);
      parts_.item(words_.real_size, table.requested[row]);
      if (has_stack) parts_.item(words_.frames, table.stack[row]);
      out_.close_dict();
    });
  }

  // ---- Trace entries ----

  void write_device_traces() {
    int devices = 0;
    for (const Device& device : trace_.devices) {
      if (device.kind == DeviceKind::kGpu) devices = std::max(devices, device.index + 1);
    }
    out_.open_list();
    out_.append(static_cast<size_t>(devices),
                [&](size_t i) { write_events(find_device(DeviceKind::kGpu, static_cast<int>(i))); });
  }

  void write_events(const Device* device) {
    out_.open_list();
    if (device == nullptr) return;
    out_.append(device->event_count, [&](size_t i) { write_event(device->first_event + i); });
  }

  void write_event(size_t row) {
    const trace::EventTable& table = trace_.events;
    const Action action = table.action[row];
    const uint64_t addr = table.addr[row];
    const trace::EventContext& context = trace_.context_of(row);
    out_.open_dict();
    parts_.item(words_.action, words_.actions[static_cast<size_t>(action)]);
    if (action != Action::kOom) {
      parts_.item(words_.addr, addr);
    } else if (addr != trace::kNoDeviceFree) {
      parts_.item(words_.device_free, addr);
    }
    parts_.item(words_.size, table.size[row]);
    parts_.signed_item(words_.stream, context.stream);
    if (trace_.time_of(row) != trace::kNoTime) parts_.signed_item(words_.time_us, trace_.time_of(row));
    text_item_since(words_.compile_context, context.compile_context, {2, 8});
    text_item_since(words_.user_metadata, context.user_metadata, {2, 10});
    // Snapshots before 2.12 do not say it, even where somebody else does: a reader takes it for a later release's.
    const bool says_pool = !trace_.dialect.known() || trace_.dialect >= trace::Dialect{2, 12};
    if (context.has_pool && says_pool) parts_.item(words_.pool_id, context.pool);
    text_item_since(words_.internal_metadata, context.internal_metadata, {});
    // An entry has no list where no stack was taken: previous snapshots, and all where stacks were not asked for.
    const bool asked = events_have_stacks_ && action != Action::kSnapshot;
    if (asked || table.stack[row] != trace::kEmptyStack) parts_.item(words_.frames, table.stack[row]);
    write_forward_frames(context.forward_stack);
    text_item_since(words_.category, context.category, {});
    out_.close_dict();
  }

  /// A text that every entry has from a release on; before, or without one (a dialect nobody knows), where not empty.
  void text_item_since(PickleWord& key, StringIdx value, trace::Dialect release) {
    if (value != trace::kEmptyString || (release.known() && trace_.dialect >= release)) parts_.item(key, value);
  }

  // ---- The rest ----

  void write_settings() {
    out_.open_dict();
    for (const auto& [name, value] : trace_.settings.all) {
      out_.text(mend_utf8(name));
      const bool is_conf = name == "PYTORCH_CUDA_ALLOC_CONF" || name == "PYTORCH_ALLOC_CONF";
      if (is_conf && trace_.settings.conf) {  // the text as it was, not as it is shown
        out_.text(mend_utf8(*trace_.settings.conf));
      } else {
        write_json(Json::parse(value, nullptr, /*allow_exceptions=*/false));
      }
    }
    out_.close_dict();
  }

  // Recursive: settings are two levels deep, the reader cuts what is deeper.
  void write_json(const Json& json) {
    if (json.is_string()) return out_.text(json.get_ref<const std::string&>());
    if (json.is_boolean()) return out_.boolean(json.get<bool>());
    if (json.is_number_unsigned()) return out_.integer(json.get<uint64_t>());
    if (json.is_number_integer()) return out_.signed_integer(json.get<int64_t>());
    if (json.is_number()) return out_.real(json.get<double>());
    if (json.is_array()) {
      out_.open_list();
      return out_.append(json.size(), [&](size_t i) { write_json(json[i]); });
    }
    if (!json.is_object()) return out_.none();
    if (json.empty()) return out_.empty_dict();
    out_.open_dict();
    for (const auto& [key, value] : json.items()) {
      out_.text(key);
      write_json(value);
    }
    out_.close_dict();
  }

  PickleWord& stage_word(trace::Stage stage) {
    switch (stage) {
      case trace::Stage::kStart: return words_.start;
      case trace::Stage::kEnd: return words_.end;
      case trace::Stage::kOther: break;
    }
    return words_.no_stage;
  }

  void write_annotations() {
    out_.open_list();
    out_.append(trace_.annotations.size(), [&](size_t i) {
      const trace::Annotation& annotation = trace_.annotations[i];
      out_.open_dict();
      parts_.item(words_.stage, stage_word(annotation.stage));
      parts_.item(words_.name, annotation.name);
      parts_.signed_item(words_.device, annotation.device);
      if (annotation.time_us != trace::kNoTime) parts_.signed_item(words_.time_us, annotation.time_us);
      out_.close_dict();
    });
  }

  const trace::Trace& trace_;
  PickleWriter out_;
  PickleParts parts_;
  Words words_;
  bool events_have_stacks_ = false;
};

}  // namespace

std::string snapshot_pickle(const trace::Trace& trace) {
  constexpr size_t kUsualEntry = 64;
  std::string out;
  out.reserve(trace.events.size_rows() * kUsualEntry);
  Writer(trace, out).write();
  return out;
}

}  // namespace unfrag::report
