#include "ingest/byte_source.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace unfrag::ingest {
namespace {

std::string file_with(const std::string& name, const std::string& bytes) {
  const std::string path = testing::TempDir() + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string all_of(ByteSource& source, size_t piece) {
  std::string all;
  std::string buffer(piece, '\0');
  for (;;) {
    const auto n = source.read(buffer);
    if (!n || *n == 0) return all;
    all.append(buffer, 0, *n);
  }
}

TEST(FileSource, ReadsAFileInPiecesOfAnySize) {
  const std::string bytes = std::string("a\0b\r\n\x1a\xff", 7) + std::string(100000, 'x');
  const std::string path = file_with("unfrag_byte_source_pieces", bytes);
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{65536}, size_t{1000000}}) {
    auto file = FileSource::open(path);
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(all_of(**file, piece), bytes);
    EXPECT_EQ((*file)->end_note(), "");
  }
  std::filesystem::remove(path);
}

TEST(FileSource, AnEmptyFileEndsAtOnce) {
  const std::string path = file_with("unfrag_byte_source_empty", "");
  auto file = FileSource::open(path);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(all_of(**file, 10), "");
  std::filesystem::remove(path);
}

TEST(FileSource, AMissingFileIsAnErrorWithTheReason) {
  const auto file = FileSource::open(testing::TempDir() + "unfrag_no_such_file");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().kind, ErrorKind::kBadInput);
  EXPECT_EQ(file.error().where, "");
  EXPECT_EQ(file.error().what.find("cannot be opened: "), 0u);
  EXPECT_GT(file.error().what.size(), std::string("cannot be opened: ").size());
  EXPECT_EQ(file.error().action, "another path");
}

TEST(FileSource, ADirectoryIsAnError) {
  const auto file = FileSource::open(testing::TempDir());
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().kind, ErrorKind::kBadInput);
}

TEST(FileSource, AReadErrorEndsTheSourceWithANote) {
  const char* const unreadable = "/proc/self/mem";  // Opens, but nothing is mapped at its first byte.
  auto file = FileSource::open(unreadable);
  if (!file) GTEST_SKIP() << "this system has no " << unreadable;
  EXPECT_EQ(all_of(**file, 10), "");
  EXPECT_EQ((*file)->end_note().find("the file cannot be read to its end: "), 0u);
}

TEST(FileSource, AMinusIsStandardInput) {
  const std::string path = file_with("unfrag_byte_source_stdin", "from standard input");
  ASSERT_NE(std::freopen(path.c_str(), "rb", stdin), nullptr);
  {
    auto file = FileSource::open("-");
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(all_of(**file, 5), "from standard input");
  }
  EXPECT_EQ(std::fseek(stdin, 0, SEEK_SET), 0) << "standard input must still be open";
  std::filesystem::remove(path);
}

TEST(MemorySource, GivesItsBytesAndEnds) {
  MemorySource memory("hello, world");
  EXPECT_EQ(all_of(memory, 5), "hello, world");
  char one = 0;
  EXPECT_EQ(*memory.read({&one, 1}), 0u);
  EXPECT_EQ(memory.end_note(), "");
}

TEST(MemorySource, ReadingNothingIsNotTheEnd) {
  MemorySource memory("x");
  EXPECT_EQ(*memory.read({}), 0u);
  EXPECT_EQ(all_of(memory, 5), "x");
}

}  // namespace
}  // namespace unfrag::ingest
