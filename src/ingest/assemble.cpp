#include "ingest/assemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "base/text.h"

namespace unfrag::ingest {
namespace {

using trace::Trace;

constexpr int64_t kMostDevices = 4096;  // device ordinals from here on are nonsense

/// Neighbouring rows of a table: [first, end).
struct Rows {
  uint32_t first = 0;
  uint32_t end = 0;
};

/// The rows of a table that have found their place: what a file shares or repeats counts once.
class TakenRows {
 public:
  /// Takes those of `rows` that nobody took before, appends them to `taken` and returns how many were refused.
  uint64_t take(Rows rows, std::vector<Rows>& taken) {
    uint64_t refused = 0;
    auto next = taken_.upper_bound(rows.first);
    if (next != taken_.begin()) --next;
    while (rows.first < rows.end) {
      while (next != taken_.end() && next->second <= rows.first) ++next;
      const bool overlaps = next != taken_.end() && next->first <= rows.first;
      const uint32_t until = std::min(rows.end, next == taken_.end() ? rows.end
                                                : overlaps           ? next->second
                                                                     : next->first);
      if (overlaps) {
        refused += until - rows.first;
      } else {
        add({rows.first, until}, taken);
      }
      rows.first = until;
    }
    return refused;
  }

 private:
  void add(Rows rows, std::vector<Rows>& taken) {
    if (!taken.empty() && taken.back().end == rows.first) {
      taken.back().end = rows.end;
    } else {
      taken.push_back(rows);
    }
    const auto behind = taken_.upper_bound(rows.first);
    if (behind != taken_.begin() && std::prev(behind)->second == rows.first) {
      std::prev(behind)->second = rows.end;
    } else {
      taken_.emplace(rows.first, rows.end);
    }
  }

  std::map<uint32_t, uint32_t> taken_;  // first → end
};

struct SegmentOf {
  trace::DeviceKind kind;
  int device;
  trace::Segment segment;
};

struct EventsOf {
  trace::DeviceKind kind;
  int device;
  uint32_t first;
  uint32_t count;
};

class Assembler {
 public:
  explicit Assembler(NodeStore& store) : store_(store), builder_(store.builder()), trace_(store.builder().trace) {}

  Result<bool> run(Value root) {
    if (const Object* top = store_.object(root)) {
      if (top->kind == ObjectKind::kDict) return from_dict(root);
      return from_list(root);
    }
    return not_a_snapshot();
  }

 private:
  static Error not_a_snapshot() {
    return {ErrorKind::kBadInput, "", "this is readable, but not a memory snapshot (no segments and no device_traces)",
            "what torch.cuda.memory._snapshot() returns"};
  }
  void warn(std::string text) { trace_.warnings.push_back(std::move(text)); }
  std::string name(trace::StringIdx text) const { return fmt::format("'{}'", excerpt(trace_.strings[text])); }

  Result<bool> from_dict(Value root) {
    const Object* top = store_.object(root);
    if (!has_any(*top)) {
      // Somebody's own dict around a snapshot: look one level down.
      const auto end = top->items.begin() + static_cast<ptrdiff_t>(std::min(top->items.size(), kSearchedItems));
      const auto inner = std::find_if(top->items.begin(), end, [&](Value item) {
        const Object* dict = store_.object(item);
        return dict != nullptr && dict->kind == ObjectKind::kDict && has_any(*dict);
      });
      if (inner == end) return not_a_snapshot();
      warn("the snapshot was found inside another dict, of which nothing else was read");
      root = *inner;
    }
    // Copies: reading can add objects and move the one we look at.
    const Object dict = *store_.object(root);
    read_segments(store_.get(dict, Word::segments), trace::DeviceKind::kGpu);
    read_segments(store_.get(dict, Word::host_segments), trace::DeviceKind::kHost);
    read_traces(store_.get(dict, Word::device_traces), trace::DeviceKind::kGpu);
    read_traces(store_.get(dict, Word::host_traces), trace::DeviceKind::kHost);
    read_settings(store_.get(dict, Word::allocator_settings));
    note_unknown_top_level(dict);
    finish(dict);
    return true;
  }

  bool has_any(const Object& dict) const {
    return has_key(dict, Word::segments) || has_key(dict, Word::device_traces) || has_key(dict, Word::host_segments) ||
           has_key(dict, Word::host_traces);
  }
  static bool has_key(const Object& dict, Word key) {
    for (size_t i = 0; i + 1 < std::min(dict.items.size(), kSearchedItems); i += 2) {
      if (dict.items[i] == Value(Kind::kText, static_cast<uint64_t>(key))) return true;
    }
    return false;
  }

