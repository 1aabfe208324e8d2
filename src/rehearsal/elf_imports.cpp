#include "rehearsal/elf_imports.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "rehearsal/elf_dynamic.h"
#include "rehearsal/elf_file.h"

// Source: System V ABI, chapter 5; for versions glibc, elf/dl-version.c.
namespace unfrag::rehearsal {
namespace {

constexpr uint16_t kIndexBits = 0x7fff;  // Of a version index; the bit above is a flag.

struct Version {
  std::string_view name;
  std::string_view file;
};

class Reader {
 public:
  // A name can be shared, so that a small file could ask for many copies of a long one. No linker saves so much that
  // all names, each with its version, would take twice the file.
  explicit Reader(const ElfFile& file) : file_(file), names_left_(2 * file.size()) {}

  Result<ElfImports> read() {
    auto dynamic = read_dynamic(file_);
    if (!dynamic) return dynamic.error();
    dynamic_ = std::move(*dynamic);
    auto strings = file_.read_at<char>(dynamic_.strings, dynamic_.strings_size, "the table of names");
    if (!strings) return strings.error();
    strings_ = std::move(*strings);
    for (const auto step : {&Reader::read_libraries, &Reader::read_versions, &Reader::read_symbols}) {
      if (auto done = (this->*step)(); !done) return done.error();
    }
    return std::move(result_);
  }

 private:
  Result<bool> read_libraries();
  Result<bool> read_versions();
  Result<bool> read_versions_of(std::string_view file, uint64_t offset, uint64_t count);
  Result<bool> read_symbols();
  Result<bool> take_symbol(const Elf64_Sym& symbol, uint16_t version);
  Result<bool> take_import(const Elf64_Sym& symbol, uint16_t version, std::string_view name);

  // The name at `offset`, which is about to be copied.
  Result<std::string_view> name(uint64_t offset) {
    const auto found = name_at(strings_, offset);
    if (!found) return file_.damage("a name is not in the table of names");
    return spend(found->size()) ? Result<std::string_view>(*found) : file_.damage("has more names than bytes");
  }
  bool spend(uint64_t bytes) {
    if (bytes > names_left_) return false;
    names_left_ -= bytes;
    return true;
  }

  const ElfFile& file_;
  uint64_t names_left_;
  ElfDynamic dynamic_;
  std::vector<char> strings_;
  std::unordered_map<uint16_t, Version> versions_;
  ElfImports result_;
};

Result<bool> Reader::read_libraries() {
  if (dynamic_.soname) {
    const auto soname = name(*dynamic_.soname);
    if (!soname) return soname.error();
    result_.soname = *soname;
  }
  for (const uint64_t offset : dynamic_.needed) {
    const auto needed = name(offset);
    if (!needed) return needed.error();
    result_.needed.emplace_back(*needed);
  }
  return true;
}

// The records of the files are a list, and so are those of the versions of each, linked by distances in bytes.
Result<bool> Reader::read_versions() {
  if (dynamic_.needed_versions == 0) return true;
  if (dynamic_.needed_versions_count > kIndexBits) return file_.damage("has more files of versions than versions");
  auto offset = file_.offset_of(dynamic_.needed_versions);
  if (!offset) return file_.damage("the table of versions is not in the file");
  for (uint64_t left = dynamic_.needed_versions_count; left > 0; --left) {
    const auto record = file_.read<Elf64_Verneed>(*offset, 1, "the table of versions");
    if (!record) return record.error();
    const Elf64_Verneed& needed = record->front();
    const auto file = name(needed.vn_file);
    if (!file) return file.error();
    if (auto done = read_versions_of(*file, *offset + needed.vn_aux, needed.vn_cnt); !done) return done;
    if (needed.vn_next == 0) break;
    *offset += needed.vn_next;
  }
  return true;
}

Result<bool> Reader::read_versions_of(std::string_view file, uint64_t offset, uint64_t count) {
  for (uint64_t left = count; left > 0; --left) {
    const auto record = file_.read<Elf64_Vernaux>(offset, 1, "the table of versions");
    if (!record) return record.error();
    const Elf64_Vernaux& needed = record->front();
    const auto version = name(needed.vna_name);
    if (!version) return version.error();
    // That no index comes twice also ends every list.
    const bool is_new = versions_.try_emplace(needed.vna_other & kIndexBits, Version{*version, file}).second;
    if (!is_new) return file_.damage("the table of versions contradicts itself");
    if (needed.vna_next == 0) break;
    offset += needed.vna_next;
  }
  return true;
}

Result<bool> Reader::read_symbols() {
  const auto count = count_symbols(file_, dynamic_);
  if (!count) return count.error();
  if (*count == 0) return true;
  const auto symbols = file_.read_at<Elf64_Sym>(dynamic_.symbols, *count, "the symbol table");
  if (!symbols) return symbols.error();
  std::vector<uint16_t> indexes(symbols->size(), VER_NDX_GLOBAL);
  if (dynamic_.versions != 0) {
    auto table = file_.read_at<uint16_t>(dynamic_.versions, *count, "the table of symbols' versions");
    if (!table) return table.error();
    indexes = std::move(*table);
  }
  for (size_t i = 0; i < symbols->size(); ++i) {
    if (auto done = take_symbol((*symbols)[i], indexes[i] & kIndexBits); !done) return done;
  }
  return true;
}

Result<bool> Reader::take_symbol(const Elf64_Sym& symbol, uint16_t version) {
  if (ELF64_ST_BIND(symbol.st_info) == STB_LOCAL || symbol.st_name == 0) return true;
  const auto found = name(symbol.st_name);
  if (!found) return found.error();
  if (symbol.st_shndx == SHN_UNDEF) return take_import(symbol, version, *found);
  result_.defined.emplace_back(*found);
  return true;
}

Result<bool> Reader::take_import(const Elf64_Sym& symbol, uint16_t version, std::string_view name) {
  Version asked;
  if (version > VER_NDX_GLOBAL) {
    const auto at = versions_.find(version);
    if (at == versions_.end()) return file_.damage("a symbol is of a version that has no name");
    asked = at->second;
    if (!spend(asked.name.size() + asked.file.size())) return file_.damage("has more names than bytes");
  }
  result_.imports.push_back({.name = std::string(name),
                             .version = std::string(asked.name),
                             .file = std::string(asked.file),
                             .is_object = ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT,
                             .is_weak = ELF64_ST_BIND(symbol.st_info) == STB_WEAK});
  return true;
}

}  // namespace

Result<ElfImports> read_imports(const std::string& path) {
  const auto file = ElfFile::open(path);
  if (!file) return file.error();
  return Reader(*file).read();
}

}  // namespace unfrag::rehearsal
