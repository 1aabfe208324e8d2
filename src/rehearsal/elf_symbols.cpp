#include "rehearsal/elf_symbols.h"

#include "rehearsal/elf_file.h"

// Source: System V ABI, chapter 4.
namespace unfrag::rehearsal {
namespace {

// Where there are more sections than the header has room for, the first one tells their number.
Result<std::vector<Elf64_Shdr>> read_sections(const ElfFile& file) {
  const Elf64_Ehdr& header = file.header();
  if (header.e_shoff == 0) return std::vector<Elf64_Shdr>();
  if (header.e_shentsize != sizeof(Elf64_Shdr)) return file.damage("the table of sections has entries of unknown size");
  uint64_t count = header.e_shnum;
  if (count == 0) {
    const auto first = file.read<Elf64_Shdr>(header.e_shoff, 1, "the table of sections");
    if (!first) return first.error();
    count = first->front().sh_size;
  }
  return file.read<Elf64_Shdr>(header.e_shoff, count, "the table of sections");
}

bool is_function_or_data(const Elf64_Sym& symbol) {
  const auto type = ELF64_ST_TYPE(symbol.st_info);
  return (type == STT_FUNC || type == STT_OBJECT) && symbol.st_shndx != SHN_UNDEF;
}

// Adds what begins with `prefix` in the symbol table `table`.
Result<bool> find_in(const ElfFile& file, const Elf64_Shdr& table, const Elf64_Shdr& names, std::string_view prefix,
                     std::vector<ElfSymbol>& found) {
  const auto symbols =
      file.read<Elf64_Sym>(table.sh_offset, table.sh_size / sizeof(Elf64_Sym), "the static symbol table");
  if (!symbols) return symbols.error();
  const auto strings = file.read<char>(names.sh_offset, names.sh_size, "the table of static names");
  if (!strings) return strings.error();
  const std::string_view all(strings->data(), strings->size());
  uint64_t names_left = 2 * file.size();  // Against many symbols that share one long name.
  for (const Elf64_Sym& symbol : *symbols) {
    if (!is_function_or_data(symbol) || symbol.st_name >= all.size() || !all.substr(symbol.st_name).starts_with(prefix))
      continue;
    const auto name = name_at(*strings, symbol.st_name);
    if (!name) return file.damage("a name is beyond the end of the table of static names");
    if (name->find('.') != std::string_view::npos) continue;
    if (name->size() > names_left) return file.damage("has more names than bytes");
    names_left -= name->size();
    found.push_back({std::string(*name), symbol.st_value, symbol.st_size});
  }
  return true;
}

}  // namespace

Result<std::vector<ElfSymbol>> find_symbols(const std::string& path, std::string_view prefix) {
  const auto file = ElfFile::open(path);
  if (!file) return file.error();
  const auto sections = read_sections(*file);
  if (!sections) return sections.error();
  std::vector<ElfSymbol> found;
  for (const Elf64_Shdr& section : *sections) {
    if (section.sh_type != SHT_SYMTAB) continue;
    if (section.sh_link >= sections->size()) return file->damage("the static symbol table has no table of names");
    const Elf64_Shdr& names = (*sections)[section.sh_link];
    if (auto done = find_in(*file, section, names, prefix, found); !done) return done.error();
    return found;  // There is at most one such table.
  }
  return found;
}

}  // namespace unfrag::rehearsal
