// Which bytes of device memory mean something: those that a copy from the host or a memset put there.
//
// No kernel runs, so all else is unknown: what an earlier tenant of a block left behind must not become a count or an
// index in the program. Copies are kept on the host's heap, up to a sum; the oldest go first, and small ones, which are
// what a program reads back as numbers, after all others. A memset is a value and a length, and costs nothing.
// Not thread-safe: DeviceMemory holds the lock.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <vector>

namespace unfrag::null {

class Contents {
 public:
  /// Of copies `most_bytes` are kept, bookkeeping included.
  explicit Contents(uint64_t most_bytes) : most_(most_bytes) {}

  /// [address, address + size) holds `from`, byte by byte. Returns how many bytes of copies were dropped for it.
  uint64_t write(uint64_t address, const void* from, uint64_t size);
  void fill(uint64_t address, int value, uint64_t size);
  /// What is known of `from` is known of `to`, and nothing else. The two may overlap. Returns as write does.
  uint64_t copy(uint64_t to, uint64_t from, uint64_t size);
  void forget(uint64_t address, uint64_t size);

  struct Range {
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  /// Puts what is known where it belongs in `to`, and returns the addresses that are unknown, in order.
  std::vector<Range> read(void* to, uint64_t address, uint64_t size) const;

  /// Bytes of the host's that copies take.
  [[nodiscard]] uint64_t kept_bytes() const { return kept_; }

 private:
  /// What one call copied; parts that were written over since are not given back before the whole is.
  struct Copy {
    uint64_t address = 0;
    std::vector<char> bytes;
    uint64_t runs = 0;  // what is left of it
  };
  using Copies = std::list<Copy>;
  /// Part of a copy, or one value for all of it.
  struct Run {
    uint64_t end = 0;
    char value = 0;
    std::optional<Copies::iterator> copy{};
  };
  using Runs = std::map<uint64_t, Run>;  // by begin; none overlap

  [[nodiscard]] Runs::const_iterator first_in(uint64_t address) const;
  [[nodiscard]] static char* bytes_at(const Run& run, uint64_t address);
  void keep(uint64_t address, std::vector<char> bytes);
  Runs::iterator drop(Runs::iterator run);
  void cut(uint64_t address);
  uint64_t make_room();
  Copies& copies(uint64_t size);

  const uint64_t most_;
  Runs runs_;
  uint64_t kept_ = 0;
  Copies small_, large_;  // the oldest first
};

}  // namespace unfrag::null