  // memory_snapshot() gives only the segments; a list of entries is one device's trace.
  Result<bool> from_list(Value root) {
    const Object list = *store_.object(root);
    const bool traces = std::ranges::any_of(list.items, [&](Value item) {
      const Object* inner = store_.object(item);
      const bool of_events = inner != nullptr && !inner->items.empty() && inner->items.front().kind() == Kind::kEvents;
      return item.kind() == Kind::kEvents || of_events;
    });
    const Object* first = list.items.empty() ? nullptr : store_.object(list.items.front());
    const bool segments = first != nullptr && first->kind == ObjectKind::kDict && has_key(*first, Word::total_size);
    if (traces) {
      warn("the file holds trace entries and no segments: the state is built from the entries alone");
      read_traces(root, trace::DeviceKind::kGpu);
    } else if (segments) {
      read_segments(root, trace::DeviceKind::kGpu);
    } else if (!list.items.empty()) {
      return not_a_snapshot();
    } else {
      warn("the list of segments is empty: nothing was allocated, or the backend keeps no segments (cudaMallocAsync)");
    }
    finish({});
    return true;
  }

  void read_segments(Value value, trace::DeviceKind kind) {
    const Object* list = store_.object(value);
    if (list == nullptr || list->kind == ObjectKind::kDict) return;
    const std::vector<Value> items = list->items;
    for (const Value item : items) {
      const Object* dict = store_.object(item);
      if (dict == nullptr || dict->kind != ObjectKind::kDict) continue;
      if (!take_object(item)) {
        ++repeated_;
        continue;
      }
      read_segment(*dict, kind);
    }
  }

  void read_segment(const Object& dict, trace::DeviceKind kind) {
    const auto addr = store_.to_unsigned(store_.get(dict, Word::address));
    const auto total = store_.to_unsigned(store_.get(dict, Word::total_size));
    const auto device = store_.to_signed(store_.get(dict, Word::device)).value_or(0);
    if (!total || *total >= kSizeLimit || !addr || device >= kMostDevices) {
      ++dropped_segments_;
      return;
    }
    trace::Segment segment;
    segment.addr = Address(*addr);
    segment.total = Bytes(*total);
    segment.recorded_allocated = Bytes(store_.to_unsigned(store_.get(dict, Word::allocated_size)).value_or(0));
    segment.recorded_active = Bytes(store_.to_unsigned(store_.get(dict, Word::active_size)).value_or(0));
    const auto requested = store_.to_unsigned(store_.get(dict, Word::requested_size));
    segment.recorded_requested = Bytes(requested.value_or(0));
    segment.has_recorded_requested = requested.has_value();
    segment.has_recorded_sums = has_key(dict, Word::allocated_size);
    segment.stream = store_.to_signed(store_.get(dict, Word::stream)).value_or(0);
    segment.pool = store_.to_pool(store_.get(dict, Word::segment_pool_id)).value_or(trace::PoolId{});
    segment.expandable = NodeStore::to_bool(store_.get(dict, Word::is_expandable)).value_or(false);
    any_is_expandable_key_ = any_is_expandable_key_ || has_key(dict, Word::is_expandable);
    const auto type = NodeStore::to_text(store_.get(dict, Word::segment_type));
    if (type == trace::StringIdx(static_cast<uint32_t>(Word::small))) segment.kind = trace::PoolKind::kSmall;
    if (type == trace::StringIdx(static_cast<uint32_t>(Word::large))) segment.kind = trace::PoolKind::kLarge;
    const Value frames = store_.get(dict, Word::frames);
    const Value blocks = store_.get(dict, Word::blocks);
    note_unknown_keys("segments", dict);
    segment.stack = store_.to_stack(frames);  // may move `dict`: last
    read_blocks(blocks, segment);
    segments_.push_back(
        {kind, kind == trace::DeviceKind::kHost ? 0 : static_cast<int>(std::max<int64_t>(device, 0)), segment});
  }

