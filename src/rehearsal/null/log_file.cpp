#include "rehearsal/null/log_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>

namespace unfrag::null {
namespace {

using allocation_log::Header;
using allocation_log::Kind;
using allocation_log::kMostBytes;
using allocation_log::kRecordsAt;
using allocation_log::Record;
using allocation_log::Stop;

constexpr uint64_t kPage = 4096;
constexpr uint64_t kFirstStep = uint64_t{16} << 20;
constexpr uint64_t kLargestStep = uint64_t{64} << 20;
/// Address space for the file, the first that is to be had: little of it where the program's own is limited.
constexpr std::array kRooms = {kMostBytes, uint64_t{1} << 30, uint64_t{64} << 20, kFirstStep, kPage};

/// Longer, and a signal ends the program.
uint64_t file_size_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kMostBytes;
  return limit.rlim_cur / kPage * kPage;
}

/// What the file may still take of its disk: some is left to the program.
uint64_t room_on_disk(int file) {
  constexpr uint64_t kLeft = uint64_t{64} << 20;
  struct statvfs disk{};
  if (fstatvfs(file, &disk) != 0 || disk.f_blocks == 0) return kMostBytes;
  const uint64_t left = std::min(kLeft, disk.f_blocks * disk.f_frsize / 64);
  const uint64_t room = disk.f_bavail * disk.f_frsize;
  return room > left ? room - left : 0;
}

int create_file(const std::string& folder, std::string& path) {
  const std::string first = folder + "/" + allocation_log::kFilePrefix + std::to_string(getpid());
  path = first;
  for (int program = 1;; ++program) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0 || errno != EEXIST) return file;
    path = first + "." + std::to_string(program);
  }
}

/// 0, or an errno.
int reserve(int file, uint64_t from, uint64_t to) {
  if (to - from > room_on_disk(file)) return ENOSPC;
  int error = EINTR;
  while (error == EINTR) error = posix_fallocate(file, static_cast<off_t>(from), static_cast<off_t>(to - from));
  return error;
}

void read_command(std::array<char, allocation_log::kLongestCommand>& command) {
  const int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  (void)!read(file, command.data(), command.size());
  close(file);
}

}  // namespace

int64_t now_us() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

std::unique_ptr<LogFile> LogFile::create(const std::string& folder, const Facts& facts) {
  std::unique_ptr<LogFile> log(new LogFile);
  const int file = create_file(folder, log->path_);
  if (file < 0) return nullptr;
  log->begin(file, facts);
  close(file);
  return log;
}

void LogFile::begin(int file, const Facts& facts) {
  void* memory = MAP_FAILED;
  for (size_t i = 0; i < kRooms.size() && memory == MAP_FAILED; ++i) {
    mapped_ = kRooms[i];
    memory = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
  }
  if (memory != MAP_FAILED) madvise(memory, mapped_, MADV_DONTFORK);
  const Stop why = memory == MAP_FAILED ? Stop::kAddressSpace : extend(file, kRecordsAt);
  header_ = why == Stop::kNone ? new (memory) Header : new Header;  // then nobody's, as is what is counted
  header_->process = static_cast<uint32_t>(getpid());
  header_->devices = facts.devices;
  header_->entries_have_pool = facts.entries_have_pool ? 1 : 0;
  header_->began_us = now_us();
  read_command(header_->command);
  std::atomic_thread_fence(std::memory_order_release);
  header_->magic = allocation_log::kMagic;
  if (why != Stop::kNone) {
    stop(why);
    if (file_size_limit() >= sizeof(Header)) (void)!pwrite(file, header_, sizeof(Header), 0);
    return;
  }
  records_ = reinterpret_cast<Record*>(static_cast<char*>(memory) + kRecordsAt);
  room_ = (size_ - kRecordsAt) / sizeof(Record);
}

bool LogFile::takes_records() const {
  return std::atomic_ref(header_->stop).load(std::memory_order_acquire) == Stop::kNone;
}

void LogFile::write(const Record& record) {
  Record* const at = claim(1);
  if (at == nullptr) {
    if (record.kind == Kind::kEvent) std::atomic_ref(header_->lost).fetch_add(1, std::memory_order_relaxed);
    return;
  }
  Record unsaid = record;
  unsaid.kind = Kind::kNone;
  *at = unsaid;
  std::atomic_ref(at->kind).store(record.kind, std::memory_order_release);
}

void LogFile::write_text(uint32_t number, std::string_view text) {
  text = text.substr(0, allocation_log::kLongestText);
  Record* const at = claim(1 + allocation_log::rows_of(text.size()));
  if (at == nullptr) return;
  at->number = number;
  at->size = text.size();
  std::atomic_ref(at->kind).store(Kind::kText, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // the length is there before any of the text
  std::memcpy(static_cast<void*>(at + 1), text.data(), text.size());
  std::atomic_ref(at->action).store(allocation_log::kWhole, std::memory_order_release);
}

// Once a claim has failed, all later ones do: what is there is all that came before.
Record* LogFile::claim(uint64_t count) {
  const uint64_t at = std::atomic_ref(header_->claimed).fetch_add(count, std::memory_order_relaxed);
  const bool has_room = at + count <= room_.load(std::memory_order_acquire) || make_room(at + count);
  return has_room ? records_ + at : nullptr;
}

bool LogFile::make_room(uint64_t records) {
  if (!takes_records()) return records <= room_;  // another thread may have made it before it stopped
  const std::lock_guard lock(growing_);
  while (records > room_ && takes_records()) {
    const int file = open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    error_ = errno;
    const Stop why = file < 0 ? Stop::kDisk : extend(file, size_ + kPage);
    if (file >= 0) close(file);
    if (why != Stop::kNone) stop(why);
    room_.store((size_ - kRecordsAt) / sizeof(Record), std::memory_order_release);
  }
  return records <= room_;
}

// By less where so much is not to be had, and by `least` at least.
Stop LogFile::extend(int file, uint64_t least) {
  if (least > mapped_) return mapped_ < kMostBytes ? Stop::kAddressSpace : Stop::kLength;
  const uint64_t limit = file_size_limit();
  if (least > limit) return Stop::kFileSizeLimit;
  for (uint64_t step = std::clamp(size_, kFirstStep, kLargestStep);; step /= 2) {
    const uint64_t size = std::max(least, std::min({size_ + step, mapped_, limit}));
    error_ = reserve(file, size_, size);
    if (error_ == 0) size_ = size;
    if (error_ == 0) return Stop::kNone;
    if (size == least) return Stop::kDisk;
  }
}

void LogFile::stop(Stop why) {
  header_->stop_error = why == Stop::kDisk ? error_ : 0;
  std::atomic_ref(header_->stop).store(why, std::memory_order_release);
}

}  // namespace unfrag::null
