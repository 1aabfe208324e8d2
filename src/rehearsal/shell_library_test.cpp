#include "rehearsal/shell_library.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "rehearsal/elf_file.h"
#include "rehearsal/files_for_tests.h"
#include "rehearsal/null/entry.h"

// The dispatcher of these tests, which this program exports to the shells it loads: it keeps the entry and goes on to
// a function that takes the arguments of the call, so that it sees them only where the shell left them in place.
extern "C" {
[[gnu::visibility("hidden")]] unfrag::null::Entry* unfrag_test_entry = nullptr;
[[gnu::visibility("hidden"), gnu::used]] uint64_t unfrag_test_answer(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                                                                     uint64_t e, uint64_t f, uint64_t g, uint64_t h,
                                                                     double x) {
  uint64_t all = 0;
  for (const uint64_t digit : {a, b, c, d, e, f, g, h, static_cast<uint64_t>(x)}) all = all * 10 + digit;
  return all;
}
}
asm(R"(
  .text
  .globl unfrag_null_dispatch
  .type unfrag_null_dispatch, @function
unfrag_null_dispatch:
  endbr64
  mov %r11, unfrag_test_entry(%rip)
  jmp unfrag_test_answer
  .size unfrag_null_dispatch, . - unfrag_null_dispatch
)");

namespace unfrag::rehearsal {
namespace {

using Function = uint64_t (*)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, double);

constexpr ShellVersion kNone;
constexpr ShellVersion kFirst(0);
constexpr ShellVersion kSecond(1);

// Linked with a library that is there on every machine; the dispatcher is found in this program.
const Dispatcher kHere = {.library = "libc.so.6", .symbol = "unfrag_null_dispatch"};

/// A shell written to a file and loaded from it.
class Loaded {
 public:
  explicit Loaded(const ShellLibrary& library)
      : file_(library.soname, to_elf(library, kHere)), handle_(dlopen(file_.path().c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) ADD_FAILURE() << dlerror();
  }
  ~Loaded() {
    if (handle_ != nullptr) dlclose(handle_);
  }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;

  [[nodiscard]] void* find(const char* name) const { return handle_ == nullptr ? nullptr : dlsym(handle_, name); }
  [[nodiscard]] void* find(const char* name, const char* version) const {
    return handle_ == nullptr ? nullptr : dlvsym(handle_, name, version);
  }

