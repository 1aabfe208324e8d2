// The short cut must be invisible: every recording at hand is read with and without it, whole and cut off.
#include "ingest/event_parser.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "ingest/assemble.h"
#include "ingest/byte_window.h"
#include "ingest/pickle_machine.h"

namespace unfrag::ingest {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::vector<std::filesystem::path> pickles_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  if (!std::filesystem::is_directory(folder)) return paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".pickle") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

struct Reading {
  trace::Builder builder;
  NodeStore store{builder};
  std::string damage;
  uint64_t offset = 0;
};

void read(std::string_view bytes, bool short_cuts, Reading& out) {
  MemorySource source(bytes);
  ByteWindow window(source);
  auto parsed = run_pickle(window, out.store, short_cuts);
  ASSERT_TRUE(parsed.ok());
  out.damage = parsed->damage;
  out.offset = parsed->offset;
  (void)assemble(out.store, parsed->root);
}

std::string text_of(const trace::Trace& trace, trace::StackIdx stack) {
  std::string text;
  for (const trace::FrameIdx index : trace.stacks[stack]) {
    const trace::Frame& frame = trace.frames[index];
    text += std::string(trace.strings[frame.filename]) + ":" + std::to_string(frame.line) + " " +
            std::string(trace.strings[frame.name]) + "\n";
  }
  return text;
}

void expect_same(const trace::Trace& a, const trace::Trace& b) {
  ASSERT_EQ(a.events.size_rows(), b.events.size_rows());
  ASSERT_EQ(a.devices.size(), b.devices.size());
  ASSERT_EQ(a.segments.size(), b.segments.size());
  EXPECT_EQ(a.warnings, b.warnings);
  EXPECT_EQ(a.stacks.size(), b.stacks.size());
  for (size_t i = 0; i < a.events.size_rows(); ++i) {
    ASSERT_EQ(a.events.action[i], b.events.action[i]) << i;
    ASSERT_EQ(a.events.addr[i], b.events.addr[i]) << i;
    ASSERT_EQ(a.events.size[i], b.events.size[i]) << i;
    ASSERT_EQ(a.time_of(i), b.time_of(i)) << i;
    const trace::EventContext& x = a.context_of(i);
    const trace::EventContext& y = b.context_of(i);
    ASSERT_EQ(x.stream, y.stream) << i;
    ASSERT_EQ(x.pool, y.pool) << i;
    ASSERT_EQ(x.has_pool, y.has_pool) << i;
    ASSERT_EQ(a.strings[x.compile_context], b.strings[y.compile_context]) << i;
    ASSERT_EQ(a.strings[x.user_metadata], b.strings[y.user_metadata]) << i;
    if (i % 16 == 0) {
      ASSERT_EQ(text_of(a, a.events.stack[i]), text_of(b, b.events.stack[i])) << i;
    }
  }
}

void expect_same_both_ways(std::string_view bytes) {
  Reading fast;
  Reading plain;
  read(bytes, true, fast);
  read(bytes, false, plain);
  EXPECT_EQ(fast.damage, plain.damage);
  EXPECT_EQ(fast.offset, plain.offset);
  expect_same(fast.builder.trace, plain.builder.trace);
}

const std::filesystem::path kRoot = UNFRAG_SOURCE_DIR;

TEST(EventParser, ChangesNothingOnTheExamples) {
  const auto paths = pickles_in(kRoot / "examples");
  ASSERT_FALSE(paths.empty());
  for (const auto& path : paths) {
    SCOPED_TRACE(path.string());
    expect_same_both_ways(read_file(path));
  }
}

TEST(EventParser, ChangesNothingOnRealRecordings) {
  std::vector<std::filesystem::path> paths = pickles_in(kRoot / "../shared/corpus/pytorch");
  for (const auto& path : pickles_in(kRoot / "../shared/corpus/snapshots")) paths.push_back(path);
  if (paths.empty()) GTEST_SKIP() << "no recordings in ../shared/corpus";
  for (const auto& path : paths) {
    SCOPED_TRACE(path.string());
    expect_same_both_ways(read_file(path));
  }
}

TEST(EventParser, ChangesNothingWhereverTheFileIsCut) {
  for (const auto& path : pickles_in(kRoot / "examples")) {
    SCOPED_TRACE(path.string());
    const std::string bytes = read_file(path);
    for (size_t cut = bytes.size() / 3; cut < bytes.size(); cut += 3989) {
      SCOPED_TRACE(cut);
      expect_same_both_ways(std::string_view(bytes).substr(0, cut));
    }
  }
}

TEST(EventParser, ChangesNothingOnFlippedBytes) {
  for (const auto& path : pickles_in(kRoot / "examples")) {
    SCOPED_TRACE(path.string());
    std::string bytes = read_file(path);
    for (size_t at = bytes.size() / 2; at < bytes.size(); at += 4001) {
      SCOPED_TRACE(at);
      const char kept = bytes[at];
      bytes[at] = static_cast<char>(kept ^ static_cast<char>(1 << (at % 8)));
      Reading fast;
      Reading plain;
      MemorySource fast_source(bytes);
      MemorySource plain_source(bytes);
      ByteWindow fast_window(fast_source);
      ByteWindow plain_window(plain_source);
      const auto one = run_pickle(fast_window, fast.store, true);
      const auto two = run_pickle(plain_window, plain.store, false);
      ASSERT_EQ(one.ok(), two.ok());
      if (one.ok()) {
        EXPECT_EQ(one->offset, two->offset);
        EXPECT_EQ(one->damage, two->damage);
        EXPECT_EQ(fast.builder.trace.events.size_rows(), plain.builder.trace.events.size_rows());
      }
      bytes[at] = kept;
    }
  }
}

}  // namespace
}  // namespace unfrag::ingest
