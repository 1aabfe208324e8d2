#include "rehearsal/elf_symbols.h"

#include <gtest/gtest.h>
#include <link.h>

#include "rehearsal/files_for_tests.h"
#include "rehearsal/shell_library.h"

// Functions of this program by which its own symbol table is searched, one with a piece split off.
extern "C" [[gnu::used, gnu::noinline]] int unfrag_sought_first() { return 1; }
extern "C" [[gnu::used, gnu::noinline]] int unfrag_sought_second() { return 2; }
asm(R"(
  .text
  .type unfrag_sought_first.cold, @function
unfrag_sought_first.cold:
  ret
  .size unfrag_sought_first.cold, . - unfrag_sought_first.cold
)");

namespace unfrag::rehearsal {
namespace {

uint64_t where_this_program_is_loaded() {
  uint64_t base = 0;
  const auto first = [](dl_phdr_info* program, size_t, void* into) {
    *static_cast<uint64_t*>(into) = program->dlpi_addr;
    return 1;
  };
  dl_iterate_phdr(first, &base);
  return base;
}

TEST(ElfSymbols, AreFoundByTheBeginningOfTheirNames) {
  auto found = find_symbols("/proc/self/exe", "unfrag_sought_");
  ASSERT_TRUE(found.ok()) << found.error().what;
  if (found->empty()) GTEST_SKIP() << "this program is stripped";
  ASSERT_EQ(found->size(), 2u);
  if ((*found)[0].name > (*found)[1].name) std::swap((*found)[0], (*found)[1]);
  EXPECT_EQ((*found)[0].name, "unfrag_sought_first");
  EXPECT_EQ((*found)[1].name, "unfrag_sought_second");
  EXPECT_GT((*found)[0].size, 0u);
  const uint64_t base = where_this_program_is_loaded();
  EXPECT_EQ(base + (*found)[0].offset, reinterpret_cast<uint64_t>(&unfrag_sought_first));
  EXPECT_EQ(base + (*found)[1].offset, reinterpret_cast<uint64_t>(&unfrag_sought_second));
}

TEST(ElfSymbols, AFileWithoutSectionsHasNone) {
  const FileForTests file("functions_shell", to_elf({.soname = "libshell.so.1",
                                                     .functions = {{"unfrag_sought_third", ShellVersion::none()}}},
                                                    {.library = "l", .symbol = "d"}));
  const auto found = find_symbols(file.path(), "unfrag_sought_");
  ASSERT_TRUE(found.ok()) << found.error().what;
  EXPECT_TRUE(found->empty());
}

TEST(ElfSymbols, AMissingFileIsAnError) {
  const auto found = find_symbols(testing::TempDir() + "unfrag_no_such_library", "f");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().what.find("cannot be opened: "), 0u);
}

}  // namespace
}  // namespace unfrag::rehearsal
