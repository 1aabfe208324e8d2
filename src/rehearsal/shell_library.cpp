#include "rehearsal/shell_library.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "rehearsal/elf_tables.h"
#include "rehearsal/null/entry.h"

// Source: System V ABI, chapter 5, and its x86-64 supplement; for symbol versions glibc, elf/dl-version.c.
namespace unfrag::rehearsal {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kObjectBytes = 4096;
constexpr uint64_t kCodeBytes = 32;  // Of one function: 17, and room to keep them aligned.
constexpr uint64_t kSegments = 5;
constexpr uint32_t kDispatcher = 1;       // Its symbol; 0 is no symbol, the functions and objects follow.
constexpr uint16_t kSomeSection = 1;      // There are none, but a symbol that is defined must name one.
constexpr unsigned char kPadding = 0xcc;  // int3

// Where a table stands, in the file and in memory alike.
struct Place {
  uint64_t at = 0;
  uint64_t size = 0;
  [[nodiscard]] uint64_t end() const { return at + size; }
};

constexpr uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

class Shell {
 public:
  Shell(const ShellLibrary& library, const Dispatcher& dispatcher) : library_(library) {
    add_names(dispatcher);
    place();
    define_symbols();
  }

  std::string bytes() {
    image_.assign(entries_.end(), '\0');
    write_header();
    write_segments();
    put(hash_, hash_table(names_, symbols_, kDispatcher + 1));
    put(symbol_table_, symbols_);
    put(strings_, names_.bytes());
    if (has_versions()) put(versions_, symbol_versions_);
    if (has_versions()) put(definitions_, version_definitions(names_, soname_, version_names_));
    write_relocations();
    write_code();
    write_dynamic();
    return std::move(image_);
  }

 private:
  [[nodiscard]] bool has_versions() const { return !library_.versions.empty(); }
  [[nodiscard]] uint64_t function_count() const { return library_.functions.size(); }
  [[nodiscard]] uint64_t entry(uint64_t function) const { return entries_.at + function * sizeof(null::Entry); }

  void add_names(const Dispatcher& dispatcher);
  void add_symbol(const ShellSymbol& symbol, unsigned char type, uint64_t size);
  void place();
  void define_symbols();
  void write_header();
  void write_segments();
  void write_relocations();
  void write_code();
  void write_dynamic();

  template <class T>
  void put(Place place, const T& table) {
    std::memcpy(image_.data() + place.at, std::data(table), std::size(table) * sizeof(*std::data(table)));
  }

  const ShellLibrary& library_;
  NameTable names_;
  uint32_t needed_name_ = 0;
  uint32_t soname_ = 0;
  std::vector<uint32_t> version_names_;
  std::vector<Elf64_Sym> symbols_;
  std::vector<uint16_t> symbol_versions_;
  Place hash_, symbol_table_, strings_, versions_, definitions_, relocations_;  // Read-only.
  Place code_;                                                                  // Executable.
  Place dynamic_, slot_, entries_;                                              // Writable.
  Place objects_;                                                               // Writable, not in the file.
  std::string image_;
};

void Shell::add_names(const Dispatcher& dispatcher) {
  needed_name_ = names_.add(dispatcher.library);
  soname_ = names_.add(library_.soname);
  for (const std::string& version : library_.versions) version_names_.push_back(names_.add(version));
  symbols_.push_back({});
  symbol_versions_.push_back(VER_NDX_LOCAL);
  symbols_.push_back({.st_name = names_.add(dispatcher.symbol),
                      .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE),
                      .st_other = STV_DEFAULT,
                      .st_shndx = SHN_UNDEF,
                      .st_value = 0,
                      .st_size = 0});
  symbol_versions_.push_back(VER_NDX_GLOBAL);
  for (const ShellSymbol& function : library_.functions) add_symbol(function, STT_FUNC, kCodeBytes);
  for (const ShellSymbol& object : library_.objects) add_symbol(object, STT_OBJECT, kObjectBytes);
}

void Shell::add_symbol(const ShellSymbol& symbol, unsigned char type, uint64_t size) {
  symbols_.push_back({.st_name = names_.add(symbol.name),
                      .st_info = static_cast<unsigned char>(ELF64_ST_INFO(STB_GLOBAL, type)),
                      .st_other = STV_DEFAULT,
                      .st_shndx = kSomeSection,
                      .st_value = 0,
                      .st_size = size});
  symbol_versions_.push_back(symbol.version.is_none() ? uint16_t{VER_NDX_GLOBAL}
                                                      : static_cast<uint16_t>(kFirstVersion + symbol.version.value()));
}

// One table behind the other; what is protected differently begins a page.
void Shell::place() {
  uint64_t end = sizeof(Elf64_Ehdr) + kSegments * sizeof(Elf64_Phdr);
  const auto next = [&](uint64_t size, uint64_t alignment) {
    const Place place{round_up(end, alignment), size};
    end = place.end();
    return place;
  };
  const uint64_t version_count = has_versions() ? library_.versions.size() + 1 : 0;  // The library's own too.
  hash_ = next(hash_table_words(symbols_.size() - kDispatcher - 1) * sizeof(uint32_t), 8);
  symbol_table_ = next(symbols_.size() * sizeof(Elf64_Sym), 8);
  strings_ = next(names_.bytes().size(), 1);
  versions_ = next(has_versions() ? symbols_.size() * sizeof(uint16_t) : 0, 8);
  definitions_ = next(version_count * sizeof(VersionDefinition), 8);
  relocations_ = next((1 + 2 * function_count()) * sizeof(Elf64_Rela), 8);
  code_ = next(std::max(function_count(), uint64_t{1}) * kCodeBytes, kPage);  // No loader is asked to load nothing.
  // What write_dynamic() adds.
  dynamic_ = next((12 + (has_versions() ? 3 : 0)) * sizeof(Elf64_Dyn), kPage);
  slot_ = next(sizeof(uint64_t), 8);
  entries_ = next(function_count() * sizeof(null::Entry), sizeof(null::Entry));
  objects_ = next(library_.objects.size() * kObjectBytes, 64);
}

