// A device for tests that does as its script says: where segments lie, how much memory there is, which calls are
// refused; events complete when it pleases. Two of one script answer the same calls alike.
//
// It writes down what it is asked, and `fault` says what no device could do: freeing what is not there, mapping twice.
// Not for anything but tests.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "alloc/driver.h"

namespace unfrag::alloc {

/// The same numbers on every machine (splitmix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t n) { return next() % n; }
  uint64_t between(uint64_t least, uint64_t most) { return least + below(most - least + 1); }
  bool one_in(uint64_t n) { return below(n) == 0; }

 private:
  uint64_t state_;
};

struct DeviceScript {
  enum Order : uint8_t { kUp, kDown, kAny };
  uint64_t seed = 0;
  Order order = kAny;  ///< Of addresses; kUp and kDown leave no gaps.
  Bytes capacity = 1024_GiB;
  uint64_t refuses_one_in = 0;            ///< Of what it is asked for; 0: none.
  std::optional<uint64_t> refuses_nth{};  ///< The first is 0.
};

struct DeviceCall {
  const char* what = "";
  uint64_t addr = 0;
  uint64_t size = 0;
  uint64_t page = 0;
  Owner owner{};
  bool granted = true;
  bool operator==(const DeviceCall& other) const {
    return std::string_view(what) == other.what && addr == other.addr && size == other.size && page == other.page &&
           owner == other.owner && granted == other.granted;
  }
};

class DeviceForTests final : public Driver {
 public:
  static constexpr uint64_t kOrigin = uint64_t{1} << 46;  ///< Addresses begin here and go up or down.

  explicit DeviceForTests(const DeviceScript& script) : script_(script), random_(script.seed) {}

  struct Event {
    uint64_t addr = 0;  ///< Of the block that waits.
    StreamId stream = 0;
    BlockId block{};
    bool operator<(const Event& other) const { return std::tie(addr, stream) < std::tie(other.addr, other.stream); }
    bool operator==(const Event& other) const { return addr == other.addr && stream == other.stream; }
  };

  /// How it learns what a block is, and says that an event has completed. To be set before the first call.
  std::function<Event(BlockId, StreamId)> event_of;
  std::function<PoolIdx(BlockId)> pool_of;
  std::function<void(BlockId)> event_done;
  /// Frees what others hold on to; may be none.
  std::function<bool()> on_reclaim;
  /// Which events have completed when it is asked.
  enum class Polled : uint8_t { kNone, kSome, kAll } polled = Polled::kSome;

  [[nodiscard]] const std::vector<DeviceCall>& calls() const { return calls_; }
  void forget_calls() { calls_.clear(); }
  /// In the order of blocks and streams.
  [[nodiscard]] const std::set<Event>& events() const { return events_; }
  void complete(const Event& event) {
    const auto found = events_.find(event);
    const BlockId block = found->block;
    events_.erase(found);
    event_done(block);
  }
  [[nodiscard]] const std::string& fault() const { return fault_; }
  /// Calls that could have been refused.
  [[nodiscard]] uint64_t asked() const { return asked_; }

  std::optional<Address> allocate_segment(Bytes size, const Owner& owner) override {
    const bool granted = grants(size.value());
    const uint64_t addr = granted ? find_space(size.value()) : 0;
    calls_.push_back(
        {.what = "allocate_segment", .addr = addr, .size = size.value(), .owner = owner, .granted = granted});
    if (!granted) return std::nullopt;
    used_ += size.value();
    segments_[addr] = size.value();
    return Address(addr);
  }
  void free_segment(Address addr, Bytes size, const Owner& owner) override {
    calls_.push_back({.what = "free_segment", .addr = addr.value(), .size = size.value(), .owner = owner});
    const auto segment = segments_.find(addr.value());
    if (segment == segments_.end() || segment->second != size.value()) return blame("frees what is no segment");
    segments_.erase(segment);
    used_ -= size.value();
    given_back_.emplace_back(addr.value(), size.value());
  }
  std::optional<Address> reserve(Bytes size, const Owner& owner) override {
    const bool granted = grants(0);
    const uint64_t addr = granted ? find_space(size.value()) : 0;
    calls_.push_back({.what = "reserve", .addr = addr, .size = size.value(), .owner = owner, .granted = granted});
    if (!granted) return std::nullopt;
    reservations_[addr] = size.value();
    return Address(addr);
  }
  void release(Address addr, Bytes size) override {
    calls_.push_back({.what = "release", .addr = addr.value(), .size = size.value()});
    const auto reservation = reservations_.find(addr.value());
    if (reservation == reservations_.end() || reservation->second != size.value())
      return blame("releases no reservation");
    const auto first = mapped_.lower_bound(addr.value());
    if (first != mapped_.end() && *first < addr.value() + size.value()) return blame("releases what is mapped");
    reservations_.erase(reservation);
    given_back_.emplace_back(addr.value(), size.value());
  }
  bool map(Address addr, Bytes size, Bytes page, const Owner& owner) override {
    const bool granted = grants(size.value());
    calls_.push_back({.what = "map",
                      .addr = addr.value(),
                      .size = size.value(),
                      .page = page.value(),
                      .owner = owner,
                      .granted = granted});
    if (!granted) return false;
    if (!is_reserved(addr.value(), size.value(), page.value())) blame("maps what is not whole pages of a reservation");
    for (uint64_t at = addr.value(); at < addr.value() + size.value(); at += page.value()) {
      if (!mapped_.insert(at).second) blame("maps twice");
    }
    used_ += size.value();
    return true;
  }
  void unmap(Address addr, Bytes size, Bytes page, const Owner& owner) override {
    calls_.push_back(
        {.what = "unmap", .addr = addr.value(), .size = size.value(), .page = page.value(), .owner = owner});
    for (uint64_t at = addr.value(); at < addr.value() + size.value(); at += page.value()) {
      if (mapped_.erase(at) == 0) blame("unmaps what is not mapped");
    }
    used_ -= size.value();
  }
  [[nodiscard]] Bytes free_bytes() const override { return script_.capacity - Bytes(used_); }