  void read_blocks(Value value, trace::Segment& segment) {
    const std::vector<Rows> rows = rows_of(value, Kind::kBlocks, taken_blocks_);
    if (rows.empty()) return;
    trace::BlockTable& table = trace_.blocks;
    Rows placed = rows.front();
    if (rows.size() > 1) {
      placed.first = static_cast<uint32_t>(table.size_rows());
      for_each_row(rows, [&](uint32_t row) { builder_.copy_block(row); });
      placed.end = static_cast<uint32_t>(table.size_rows());
    }
    segment.first_block = placed.first;
    segment.block_count = placed.end - placed.first;
    // Before 2.1 blocks had no address: they follow one another from the segment's.
    Address next = segment.addr;
    for (uint32_t i = 0; i < segment.block_count; ++i) {
      const uint32_t row = segment.first_block + i;
      if (table.addr[row] == kNoAddress) table.addr[row] = next.value();
      next = Address(table.addr[row]) + Bytes(table.size[row]);
    }
  }

  void read_traces(Value value, trace::DeviceKind kind) {
    const Object* list = store_.object(value);
    if (list == nullptr || list->kind == ObjectKind::kDict) return;
    const std::vector<Value> items = list->items;
    if (std::ranges::any_of(items, [](Value item) { return item.kind() == Kind::kEvents; })) {
      take_events(value, kind, 0);  // one flat list: pinned host memory, or a trace of one device
      return;
    }
    int device = 0;
    for (const Value item : items) {
      if (device >= kMostDevices) break;
      take_events(item, kind, kind == trace::DeviceKind::kHost ? 0 : device);
      ++device;
    }
  }

  void take_events(Value list, trace::DeviceKind kind, int device) {
    const bool again =
        std::ranges::any_of(traces_, [&](const EventsOf& t) { return t.kind == kind && t.device == device; });
    if (again) return;  // host_traces with several lists: PyTorch writes one
    const std::vector<Rows> rows = rows_of(list, Kind::kEvents, taken_events_);
    if (rows.empty()) return;
    Rows placed = rows.front();
    if (rows.size() > 1) {
      placed.first = static_cast<uint32_t>(trace_.events.size_rows());
      for_each_row(rows, [&](uint32_t row) { builder_.copy_event(row); });
      placed.end = static_cast<uint32_t>(trace_.events.size_rows());
    }
    traces_.push_back({kind, device, placed.first, placed.end - placed.first});
  }

  template <class Visit>
  static void for_each_row(const std::vector<Rows>& rows, Visit visit) {
    for (const Rows run : rows) {
      for (uint32_t row = run.first; row < run.end; ++row) visit(row);
    }
  }

  bool take_object(Value value) {
    if (value.payload() >= taken_objects_.size()) taken_objects_.resize(value.payload() + 1);
    const bool first = !taken_objects_[value.payload()];
    taken_objects_[value.payload()] = true;
    return first;
  }

  /// The rows of one kind that a list names and nobody took before, in its order.
  std::vector<Rows> rows_of(Value value, Kind kind, TakenRows& taken) {
    std::vector<Rows> rows;
    const Object* list = store_.object(value);
    if (list == nullptr || list->kind == ObjectKind::kDict || list->items.empty()) return rows;
    if (!take_object(value)) {
      ++repeated_;
      return rows;
    }
    for (const Value item : list->items) {
      if (item.kind() != kind) continue;
      repeated_ += taken.take({item.run_first(), item.run_first() + item.run_count()}, rows);
    }
    return rows;
  }

  void read_settings(Value value);
  [[nodiscard]] std::optional<size_t> division_slot(Value key) const;
  nlohmann::ordered_json setting_json(Value value, int depth, size_t& room) const;
  void note_unknown_top_level(const Object& dict);
  void note_unknown_keys(std::string_view record, const Object& dict);
  void finish(const Object& top);
  void place_devices();
  void find_dialect(const Object& top);
  void summarise_warnings();

