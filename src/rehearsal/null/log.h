// This process's allocation log (base/allocation_log.h): where the null device leaves what the parent is to know.
//
// Opened at its first use; in a forked child a file of its own. Without a folder to write to, or once
// the file can grow no more, all is dropped.
// Threads: safe; no lock on the way of an entry.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "base/allocation_log.h"
#include "base/kernel_image.h"

namespace unfrag::null {

/// The counters; a page of nobody's where there is no log.
allocation_log::Header& counters();

/// Counts something in one of them.
template <class Integer>
void count(Integer& counter, Integer by = 1) {
  std::atomic_ref(counter).fetch_add(by, std::memory_order_relaxed);
}

/// Adds a record as it is.
void log_record(const allocation_log::Record& record);
/// The number of a text, which is written when it is new.
uint32_t log_text(std::string_view text);
/// A line of a program.
struct LogFrame {
  std::string name;  ///< Of the function.
  std::string file;
  uint32_t line = 0;
};
/// The number of a stack, which is a frame on top of another stack; what is new of it is written.
uint32_t log_stack(const LogFrame& frame, uint32_t below);
/// What numbers belong to: a forked child has another log. 0: all is dropped.
uint64_t log_identity();
/// Tells, once, that kernels that the program uses were compiled so.
void log_image(const KernelImage& image);
/// Counts a call of a function that has no answer.
void log_unanswered(std::string_view name);
/// Says that this process ends now, where it has a log.
void log_end();

}  // namespace unfrag::null
