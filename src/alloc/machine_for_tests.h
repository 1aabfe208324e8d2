// A policy on a device, for tests of the rules one by one: blocks by name, addresses from the device's first, and what
// the device was asked as one line. Not for anything but tests.
#pragma once

#include <fmt/format.h>

#include <string>

#include "alloc/caching_policy.h"
#include "alloc/device_for_tests.h"

namespace unfrag::alloc {

struct Machine {
  explicit Machine(const Config& config = {}, const DeviceScript& script = {.order = DeviceScript::kUp})
      : device(script), policy(config, device) {
    device.polled = DeviceForTests::Polled::kAll;
    device.event_of = [this](BlockId id, StreamId stream) {
      return DeviceForTests::Event{.addr = policy.block(id).addr, .stream = stream, .block = id};
    };
    device.pool_of = [this](BlockId id) { return policy.owner_of(id).pool; };
    device.event_done = [this](BlockId id) { policy.event_done(id); };
  }

  BlockId get(Bytes bytes, StreamId stream = 0, PoolIdx pool = kDefaultPool) {
    return policy.allocate(bytes, stream, pool);
  }
  /// From where the device begins.
  [[nodiscard]] Bytes at(BlockId id) const { return Bytes(policy.block(id).addr - DeviceForTests::kOrigin); }
  [[nodiscard]] Bytes size(BlockId id) const { return Bytes(policy.block(id).size); }
  [[nodiscard]] Bytes reserved() const { return policy.statistics().reserved.current; }

  /// What the device was asked since the last time: "+2" a segment of 2 MiB, "-2@40" one given back, "[576" a
  /// reservation, "map 20@40" pages at 40 MiB, "unmap 20@40", "]" a reservation given back; "!" after what was refused.
  std::string asked() {
    std::string text;
    for (const DeviceCall& call : device.calls()) {
      const std::string_view what = call.what;
      const auto mib = [](uint64_t bytes) { return fmt::format("{:g}", static_cast<double>(bytes) / (1 << 20)); };
      if (!text.empty()) text += ' ';
      if (what == "allocate_segment") text += "+" + mib(call.size);
      if (what == "free_segment") text += "-" + mib(call.size) + "@" + mib(call.addr - DeviceForTests::kOrigin);
      if (what == "reserve") text += "[" + mib(call.size);
      if (what == "release") text += "]";
      if (what == "map") text += "map " + mib(call.size) + "@" + mib(call.addr - DeviceForTests::kOrigin);
      if (what == "unmap") text += "unmap " + mib(call.size) + "@" + mib(call.addr - DeviceForTests::kOrigin);
      if (!call.granted) text += "!";
    }
    device.forget_calls();
    return text;
  }
  /// What is broken, by the policy's own account and the device's; empty: nothing.
  [[nodiscard]] std::string fault() const {
    if (!device.fault().empty()) return device.fault();
    return policy.find_fault(CachingPolicy::Check::kIndices).value_or("");
  }

  DeviceForTests device;
  CachingPolicy policy;
};

}  // namespace unfrag::alloc