void Shell::define_symbols() {
  Elf64_Sym* symbol = symbols_.data() + kDispatcher + 1;
  for (uint64_t i = 0; i < function_count(); ++i) symbol++->st_value = code_.at + i * kCodeBytes;
  for (uint64_t i = 0; i < library_.objects.size(); ++i) symbol++->st_value = objects_.at + i * kObjectBytes;
}

void Shell::write_header() {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_DYN;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = kSegments;
  put({0, 0}, std::span(&header, 1));
}

void Shell::write_segments() {
  const auto segment = [](uint32_t type, uint32_t flags, uint64_t begin, uint64_t file_end, uint64_t end,
                          uint64_t alignment) {
    return Elf64_Phdr{.p_type = type,
                      .p_flags = flags,
                      .p_offset = begin,
                      .p_vaddr = begin,
                      .p_paddr = begin,
                      .p_filesz = file_end - begin,
                      .p_memsz = end - begin,
                      .p_align = alignment};
  };
  const std::array<Elf64_Phdr, kSegments> segments = {
      segment(PT_LOAD, PF_R, 0, relocations_.end(), relocations_.end(), kPage),
      segment(PT_LOAD, PF_R | PF_X, code_.at, code_.end(), code_.end(), kPage),
      segment(PT_LOAD, PF_R | PF_W, dynamic_.at, entries_.end(), objects_.end(), kPage),
      segment(PT_DYNAMIC, PF_R | PF_W, dynamic_.at, dynamic_.end(), dynamic_.end(), 8),
      segment(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 16),
  };
  put({sizeof(Elf64_Ehdr), 0}, segments);
}

void Shell::write_relocations() {
  std::vector<Elf64_Rela> relocations;
  const auto point = [&](uint64_t from, uint64_t to) {
    relocations.push_back(
        {.r_offset = from, .r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE), .r_addend = static_cast<int64_t>(to)});
  };
  for (uint64_t i = 0; i < function_count(); ++i) {
    point(entry(i) + offsetof(null::Entry, name), strings_.at + symbols_[kDispatcher + 1 + i].st_name);
    point(entry(i) + offsetof(null::Entry, library), strings_.at + soname_);
  }
  relocations.push_back(
      {.r_offset = slot_.at, .r_info = ELF64_R_INFO(uint64_t{kDispatcher}, R_X86_64_GLOB_DAT), .r_addend = 0});
  put(relocations_, relocations);
}

// Distances are counted from the end of their instruction.
void Shell::write_code() {
  constexpr std::string_view kMark = "\xf3\x0f\x1e\xfa";   // endbr64, for a jump through a pointer
  constexpr std::string_view kTakeEntry = "\x4c\x8d\x1d";  // lea distance(%rip), %r11
  constexpr std::string_view kJump = "\xff\x25";           // jmp *distance(%rip)
  for (uint64_t i = 0; i < function_count(); ++i) {
    const uint64_t begin = code_.at + i * kCodeBytes;
    std::string code(kMark);
    const auto append = [&](std::string_view instruction, uint64_t target) {
      code += instruction;
      const auto distance = static_cast<uint32_t>(target - (begin + code.size() + sizeof(uint32_t)));
      code.append(reinterpret_cast<const char*>(&distance), sizeof(distance));
    };
    append(kTakeEntry, entry(i));
    append(kJump, slot_.at);
    code.resize(kCodeBytes, static_cast<char>(kPadding));
    put({begin, code.size()}, code);
  }
}

void Shell::write_dynamic() {
  std::vector<Elf64_Dyn> dynamic;
  const auto add = [&](int64_t tag, uint64_t value) { dynamic.push_back({.d_tag = tag, .d_un = {.d_val = value}}); };
  add(DT_NEEDED, needed_name_);
  add(DT_SONAME, soname_);
  add(DT_GNU_HASH, hash_.at);
  add(DT_STRTAB, strings_.at);
  add(DT_SYMTAB, symbol_table_.at);
  add(DT_STRSZ, strings_.size);
  add(DT_SYMENT, sizeof(Elf64_Sym));
  add(DT_RELA, relocations_.at);
  add(DT_RELASZ, relocations_.size);
  add(DT_RELAENT, sizeof(Elf64_Rela));
  add(DT_RELACOUNT, 2 * function_count());
  if (has_versions()) {
    add(DT_VERSYM, versions_.at);
    add(DT_VERDEF, definitions_.at);
    add(DT_VERDEFNUM, library_.versions.size() + 1);
  }
  add(DT_NULL, 0);
  put(dynamic_, dynamic);
}

}  // namespace

std::string to_elf(const ShellLibrary& library, const Dispatcher& dispatcher) {
  return Shell(library, dispatcher).bytes();
}

}  // namespace unfrag::rehearsal
