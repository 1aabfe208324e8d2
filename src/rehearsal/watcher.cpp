#include "rehearsal/watcher.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/allocation_log.h"

namespace unfrag::rehearsal {

using allocation_log::Header;
using std::chrono::milliseconds;

std::vector<std::string> logs_in(const std::string& folder) {
  std::vector<std::string> logs;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(folder, ignored)) {
    if (file.path().filename().string().starts_with(allocation_log::kFilePrefix)) logs.push_back(file.path());
  }
  std::ranges::sort(logs);
  return logs;
}

Progress read_progress(const std::string& folder) {
  Progress progress;
  uint64_t held = 0;
  for (const std::string& log : logs_in(folder)) {
    std::array<char, sizeof(Header)> bytes{};
    if (!std::ifstream(log, std::ios::binary).read(bytes.data(), bytes.size())) continue;
    Header header;
    std::memcpy(&header, bytes.data(), bytes.size());
    if (header.magic != allocation_log::kMagic) continue;
    if (header.ended_us == 0) held += header.held_bytes;
    progress.launches += header.launches;
  }
  progress.held = Bytes(held);
  return progress;
}

Watcher::Watcher(std::string folder, std::function<void(const Progress&)> tell, milliseconds first)
    : folder_(std::move(folder)), tell_(std::move(tell)) {
  if (tell_) thread_ = std::thread([this, first] { run(first); });
}

Watcher::~Watcher() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Watcher::run(milliseconds first) {
  constexpr milliseconds kRarest = std::chrono::minutes(1);
  const auto begin = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  milliseconds pause = first;
  for (auto next = begin + first; !ended_.wait_until(lock, next, [this] { return end_; }); next += pause) {
    Progress progress = read_progress(folder_);
    progress.elapsed = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin);
    tell_(progress);
    pause = std::min(next - begin == first ? first : 2 * pause, kRarest);
  }
}

}  // namespace unfrag::rehearsal
