#include "rehearsal/null/log.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "rehearsal/null/log_file.h"
#include "rehearsal/null/stage.h"

namespace unfrag::null {
namespace {

using allocation_log::Header;
using allocation_log::Kind;
using allocation_log::Record;

struct Log {
  std::unique_ptr<LogFile> file;
  Header nobodys;    // what is counted where there is no file
  std::mutex names;  // guards all below
  std::map<std::string, uint32_t, std::less<>> texts;
  std::map<std::string, uint32_t, std::less<>> calls;
  std::map<std::array<uint32_t, 3>, uint32_t> frames;        // name, file, line
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> stacks;  // frame, below
  std::vector<KernelImage> images;

  [[nodiscard]] Header& header() { return file == nullptr ? nobodys : file->header(); }
};

std::atomic<Log*> current{nullptr};
std::mutex opening;

// The parent's mapping is not the child's, and neither is the thread that may have held the lock.
void forget_log() {
  current = nullptr;
  new (&opening) std::mutex;
}
[[gnu::constructor]] void watch_forks() { pthread_atfork(nullptr, nullptr, forget_log); }

// Never destroyed: the program's own destructors still call in when it exits.
Log& log() {
  if (Log* const open = current) return *open;
  const std::lock_guard lock(opening);
  if (current == nullptr) {
    auto* const open = new Log;
    const Stage& s = stage();
    if (!s.folder.empty()) {
      open->file = LogFile::create(
          s.folder, {.devices = static_cast<uint32_t>(s.devices), .entries_have_pool = s.entries_have_pool});
    }
    current = open;
  }
  return *current;
}

void write(Log& log, const Record& record) {
  if (log.file != nullptr) log.file->write(record);
}

uint32_t number_of(Log& log, std::string_view text) {
  if (const auto known = log.texts.find(text); known != log.texts.end()) return known->second;
  const auto number = static_cast<uint32_t>(log.texts.size() + 1);
  log.texts.emplace(text, number);
  if (log.file != nullptr) log.file->write_text(number, text);
  return number;
}

/// The number of one of `numbers`, which is written when it is new.
template <class Numbers>
uint32_t number_of(Log& log, Numbers& numbers, const typename Numbers::key_type& key, Record record) {
  const auto [row, is_new] = numbers.try_emplace(key, static_cast<uint32_t>(numbers.size() + 1));
  if (!is_new) return row->second;
  record.number = row->second;
  write(log, record);
  return row->second;
}

}  // namespace

Header& counters() { return log().header(); }

void log_record(const Record& record) { write(log(), record); }

uint32_t log_text(std::string_view text) {
  Log& here = log();
  const std::lock_guard lock(here.names);
  return number_of(here, text);
}

uint32_t log_stack(const LogFrame& frame, uint32_t below) {
  Log& here = log();
  const std::lock_guard lock(here.names);
  const uint32_t name = number_of(here, frame.name);
  const uint32_t file = number_of(here, frame.file);
  const uint32_t number = number_of(here, here.frames, {name, file, frame.line},
                                    {.kind = Kind::kFrame, .size = frame.line, .first = name, .second = file});
  return number_of(here, here.stacks, {number, below}, {.kind = Kind::kStack, .first = number, .second = below});
}

uint64_t log_identity() {
  const Log& here = log();
  return here.file == nullptr || !here.file->takes_records() ? 0 : reinterpret_cast<uint64_t>(&here);
}

void log_image(const KernelImage& image) {
  Log& here = log();
  const std::lock_guard lock(here.names);
  if (std::ranges::find(here.images, image) != here.images.end()) return;
  here.images.push_back(image);
  write(here, {.kind = Kind::kImage,
               .number = static_cast<uint32_t>(image.architecture),
               .first = image.ptx ? 1U : 0U,
               .second = image.exactly ? 1U : 0U});
}

void log_unanswered(std::string_view name) {
  Log& here = log();
  const std::lock_guard lock(here.names);
  const auto [row, is_new] = here.calls.try_emplace(std::string(name), static_cast<uint32_t>(here.calls.size()));
  if (row->second >= allocation_log::kMostCalls) return;
  count(here.header().unanswered[row->second]);
  if (!is_new) return;
  const uint32_t text = number_of(here, name);
  write(here, {.kind = Kind::kUnanswered, .number = row->second, .first = text});
  count(here.header().calls);
}

// In a child that shares this memory until it becomes another program, it is not this process that ends.
void log_end() {
  Log* const open = current;
  if (open == nullptr || open->header().process != static_cast<uint32_t>(getpid())) return;
  std::atomic_ref(open->header().ended_us).store(now_us(), std::memory_order_relaxed);
}

}  // namespace unfrag::null
