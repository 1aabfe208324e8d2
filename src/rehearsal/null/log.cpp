#include "rehearsal/null/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "rehearsal/null/stage.h"

namespace unfrag::null {
namespace {

using allocation_log::Header;
using allocation_log::Kind;
using allocation_log::kRecordsAt;
using allocation_log::Record;

/// Address space for the file: it is as long as this, and takes the disk that has been written.
constexpr uint64_t kRoom = uint64_t{64} << 30;
constexpr uint64_t kMostRecords = (kRoom - kRecordsAt) / sizeof(Record);

struct Log {
  Header* header = nullptr;
  Record* records = nullptr;
  std::atomic<uint64_t> next{0};
  std::mutex names;  // guards all below
  std::map<std::string, uint32_t, std::less<>> texts;
  std::map<std::string, uint32_t, std::less<>> calls;
  std::map<std::array<uint32_t, 3>, uint32_t> frames;        // name, file, line
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> stacks;  // frame, below
  std::vector<KernelImage> images;
};

/// What is counted where there is no log.
Header* nobodys() {
  static Header* const header = new Header;
  return header;
}

Log* open_log() {
  auto* const log = new Log;
  log->header = nobodys();
  if (stage().folder.empty()) return log;
  const std::string path = stage().folder + "/log." + std::to_string(getpid());
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return log;
  void* const memory = ftruncate(file, static_cast<off_t>(kRoom)) == 0
                           ? mmap(nullptr, kRoom, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0)
                           : MAP_FAILED;
  close(file);
  if (memory == MAP_FAILED) return log;
  madvise(memory, kRoom, MADV_DONTFORK);
  log->header = new (memory) Header;
  log->header->magic = allocation_log::kMagic;
  log->header->process = static_cast<uint32_t>(getpid());
  log->header->devices = static_cast<uint32_t>(stage().devices);
  log->header->entries_have_pool = stage().entries_have_pool ? 1 : 0;
  log->records = reinterpret_cast<Record*>(static_cast<char*>(memory) + kRecordsAt);
  return log;
}

std::atomic<Log*> current{nullptr};

// The parent's mapping is not the child's, and its threads are gone.
void forget_log() { current = nullptr; }

Log& log() {
  if (Log* const open = current) return *open;
  static std::mutex opening;
  const std::lock_guard lock(opening);
  if (current == nullptr) {
    static const int registered = pthread_atfork(nullptr, nullptr, forget_log);
    (void)registered;
    current = open_log();
  }
  return *current;
}

/// Room for records in a row; null where the file is full or there is none.
Record* claim(Log& log, uint64_t count) {
  if (log.records == nullptr) return nullptr;
  const uint64_t at = log.next.fetch_add(count);
  return at + count <= kMostRecords ? log.records + at : nullptr;
}

/// After it is written.
void commit(Log& log, uint64_t count) {
  std::atomic_ref(log.header->records).fetch_add(count, std::memory_order_release);
}

void write(Log& log, const Record& record) {
  Record* const at = claim(log, 1);
  if (at == nullptr) return;
  *at = record;
  commit(log, 1);
}

uint32_t number_of(Log& log, std::string_view text) {
  if (const auto known = log.texts.find(text); known != log.texts.end()) return known->second;
  const auto number = static_cast<uint32_t>(log.texts.size() + 1);
  log.texts.emplace(text, number);
  const uint64_t rows = (text.size() + sizeof(Record) - 1) / sizeof(Record);
  Record* const record = claim(log, 1 + rows);
  if (record == nullptr) return number;
  std::memcpy(static_cast<void*>(record + 1), text.data(), text.size());
  *record = {.kind = Kind::kText, .number = number, .size = text.size()};
  commit(log, 1 + rows);
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

Header& counters() { return *log().header; }

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
  return here.records == nullptr ? 0 : reinterpret_cast<uint64_t>(&here);
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
  count(here.header->unanswered[row->second]);
  if (!is_new) return;
  const uint32_t text = number_of(here, name);
  write(here, {.kind = Kind::kUnanswered, .number = row->second, .first = text});
  count(here.header->calls);
}

}  // namespace unfrag::null