  NodeStore& store_;
  trace::Builder& builder_;
  Trace& trace_;
  std::vector<bool> taken_objects_;
  TakenRows taken_events_;
  TakenRows taken_blocks_;
  std::vector<SegmentOf> segments_;
  std::vector<EventsOf> traces_;
  uint64_t repeated_ = 0;
  uint64_t dropped_segments_ = 0;
  bool any_is_expandable_key_ = false;
};

// Settings are small; what is not is cut, so that a text shared by all of them is not written out many times.
nlohmann::ordered_json Assembler::setting_json(Value value, int depth, size_t& room) const {
  if (room == 0) return nullptr;
  --room;
  if (const auto string = NodeStore::to_text(value)) {
    const std::string_view text = trace_.strings[*string].substr(0, room);
    room -= text.size();
    return escape_text(text);
  }
  if (value.kind() == Kind::kBool) return value.payload() != 0;
  if (const auto integer = store_.to_unsigned(value)) return *integer;
  if (const auto integer = store_.to_signed(value)) return *integer;
  if (value.kind() == Kind::kReal) return store_.to_real(value).value_or(0);
  const Object* object = store_.object(value);
  if (object == nullptr || depth > 1) return nullptr;
  const bool dict = object->kind == ObjectKind::kDict;
  auto json = dict ? nlohmann::ordered_json::object() : nlohmann::ordered_json::array();
  const size_t step = dict ? 2 : 1;
  for (size_t i = 0; i + step <= std::min<size_t>(object->items.size(), 64); i += step) {
    auto item = setting_json(object->items[i + step - 1], depth + 1, room);
    if (dict) {
      const auto key = NodeStore::to_text(object->items[i]);
      if (key) json[escape_text(trace_.strings[*key].substr(0, 256))] = std::move(item);
    } else {
      json.push_back(std::move(item));
    }
  }
  return json;
}

/// The slot of a key "1", "2", "4", ... "32768": MiB, as text or number.
std::optional<size_t> Assembler::division_slot(Value key) const {
  uint64_t mib = store_.to_unsigned(key).value_or(0);
  if (const auto text = NodeStore::to_text(key)) {
    const std::string_view digits = trace_.strings[*text];
    if (std::from_chars(digits.data(), digits.data() + digits.size(), mib).ec != std::errc()) return std::nullopt;
  }
  if (!std::has_single_bit(mib) || mib > 32768) return std::nullopt;
  return static_cast<size_t>(std::countr_zero(mib));
}

void Assembler::read_settings(Value value) {
  const Object* dict = store_.object(value);
  if (dict == nullptr || dict->kind != ObjectKind::kDict) return;
  trace::Settings& settings = trace_.settings;
  for (size_t i = 0; i + 1 < std::min<size_t>(dict->items.size(), 512); i += 2) {
    const auto key = NodeStore::to_text(dict->items[i]);
    if (!key) continue;
    const Value item = dict->items[i + 1];
    size_t room = kLongestNote;
    const std::string json =
        setting_json(item, 0, room).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    settings.all.emplace_back(trace_.strings[*key].substr(0, kLongestNote), json);
    const bool said = json != "null" && json != "false" && json != "0" && json != "[]" && json != "{}";
    settings.overflowed = settings.overflowed || (word_of(key->value()) == Word::trace_alloc_overflowed && said &&
                                                  json.find("true") != std::string::npos);
    switch (word_of(key->value())) {
      case Word::PYTORCH_ALLOC_CONF:
      case Word::PYTORCH_CUDA_ALLOC_CONF:
        if (const auto conf = NodeStore::to_text(item)) settings.conf = trace_.strings[*conf].substr(0, kLongestNote);
        break;
      case Word::max_split_size:  // -1 stands for unlimited
        if (const auto size = store_.to_unsigned(item); size && *size < kSizeLimit)
          settings.max_split_size = Bytes(*size);
        break;
      case Word::garbage_collection_threshold: settings.garbage_collection_threshold = store_.to_real(item); break;
      case Word::expandable_segments: settings.expandable_segments = NodeStore::to_bool(item); break;
      case Word::roundup_power2_divisions:
        if (const Object* slots = store_.object(item); slots != nullptr && slots->kind == ObjectKind::kDict) {
          for (size_t pair = 0; pair + 1 < std::min<size_t>(slots->items.size(), 64); pair += 2) {
            const auto slot = division_slot(slots->items[pair]);
            const auto divisions = store_.to_unsigned(slots->items[pair + 1]).value_or(0);
            if (slot)
              settings.roundup_power2_divisions[*slot] =
                  static_cast<uint32_t>(std::min<uint64_t>(divisions, UINT32_MAX));
          }
        }
        break;
      default: break;
    }
  }
}

void Assembler::note_unknown_top_level(const Object& dict) {
  for (size_t i = 0; i + 1 < std::min(dict.items.size(), kSearchedItems); i += 2) {
    const auto key = NodeStore::to_text(dict.items[i]);
    if (key && word_of(key->value()) == Word::kEmpty) ++store_.seen.unknown_keys[{"the top level", *key}];
  }
}

void Assembler::note_unknown_keys(std::string_view record, const Object& dict) {
  for (size_t i = 0; i + 1 < std::min<size_t>(dict.items.size(), 128); i += 2) {
    const auto key = NodeStore::to_text(dict.items[i]);
    if (key && word_of(key->value()) == Word::kEmpty) ++store_.seen.unknown_keys[{record, *key}];
  }
}

void Assembler::finish(const Object& top) {
  place_devices();
  find_dialect(top);
  summarise_warnings();
}

// Devices in order, each with its segments in address order.
void Assembler::place_devices() {
  // Not stable_sort: clang refuses libstdc++ 12's, which uses what C++17 deprecated.
  std::ranges::sort(segments_, {}, [](const SegmentOf& s) {
    return std::tuple(s.kind, s.device, s.segment.addr, s.segment.first_block, s.segment.total);
  });
  std::set<std::pair<trace::DeviceKind, int>> keys;
  for (const SegmentOf& s : segments_) keys.emplace(s.kind, s.device);
  for (const EventsOf& t : traces_) keys.emplace(t.kind, t.device);
  auto segment = segments_.begin();
  for (const auto& [kind, index] : keys) {
    trace::Device device{.kind = kind, .index = index};
    for (const EventsOf& t : traces_) {
      if (t.kind != kind || t.device != index) continue;
      device.first_event = t.first;
      device.event_count = t.count;
    }
    device.first_segment = static_cast<uint32_t>(trace_.segments.size());
    for (; segment != segments_.end() && segment->kind == kind && segment->device == index; ++segment) {
      trace_.segments.push_back(segment->segment);
    }
    device.segment_count = static_cast<uint32_t>(trace_.segments.size()) - device.first_segment;
    trace_.devices.push_back(device);
  }
}

// Newest sign first. Source: the releases in which PyTorch began to write each key.
void Assembler::find_dialect(const Object& top) {
  const Observations& seen = store_.seen;
  const bool graph_reuse = std::ranges::any_of(trace_.settings.all, [](const auto& setting) {
    return setting.first == kWords[static_cast<size_t>(Word::graph_capture_record_stream_reuse)];
  });
  if (has_key(top, Word::host_segments))
    trace_.dialect = {2, 13};
  else if (seen.events_with_pool)
    trace_.dialect = {2, 12};
  else if (seen.events_with_user_metadata)
    trace_.dialect = {2, 10};
  else if (graph_reuse)
    trace_.dialect = {2, 9};
  else if (seen.events_with_compile_context)
    trace_.dialect = {2, 8};
  else if (has_key(top, Word::external_annotations))
    trace_.dialect = {2, 5};
  else if (seen.events_with_time)
    trace_.dialect = {2, 2};
  else if (any_is_expandable_key_)
    trace_.dialect = {2, 1};
  else if (has_key(top, Word::device_traces))
    trace_.dialect = {2, 0};
  else if (seen.blocks_with_history)
    trace_.dialect = {1, 13};
}

void Assembler::summarise_warnings() {
  const Observations& seen = store_.seen;
  if (seen.added_too_late > 0) {
    warn(fmt::format("{} items are added to what was complete and used already, and were left out",
                     seen.added_too_late));
  }
  constexpr size_t kMostNames = 20;
  size_t names = 0;
  for (const auto& [where, count] : seen.unknown_keys) {
    if (++names > kMostNames) break;
    warn(fmt::format("{}: a key this version does not know, {} ({} times), was not read", where.first,
                     name(where.second), count));
  }
  for (const auto& [action, count] : seen.unknown_actions) {
    if (++names > kMostNames) break;
    warn(fmt::format("trace entries: an action this version does not know, {} ({} times), was kept and changes nothing",
                     name(action), count));
  }
  const auto left_out = [&](uint64_t count, std::string_view what) {
    if (count > 0) warn(fmt::format("{} {} that makes no sense and were left out", count, what));
  };
  left_out(seen.dropped_events, "trace entries have a size or address");
  left_out(seen.dropped_blocks, "blocks have a size");
  left_out(dropped_segments_, "segments have an address or size");
  if (repeated_ > 0) {
    warn(fmt::format("{} parts of the file are used more than once; each counts where it comes first", repeated_));
  }
}

}  // namespace

Result<bool> assemble(NodeStore& store, Value root) { return Assembler(store).run(root); }

}  // namespace unfrag::ingest