 private:
  FileForTests file_;
  void* handle_;
};

uint64_t call(void* function) { return reinterpret_cast<Function>(function)(1, 2, 3, 4, 5, 6, 7, 8, 9.0); }

TEST(ShellLibrary, HandsItsEntryAndAllArgumentsToTheDispatcher) {
  const Loaded shell({.soname = "libshell_calls.so.1", .functions = {{"shellFirst", kNone}, {"shellSecond", kNone}}});
  void* const second = shell.find("shellSecond");
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(call(second), 123456789u);
  ASSERT_NE(unfrag_test_entry, nullptr);
  EXPECT_STREQ(unfrag_test_entry->name, "shellSecond");
  EXPECT_STREQ(unfrag_test_entry->library, "libshell_calls.so.1");
  EXPECT_EQ(unfrag_test_entry->rule, nullptr);
  EXPECT_EQ(unfrag_test_entry->calls, 0u);
}

TEST(ShellLibrary, AnEntryIsTheDispatchersToWriteTo) {
  const Loaded shell({.soname = "libshell_entry.so.1", .functions = {{"shellFirst", kNone}, {"shellSecond", kNone}}});
  void* const first = shell.find("shellFirst");
  void* const second = shell.find("shellSecond");
  ASSERT_TRUE(first != nullptr && second != nullptr);
  call(first);
  unfrag_test_entry->calls = 7;
  unfrag_test_entry->rule = first;
  call(second);
  EXPECT_EQ(unfrag_test_entry->calls, 0u);
  call(first);
  EXPECT_EQ(unfrag_test_entry->calls, 7u);
  EXPECT_EQ(unfrag_test_entry->rule, first);
}

TEST(ShellLibrary, AFunctionIsFoundByItsVersionAndByNoOther) {
  const Loaded shell({.soname = "libshell_version.so.13",
                      .versions = {"libshell_version.so.13"},
                      .functions = {{"shellVersioned", kFirst}, {"shellPlain", kNone}}});
  void* const function = shell.find("shellVersioned", "libshell_version.so.13");
  ASSERT_NE(function, nullptr);
  EXPECT_EQ(shell.find("shellVersioned"), function);
  EXPECT_EQ(shell.find("shellVersioned", "libshell_version.so.12"), nullptr);
  EXPECT_NE(shell.find("shellPlain"), nullptr);
  EXPECT_EQ(call(function), 123456789u);
}

TEST(ShellLibrary, ANameMayHaveTwoVersions) {
  const Loaded shell({.soname = "libshell_two.so.1",
                      .versions = {"OLD", "NEW"},
                      .functions = {{"shellTwice", kFirst}, {"shellTwice", kSecond}}});
  void* const before = shell.find("shellTwice", "OLD");
  void* const after = shell.find("shellTwice", "NEW");
  ASSERT_TRUE(before != nullptr && after != nullptr);
  EXPECT_NE(before, after);
}

TEST(ShellLibrary, AnObjectIsZeroedAndWritable) {
  const Loaded shell({.soname = "libshell_object.so.1",
                      .versions = {"DATA"},
                      .functions = {{"shellFunction", kNone}},
                      .objects = {{"shellFirstObject", kFirst}, {"shellSecondObject", kNone}}});
  auto* const first = static_cast<char*>(shell.find("shellFirstObject", "DATA"));
  auto* const second = static_cast<char*>(shell.find("shellSecondObject"));
  ASSERT_TRUE(first != nullptr && second != nullptr);
  EXPECT_TRUE(std::all_of(first, first + 4096, [](char c) { return c == 0; }));
  std::fill(first, first + 4096, '\xff');
  EXPECT_TRUE(std::all_of(second, second + 4096, [](char c) { return c == 0; }));
  EXPECT_NE(shell.find("shellFunction"), nullptr);
}

TEST(ShellLibrary, WithoutSymbolsItIsStillALibrary) {
  const Loaded shell({.soname = "libshell_empty.so.1"});
  const Loaded versions({.soname = "libshell_nodes.so.1", .versions = {"NODE"}});
  EXPECT_EQ(shell.find("shellNothing"), nullptr);
}

TEST(ShellLibrary, EachOfManyFunctionsIsFound) {
  ShellLibrary library{.soname = "libshell_many.so.1", .versions = {"MANY"}};
  for (int i = 0; i < 1000; ++i) library.functions.push_back({"shellNumber" + std::to_string(i), kFirst});
  const Loaded shell(library);
  for (const ShellSymbol& function : library.functions) {
    void* const found = shell.find(function.name.c_str(), "MANY");
    ASSERT_NE(found, nullptr) << function.name;
    call(found);
    EXPECT_EQ(unfrag_test_entry->name, function.name);
  }
  EXPECT_EQ(shell.find("shellNumber1000"), nullptr);
}

TEST(ShellLibrary, NothingInItIsBothWritableAndExecutable) {
  const FileForTests file("libshell_segments.so.1",
                          to_elf({.soname = "libshell_segments.so.1", .functions = {{"shellFirst", kNone}}}, kHere));
  const auto elf = ElfFile::open(file.path());
  ASSERT_TRUE(elf.ok());
  bool has_stack = false;
  for (const Elf64_Phdr& segment : elf->segments()) {
    EXPECT_FALSE((segment.p_flags & PF_W) != 0 && (segment.p_flags & PF_X) != 0);
    has_stack = has_stack || segment.p_type == PT_GNU_STACK;
    EXPECT_TRUE(segment.p_type != PT_LOAD || segment.p_vaddr % 4096 == 0);
  }
  EXPECT_TRUE(has_stack) << "without it the loader makes the program's stack executable";
}

TEST(ShellLibrary, ReadelfFindsNothingWrong) {
  if (std::system("readelf --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "this machine has no readelf";
  const FileForTests file("libshell_readelf.so.1", to_elf({.soname = "libshell_readelf.so.1",
                                                           .versions = {"OLD", "NEW"},
                                                           .functions = {{"shellOld", kFirst}, {"shellNew", kSecond}},
                                                           .objects = {{"shellObject", kSecond}}},
                                                          kHere));
  // As a file, and as the loader sees it.
  for (const char* options : {"-Wa ", "-WaD "}) {
    const std::string command = std::string("readelf ") + options + file.path() + " 2>&1";
    std::FILE* const pipe = popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string output;
    std::array<char, 4096> some;
    while (const size_t n = std::fread(some.data(), 1, some.size(), pipe)) output.append(some.data(), n);
    EXPECT_EQ(pclose(pipe), 0);
    EXPECT_EQ(output.find("readelf: "), std::string::npos) << output;  // How its complaints begin.
  }
}

}  // namespace
}  // namespace unfrag::rehearsal
