// The words of the snapshot format: keys and action names, interned first and in this order, so that a string's
// index is its Word. Source: PyTorch torch/csrc/cuda/memory_snapshot.cpp and torch/csrc/cuda/Module.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "trace/text_table.h"

namespace unfrag::ingest {

// clang-format off
#define UNFRAG_WORDS(W)                                                                                         \
  /* trace entries */                                                                                           \
  W(action) W(addr) W(size) W(stream) W(time_us) W(frames) W(forward_frames) W(compile_context)                  \
  W(user_metadata) W(pool_id) W(device_free) W(category) W(internal_metadata) W(cpp_frames)                      \
  /* frames */                                                                                                  \
  W(name) W(filename) W(line) W(fx_node_op) W(fx_node_name) W(fx_node_target) W(fx_node_info)                    \
  W(fx_original_trace)                                                                                          \
  /* segments and blocks */                                                                                     \
  W(device) W(address) W(total_size) W(allocated_size) W(active_size) W(requested_size) W(segment_type)          \
  W(segment_pool_id) W(is_expandable) W(blocks) W(state) W(history) W(real_size)                                 \
  /* annotations */                                                                                             \
  W(stage) W(START) W(END)                                                                                      \
  /* top level */                                                                                               \
  W(segments) W(device_traces) W(allocator_settings) W(external_annotations) W(host_segments) W(host_traces)     \
  W(traces)                                                                                                     \
  /* actions */                                                                                                 \
  W(alloc) W(free_requested) W(free_completed) W(segment_alloc) W(segment_free) W(segment_map) W(segment_unmap)  \
  W(oom) W(snapshot) W(annotate) W(user_defined)                                                                \
  /* states and kinds */                                                                                        \
  W(active_allocated) W(active_pending_free) W(active_awaiting_free) W(inactive) W(small) W(large)               \
  /* settings */                                                                                                \
  W(PYTORCH_CUDA_ALLOC_CONF) W(PYTORCH_ALLOC_CONF) W(max_split_size) W(garbage_collection_threshold)             \
  W(expandable_segments) W(roundup_power2_divisions) W(graph_capture_record_stream_reuse)              \
  W(trace_alloc_overflowed)
// clang-format on

enum class Word : uint32_t {
  kEmpty,  // index 0 of the string table
#define UNFRAG_WORD(word) word,
  UNFRAG_WORDS(UNFRAG_WORD)
#undef UNFRAG_WORD
      kCount
};

inline constexpr std::array<std::string_view, static_cast<size_t>(Word::kCount)> kWords = {"",
#define UNFRAG_WORD(word) #word,
                                                                                           UNFRAG_WORDS(UNFRAG_WORD)
#undef UNFRAG_WORD
};

/// The word a string is, or kEmpty for a string that is none of them.
constexpr Word word_of(uint32_t string_index) {
  return string_index < static_cast<uint32_t>(Word::kCount) ? static_cast<Word>(string_index) : Word::kEmpty;
}

}  // namespace unfrag::ingest