  void record_event(BlockId block, StreamId stream) override {
    if (!events_.insert(event_of(block, stream)).second) blame("records an event twice");
  }
  void poll_events() override {
    if (events_.empty() || polled == Polled::kNone) return;
    const uint64_t count = polled == Polled::kAll ? events_.size() : random_.below(events_.size() + 1);
    for (uint64_t i = 0; i < count; ++i) complete_one(events_);
  }
  void synchronize(std::optional<PoolIdx> pool) override {
    std::set<Event> meant;
    std::ranges::copy_if(events_, std::inserter(meant, meant.end()),
                         [&](const Event& event) { return !pool || pool_of(event.block) == *pool; });
    while (!meant.empty()) meant.erase(complete_one(meant));
  }
  bool reclaim() override { return on_reclaim && on_reclaim(); }

 private:
  bool grants(uint64_t bytes) {
    const bool refused = asked_++ == script_.refuses_nth.value_or(UINT64_MAX) ||
                         (script_.refuses_one_in != 0 && random_.one_in(script_.refuses_one_in));
    return !refused && bytes <= script_.capacity.value() - used_;
  }
  Event complete_one(const std::set<Event>& among) {
    const Event event = *std::next(among.begin(), static_cast<ptrdiff_t>(random_.below(among.size())));
    complete(event);
    return event;
  }
  uint64_t find_space(uint64_t size) {
    if (script_.order == DeviceScript::kAny) return find_any_space(size);
    if (script_.order == DeviceScript::kDown) return lowest_ -= size;
    highest_ += size;
    return highest_ - size;
  }
  /// A range given back of that size, or one above or below all others, with or without a gap.
  uint64_t find_any_space(uint64_t size) {
    const auto same = std::ranges::find(given_back_, size, &std::pair<uint64_t, uint64_t>::second);
    if (same != given_back_.end() && random_.one_in(2)) {
      const uint64_t addr = same->first;
      given_back_.erase(same);
      return addr;
    }
    constexpr uint64_t kPage = 2 << 20;
    const uint64_t gap = random_.one_in(2) ? kPage : 0;
    if (random_.one_in(2)) {
      lowest_ -= size + gap;
      return lowest_;
    }
    highest_ += size + gap;
    return highest_ - size;
  }
  [[nodiscard]] bool is_reserved(uint64_t addr, uint64_t size, uint64_t page) const {
    const auto after = reservations_.upper_bound(addr);
    if (after == reservations_.begin()) return false;
    const auto [base, reserved] = *std::prev(after);
    return addr + size <= base + reserved && (addr - base) % page == 0 && size % page == 0 && size > 0;
  }
  void blame(const char* what) {
    if (fault_.empty()) fault_ = what;
  }

  DeviceScript script_;
  Random random_;
  std::vector<DeviceCall> calls_;
  std::set<Event> events_;
  std::map<uint64_t, uint64_t> segments_;      // address → size
  std::map<uint64_t, uint64_t> reservations_;  // address → size
  std::set<uint64_t> mapped_;                  // pages
  std::vector<std::pair<uint64_t, uint64_t>> given_back_;
  uint64_t lowest_ = kOrigin;
  uint64_t highest_ = kOrigin;
  uint64_t used_ = 0;
  uint64_t asked_ = 0;
  std::string fault_;
};

}  // namespace unfrag::alloc
