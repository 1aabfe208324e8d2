#include "rehearsal/elf_imports.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "rehearsal/elf_file.h"
#include "rehearsal/elf_symbols.h"
#include "rehearsal/files_for_tests.h"
#include "rehearsal/shell_library.h"

namespace unfrag::rehearsal {
namespace {

const ShellLibrary kShell = {.soname = "libshell.so.13",
                             .versions = {"libshell.so.13"},
                             .functions = {{"shellFirst", ShellVersion(0)}, {"shellSecond", ShellVersion::none()}},
                             .objects = {{"shellObject", ShellVersion(0)}}};
const Dispatcher kDispatcher = {.library = "/a folder/libdispatch.so", .symbol = "dispatch"};

std::string shell_bytes() { return to_elf(kShell, kDispatcher); }

// Where this program loaded a library from; empty where it cannot.
std::string path_of_library(const char* soname) {
  void* const handle = dlopen(soname, RTLD_NOW);
  link_map* map = nullptr;
  if (handle == nullptr || dlinfo(handle, RTLD_DI_LINKMAP, static_cast<void*>(&map)) != 0) return "";
  return map->l_name;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void expect_what_the_shell_says(const ElfImports& shell) {
  EXPECT_EQ(shell.soname, "libshell.so.13");
  EXPECT_EQ(shell.needed, std::vector<std::string>{"/a folder/libdispatch.so"});
  EXPECT_EQ(shell.defined, (std::vector<std::string>{"shellFirst", "shellSecond", "shellObject"}));
  ASSERT_EQ(shell.imports.size(), 1u);
  EXPECT_EQ(shell.imports[0].name, "dispatch");
  EXPECT_EQ(shell.imports[0].version, "");
  EXPECT_EQ(shell.imports[0].file, "");
  EXPECT_FALSE(shell.imports[0].is_object);
  EXPECT_FALSE(shell.imports[0].is_weak);
}

// The entry of the shell's dynamic segment with this tag, to be changed in `bytes`.
Elf64_Dyn dynamic_entry(const std::string& bytes, int64_t tag, size_t& at) {
  Elf64_Phdr segment;
  std::memcpy(&segment, bytes.data() + sizeof(Elf64_Ehdr) + 3 * sizeof(segment), sizeof(segment));
  EXPECT_EQ(segment.p_type, uint32_t{PT_DYNAMIC});
  Elf64_Dyn entry{};
  for (at = segment.p_offset;; at += sizeof(entry)) {
    std::memcpy(&entry, bytes.data() + at, sizeof(entry));
    if (entry.d_tag == tag || entry.d_tag == DT_NULL) return entry;
  }
}

void replace_tag(std::string& bytes, int64_t from, int64_t to) {
  size_t at = 0;
  Elf64_Dyn entry = dynamic_entry(bytes, from, at);
  ASSERT_EQ(entry.d_tag, from);
  entry.d_tag = to;
  std::memcpy(bytes.data() + at, &entry, sizeof(entry));
}

TEST(ElfImports, ReadsBackWhatAShellSays) {
  const FileForTests file("imports_shell", shell_bytes());
  const auto imports = read_imports(file.path());
  ASSERT_TRUE(imports.ok()) << imports.error().what;
  expect_what_the_shell_says(*imports);
}

TEST(ElfImports, CountsSymbolsByTheOlderHashTable) {
  std::string bytes = shell_bytes();
  size_t at = 0;
  const auto table = static_cast<size_t>(dynamic_entry(bytes, DT_GNU_HASH, at).d_un.d_ptr);
  const uint32_t symbols = 5;  // None, the dispatcher and three of its own: the second number of such a table.
  std::memcpy(bytes.data() + table + sizeof(uint32_t), &symbols, sizeof(symbols));
  replace_tag(bytes, DT_GNU_HASH, DT_HASH);
  const FileForTests file("imports_hash", bytes);
  const auto imports = read_imports(file.path());
  ASSERT_TRUE(imports.ok()) << imports.error().what;
  expect_what_the_shell_says(*imports);
}

TEST(ElfImports, CountsSymbolsUpToTheNextTableWithoutAnyHashTable) {
  std::string bytes = shell_bytes();
  replace_tag(bytes, DT_GNU_HASH, DT_DEBUG);
  const FileForTests file("imports_neighbour", bytes);
  const auto imports = read_imports(file.path());
  ASSERT_TRUE(imports.ok()) << imports.error().what;
  expect_what_the_shell_says(*imports);
}

TEST(ElfImports, ReadsALibraryThatDefinesNothing) {
  const FileForTests file("imports_nothing", to_elf({.soname = "s"}, kDispatcher));
  const auto imports = read_imports(file.path());
  ASSERT_TRUE(imports.ok()) << imports.error().what;
  EXPECT_EQ(imports->imports.size(), 1u);
  EXPECT_TRUE(imports->defined.empty());
}

TEST(ElfImports, ReadsTheLibraryThatEveryProgramIsLinkedWith) {
  const std::string path = path_of_library("libc.so.6");
  if (path.empty()) GTEST_SKIP() << "this system has no libc.so.6";
  const auto libc = read_imports(path);
  ASSERT_TRUE(libc.ok()) << libc.error().what;
  EXPECT_EQ(libc->soname, "libc.so.6");
  EXPECT_NE(std::find(libc->defined.begin(), libc->defined.end(), "malloc"), libc->defined.end());
  const auto of_the_loader = [](const ElfImport& import) {
    return import.is_object && import.file == "ld-linux-x86-64.so.2" && import.version == "GLIBC_PRIVATE";
  };
  EXPECT_TRUE(std::any_of(libc->imports.begin(), libc->imports.end(), of_the_loader));
}

TEST(ElfImports, ReadsTheVersionsThatThisProgramAsksFor) {
  const auto program = read_imports("/proc/self/exe");
  ASSERT_TRUE(program.ok()) << program.error().what;
  const auto named = [&](const std::string& name) {
    const auto found = std::find_if(program->imports.begin(), program->imports.end(),
                                    [&](const ElfImport& import) { return import.name == name; });
    return found == program->imports.end() ? ElfImport() : *found;
  };
  EXPECT_EQ(named("dlinfo").file, "libc.so.6");
  EXPECT_EQ(named("dlinfo").version.find("GLIBC_"), 0u);
  EXPECT_FALSE(named("dlinfo").is_weak);
  const ElfImport weak = named("__gmon_start__");  // Not every compiler asks for it.
  EXPECT_TRUE(weak.name.empty() || weak.is_weak);
  EXPECT_EQ(weak.version, "");
}

TEST(ElfImports, WhatIsNoLibraryIsAnErrorThatNamesTheFile) {
  std::string other_machine = shell_bytes();
  other_machine[18] = 40;  // e_machine
  std::string narrow = shell_bytes();
  narrow[EI_CLASS] = ELFCLASS32;
  const FileForTests empty("imports_empty", "");
  const FileForTests text("imports_text", std::string(1000, 'x'));
  const FileForTests other("imports_machine", other_machine);
  const FileForTests half("imports_narrow", narrow);
  for (const std::string& path : {empty.path(), text.path(), other.path(), half.path(), std::string("/dev/null"),
                                  testing::TempDir(), testing::TempDir() + "unfrag_no_such_library"}) {
    const auto imports = read_imports(path);
    ASSERT_FALSE(imports.ok()) << path;
    EXPECT_EQ(imports.error().kind, ErrorKind::kBadInput);
    EXPECT_EQ(imports.error().where, path);
    EXPECT_NE(imports.error().what, "");
    EXPECT_NE(imports.error().action, "");
  }
}

TEST(ElfImports, ManySymbolsThatShareALongNameAreNotCopied) {
  const std::string name(10'000, 'n');
  ShellLibrary library{.soname = name};
  for (int i = 0; i < 1000; ++i) library.functions.push_back({"f", ShellVersion::none()});
  std::string bytes = to_elf(library, {.library = "l", .symbol = "d"});
  size_t at = 0;
  const auto symbols = static_cast<size_t>(dynamic_entry(bytes, DT_SYMTAB, at).d_un.d_ptr);
  const auto soname = static_cast<uint32_t>(dynamic_entry(bytes, DT_SONAME, at).d_un.d_val);
  for (size_t i = 2; i < 1002; ++i)
    std::memcpy(bytes.data() + symbols + i * sizeof(Elf64_Sym), &soname, sizeof(soname));
  const FileForTests file("imports_shared_name", bytes);
  const auto imports = read_imports(file.path());
  ASSERT_FALSE(imports.ok());
  EXPECT_EQ(imports.error().what, "has more names than bytes");
}

TEST(ElfImports, ACutFileIsAResultOrAnError) {
  const std::string bytes = shell_bytes();
  const FileForTests file("imports_cut", bytes);
  for (size_t size = bytes.size(); size-- > 0;) {
    std::filesystem::resize_file(file.path(), size);
    const auto imports = read_imports(file.path());
    if (imports) {
      expect_what_the_shell_says(*imports);
    } else {
      EXPECT_EQ(imports.error().where, file.path());
    }
  }
}

// Reads the file again and again with some bytes changed, most of them among those that say where the rest is.
void damage_and_read(const FileForTests& file, int times) {
  const std::string bytes = bytes_of(file.path());
  ASSERT_FALSE(bytes.empty());
  std::vector<std::pair<size_t, size_t>> ranges = {{0, 1024}, {0, 64 << 10}, {0, bytes.size()}};
  {
    const auto elf = ElfFile::open(file.path());
    ASSERT_TRUE(elf.ok());
    for (const Elf64_Phdr& segment : elf->segments()) {
      if (segment.p_type == PT_DYNAMIC) ranges.emplace_back(segment.p_offset, segment.p_offset + segment.p_filesz);
    }
  }
  std::minstd_rand random(1);
  std::fstream stream(file.path(), std::ios::binary | std::ios::in | std::ios::out);
  const auto put = [&](size_t at, char value) { stream.seekp(static_cast<std::streamoff>(at)).put(value).flush(); };
  int refused = 0;
  for (int i = 0; i < times; ++i) {
    std::vector<size_t> changed;
    for (size_t n = 1 + random() % 3; n > 0; --n) {
      const auto [begin, end] = ranges[random() % ranges.size()];
      const size_t at = begin + random() % (std::min(end, bytes.size()) - begin);
      const bool one_bit = random() % 2 == 0;
      put(at, one_bit ? static_cast<char>(bytes[at] ^ 1 << random() % 8) : static_cast<char>(random()));
      changed.push_back(at);
    }
    if (!read_imports(file.path())) ++refused;
    if (i % 8 == 0) (void)find_symbols(file.path(), "_Z").ok();
    for (const size_t at : changed) put(at, bytes[at]);
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, times);
}

TEST(ElfImports, ADamagedShellIsAResultOrAnError) {
  damage_and_read(FileForTests("imports_damaged", shell_bytes()), 5000);
}

TEST(ElfImports, ADamagedLibraryIsAResultOrAnError) {
  const std::string path = path_of_library("libm.so.6");
  if (path.empty()) GTEST_SKIP() << "this system has no libm.so.6";
  damage_and_read(FileForTests("imports_damaged_library", bytes_of(path)), 2000);
}

}  // namespace
}  // namespace unfrag::rehearsal
