#include "rehearsal/elf_tables.h"

#include <algorithm>
#include <bit>

// Source: System V ABI, chapter 5; the GNU extensions as glibc reads them, elf/dl-lookup.c and elf/dl-version.c.
namespace unfrag::rehearsal {
namespace {

static_assert(std::endian::native == std::endian::little, "tables are written to the file as they are");

constexpr size_t kHeaderWords = 4;

// The loader looks most symbols of the program up here before it finds them elsewhere: a filter with so many bits a
// symbol refuses 98 % of them, two bits being set for each.
constexpr size_t kFilterBits = 16;

// Filters are of 64 bits, by a power of two.
size_t filter_size(size_t defined) { return std::bit_ceil(std::max<size_t>(defined * kFilterBits / 64, 1)); }

uint32_t gnu_hash(std::string_view name) {
  uint32_t hash = 5381;
  for (const char c : name) hash = hash * 33 + static_cast<unsigned char>(c);
  return hash;
}

// What the names of versions are compared by.
uint32_t elf_hash(std::string_view name) {
  uint32_t hash = 0;
  for (const char c : name) {
    hash = (hash << 4) + static_cast<unsigned char>(c);
    hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
  }
  return hash;
}

}  // namespace

size_t hash_table_words(size_t defined) { return kHeaderWords + 2 * filter_size(defined) + 1 + defined; }

// One bucket, so that symbols keep their order: its chain of some hundred hashes is walked only for what is here.
std::vector<uint32_t> hash_table(const NameTable& names, std::span<const Elf64_Sym> symbols, uint32_t first) {
  const std::span<const Elf64_Sym> defined = symbols.subspan(first);
  const auto filters = static_cast<uint32_t>(filter_size(defined.size()));
  // Two bits a symbol: the lowest of its hash, and those above the ones that chose the filter.
  const auto shift = static_cast<uint32_t>(6 + std::countr_zero(filters));
  std::vector<uint32_t> table = {1, first, filters, shift};
  table.reserve(hash_table_words(defined.size()));
  table.resize(kHeaderWords + 2 * size_t{filters}, 0);
  table.push_back(defined.empty() ? 0 : first);
  for (const Elf64_Sym& symbol : defined) {
    const uint32_t hash = gnu_hash(names.at(symbol.st_name));
    for (const uint32_t bit : {hash % 64, (hash >> shift) % 64}) {
      table[kHeaderWords + size_t{2} * (hash / 64 % filters) + bit / 32] |= uint32_t{1} << bit % 32;
    }
    table.push_back(hash & ~uint32_t{1});
  }
  if (!defined.empty()) table.back() |= 1;  // The end of the chain.
  return table;
}

std::vector<VersionDefinition> version_definitions(const NameTable& names, uint32_t soname,
                                                   std::span<const uint32_t> versions) {
  std::vector<VersionDefinition> definitions;
  const auto define = [&](uint16_t flags, uint16_t index, uint32_t name) {
    definitions.push_back({.version = {.vd_version = VER_DEF_CURRENT,
                                       .vd_flags = flags,
                                       .vd_ndx = index,
                                       .vd_cnt = 1,
                                       .vd_hash = elf_hash(names.at(name)),
                                       .vd_aux = offsetof(VersionDefinition, name),
                                       .vd_next = sizeof(VersionDefinition)},
                           .name = {.vda_name = name, .vda_next = 0}});
  };
  define(VER_FLG_BASE, VER_NDX_GLOBAL, soname);
  uint16_t index = kFirstVersion;
  for (const uint32_t name : versions) define(0, index++, name);
  definitions.back().version.vd_next = 0;
  return definitions;
}

}  // namespace unfrag::rehearsal
