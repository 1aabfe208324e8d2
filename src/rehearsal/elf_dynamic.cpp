#include "rehearsal/elf_dynamic.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <string_view>

// Source: System V ABI, chapter 5; for the GNU hash table glibc, elf/dl-setup_hash.c and elf/dl-lookup.c.
namespace unfrag::rehearsal {
namespace {

constexpr std::string_view kHashTable = "the hash table of symbols";

void take(const Elf64_Dyn& entry, ElfDynamic& dynamic) {
  const uint64_t value = entry.d_un.d_val;
  switch (entry.d_tag) {
    case DT_NEEDED: dynamic.needed.push_back(value); break;
    case DT_SONAME: dynamic.soname = value; break;
    case DT_STRTAB: dynamic.strings = value; break;
    case DT_STRSZ: dynamic.strings_size = value; break;
    case DT_SYMTAB: dynamic.symbols = value; break;
    case DT_GNU_HASH: dynamic.gnu_hash = value; break;
    case DT_HASH: dynamic.hash = value; break;
    case DT_VERSYM: dynamic.versions = value; break;
    case DT_VERNEED: dynamic.needed_versions = value; break;
    case DT_VERNEEDNUM: dynamic.needed_versions_count = value; break;
    case DT_RELA: dynamic.relocations = value; break;
    default: break;
  }
}

// How many symbols there are up to the end of the chain that begins with `symbol`, whose link stands at `offset`.
Result<uint64_t> count_to_end_of_chain(const ElfFile& file, uint64_t offset, uint64_t symbol) {
  constexpr uint64_t kAtOnce = 256;
  for (;;) {
    const uint64_t left = offset < file.size() ? (file.size() - offset) / sizeof(uint32_t) : 0;
    const auto links = file.read<uint32_t>(offset, std::clamp<uint64_t>(left, 1, kAtOnce), kHashTable);
    if (!links) return links.error();
    for (const uint32_t link : *links) {
      ++symbol;
      if ((link & 1) != 0) return symbol;
    }
    offset += links->size() * sizeof(uint32_t);
  }
}

// The last symbol is the last of the last chain. Nothing where no symbol is in a chain, because all are asked of
// others: then the table does not tell how many those are.
Result<std::optional<uint64_t>> count_by_gnu_hash(const ElfFile& file, uint64_t address) {
  using Count = std::optional<uint64_t>;
  const auto header = file.read_at<std::array<uint32_t, 4>>(address, 1, kHashTable);
  if (!header) return header.error();
  const uint32_t bucket_count = header->front()[0];
  const uint32_t first_hashed = header->front()[1];
  const uint32_t filter_words = header->front()[2];
  const uint64_t buckets_at = address + sizeof(header->front()) + sizeof(uint64_t) * filter_words;
  const auto buckets = file.read_at<uint32_t>(buckets_at, bucket_count, kHashTable);
  if (!buckets) return buckets.error();
  const auto last = std::max_element(buckets->begin(), buckets->end());
  if (last == buckets->end() || *last == 0) return Count();
  if (*last < first_hashed) return file.damage("the hash table of symbols contradicts itself");

  const uint64_t chain_at = buckets_at + sizeof(uint32_t) * (uint64_t{bucket_count} + *last - first_hashed);
  const auto offset = file.offset_of(chain_at);
  if (!offset) return file.damage("the hash table of symbols is not in the file");
  const auto count = count_to_end_of_chain(file, *offset, *last);
  if (!count) return count.error();
  return Count(*count);
}

// As far as the symbols can go until another table or the end of their segment: linkers put the tables side by side.
uint64_t count_by_neighbour(const ElfFile& file, const ElfDynamic& dynamic) {
  uint64_t end = std::numeric_limits<uint64_t>::max();
  for (const uint64_t other :
       {dynamic.strings, dynamic.gnu_hash, dynamic.versions, dynamic.needed_versions, dynamic.relocations}) {
    if (other > dynamic.symbols) end = std::min(end, other);
  }
  for (const Elf64_Phdr& segment : file.segments()) {
    if (segment.p_type != PT_LOAD || dynamic.symbols < segment.p_vaddr) continue;
    const uint64_t within = dynamic.symbols - segment.p_vaddr;
    if (within < segment.p_filesz) end = std::min(end - dynamic.symbols, segment.p_filesz - within) + dynamic.symbols;
  }
  return (end - dynamic.symbols) / sizeof(Elf64_Sym);
}

}  // namespace

Result<ElfDynamic> read_dynamic(const ElfFile& file) {
  const auto is_dynamic = [](const Elf64_Phdr& segment) { return segment.p_type == PT_DYNAMIC; };
  const auto segment = std::find_if(file.segments().begin(), file.segments().end(), is_dynamic);
  if (segment == file.segments().end()) return file.damage("is linked with nothing: it has no dynamic segment");
  const uint64_t count = segment->p_filesz / sizeof(Elf64_Dyn);
  const auto entries = file.read<Elf64_Dyn>(segment->p_offset, count, "the dynamic segment");
  if (!entries) return entries.error();
  ElfDynamic dynamic;
  for (const Elf64_Dyn& entry : *entries) {
    if (entry.d_tag == DT_NULL) break;
    take(entry, dynamic);
  }
  return dynamic;
}

Result<uint64_t> count_symbols(const ElfFile& file, const ElfDynamic& dynamic) {
  if (dynamic.symbols == 0) return uint64_t{0};
  if (dynamic.gnu_hash != 0) {
    const auto count = count_by_gnu_hash(file, dynamic.gnu_hash);
    if (!count) return count.error();
    if (*count) return **count;
  }
  if (dynamic.hash != 0) {
    const auto header = file.read_at<std::array<uint32_t, 2>>(dynamic.hash, 1, kHashTable);
    if (!header) return header.error();
    return uint64_t{header->front()[1]};  // One link a symbol.
  }
  return count_by_neighbour(file, dynamic);
}

}  // namespace unfrag::rehearsal
