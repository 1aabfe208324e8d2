#include "report/message_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/text.h"
#include "report/message_json.h"
#include "report/message_words.h"

namespace unfrag::report {
namespace {

/// Facts with random figures: nothing fits together, which a report must not mind.
class RandomFacts {
 public:
  explicit RandomFacts(uint32_t seed) : random_(seed) {}

  analyze::MessageExplanation make() {
    analyze::MessageExplanation e;
    e.path = below(2) == 0 ? "-" : "err\x1b[31m\xff or.txt";
    e.skipped = below(3) == 0 ? below(1 << 30) : 0;
    if (below(4) != 0) e.facts.message = message();
    if (!e.facts.message || below(2) == 0) e.facts.summary = summary();
    e.facts.messages = e.facts.message ? 1 + below(3) : 0;
    e.facts.summaries = e.facts.summary ? 1 + below(3) : 0;
    if (e.facts.message) e.findings = analyze::judge(*e.facts.message);
    if (e.facts.summary) e.on_summary = analyze::judge(*e.facts.summary);
    return e;
  }

 private:
  uint64_t below(uint64_t limit) { return random_() % limit; }
  trace::Printed printed() {
    const uint64_t value = below(3) == 0 ? below(1 << 20) : random_() >> (4 + below(40));
    return {value, value - std::min<uint64_t>(value, 5), value + 5, about({static_cast<int64_t>(value), 0, 0})};
  }
  trace::PrintedOrNot maybe() { return below(4) == 0 ? std::nullopt : trace::PrintedOrNot(printed()); }
  trace::SummaryRowOrNot row() {
    if (below(4) == 0) return std::nullopt;
    return trace::SummaryRow{printed(), printed(), printed(), printed()};
  }
  trace::OomMessage message() {
    trace::OomMessage m;
    m.form = static_cast<trace::MessageForm>(below(6));
    m.bare = static_cast<trace::BareError>(below(7));
    m.backend = below(2) == 0 ? "XPU" : "";
    m.releases = below(2) == 0 ? "2.1" : "";
    if (below(2) == 0) m.device = below(4096);
    for (auto* figure : {&m.requested, &m.total, &m.free, &m.limit, &m.allocated, &m.reserved, &m.unallocated,
                         &m.private_free, &m.other}) {
      *figure = maybe();
    }
    for (uint64_t i = below(12); i > 0; --i) {
      m.processes.push_back({below(5) == 0 ? std::nullopt : std::optional(below(1 << 22)), maybe()});
    }
    return m;
  }
  trace::MemorySummary summary() {
    trace::MemorySummary s;
    if (below(2) == 0) s.device = 3;
    if (below(2) == 0) s.ooms = below(5);
    if (below(2) == 0) s.retries = below(5);
    for (auto* figures : {&s.allocated, &s.active, &s.requested, &s.reserved, &s.non_releasable, &s.segments}) {
      *figures = row();
    }
    return s;
  }

  std::mt19937_64 random_;
};

TEST(MessageText, KeepsWithinTheWidthAndPrintsNothingThatATerminalWouldObey) {
  for (uint32_t seed = 1; seed <= 3000; ++seed) {
    const analyze::MessageExplanation e = RandomFacts(seed).make();
    const size_t width = 60 + seed % 90;
    std::string text = message_text(e, {.width = width, .quiet = seed % 7 == 0});
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find('\n', at);
      const std::string line = text.substr(at, end - at);
      at = end + 1;
      ASSERT_EQ(escape_text(line), line) << "seed " << seed;
      if (line.find("torch.") != std::string::npos) continue;  // lines to copy
      ASSERT_LE(display_width(line), width) << "seed " << seed << line;
    }
  }
}

TEST(MessageText, SaysTheSameInJsonAndInText) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    const analyze::MessageExplanation e = RandomFacts(seed).make();
    const std::string json = message_json(e);
    EXPECT_NE(json.find("\"schema\":\"unfrag.message/1\""), std::string::npos);
    EXPECT_EQ(escape_text(json), json) << "seed " << seed;
    EXPECT_FALSE(cannot_tell(e).empty());
  }
}

TEST(MessageText, RoundsAmountsAsPyTorchDoes) {
  EXPECT_EQ(about({}), "0 B");
  EXPECT_EQ(about({.value = 1024}), "1024 B");
  EXPECT_EQ(about({.value = 20 << 20}), "20.00 MiB");
  EXPECT_EQ(about({.value = 1 << 30}), "1024.00 MiB");
  EXPECT_EQ(about({.value = 15'021'648'118}), "13.99 GiB");
  EXPECT_EQ(about({.value = -(20 << 20)}), "-20.00 MiB");
}

TEST(MessageText, RecordsWithTheModuleOfTheBackend) {
  const auto lines = [](const char* backend) {
    trace::OomMessage message;
    message.backend = backend;
    return record_lines(message);
  };
  EXPECT_NE(lines("CUDA")[1].find("torch.cuda.memory._record_memory_history("), std::string::npos);
  EXPECT_NE(lines("HIP")[1].find("torch.cuda."), std::string::npos);
  EXPECT_NE(lines("XPU")[1].find("torch.xpu."), std::string::npos);
  EXPECT_TRUE(lines("MPS").empty());
}

}  // namespace
}  // namespace unfrag::report
