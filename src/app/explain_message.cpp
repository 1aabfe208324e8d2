#include "app/explain_message.h"

#include <algorithm>
#include <span>

#include "ingest/byte_source.h"
#include "ingest/memory_summary.h"
#include "ingest/oom_message.h"
#include "ingest/squeeze.h"

namespace unfrag::app {
namespace {

struct Text {
  std::string end;     // its last bytes, at least kMostText of them
  uint64_t bytes = 0;  // of the whole
};

Result<Text> read_text(const std::string& path, const std::function<void(uint64_t)>& progress) {
  constexpr size_t kStep = size_t{256} << 10;
  auto source = ingest::FileSource::open(path);
  if (!source) return source.error();
  Text text;
  for (;;) {
    const size_t before = text.end.size();
    text.end.resize(before + kStep);
    const auto count = (*source)->read(std::span(text.end).subspan(before));
    if (!count) return count.error();
    text.end.resize(before + *count);
    text.bytes += *count;
    if (*count == 0) return text;
    if (progress) progress(text.bytes);
    if (text.end.size() > 2 * kMostText.value()) text.end.erase(0, text.end.size() - kMostText.value());
  }
}

Error nothing_found(const Text& text) {
  if (text.bytes == 0) return {ErrorKind::kBadInput, "byte 0", "the file is empty", "the text of the error"};
  return {ErrorKind::kBadInput, "byte 0", "no out-of-memory message and no memory_summary table in this text",
          "the lines around \"out of memory\", or without --message if this is a snapshot"};
}

Result<analyze::MessageExplanation> explain(const Text& text, const std::string& name) {
  const std::string squeezed = ingest::squeeze(text.end);
  const ingest::FoundMessages messages = ingest::find_oom_messages(squeezed);
  const ingest::FoundSummaries summaries = ingest::find_memory_summaries(squeezed);
  if (!messages.last && !summaries.last) return nothing_found(text);

  analyze::MessageExplanation explanation;
  explanation.path = name;
  explanation.bytes = text.bytes;
  explanation.skipped = text.bytes - text.end.size();
  explanation.facts = {messages.last, messages.count, messages.later, summaries.last, summaries.count};
  if (messages.last) explanation.findings = analyze::judge(*messages.last);
  if (summaries.last) explanation.on_summary = analyze::judge(*summaries.last);
  return explanation;
}

}  // namespace

Result<analyze::MessageExplanation> explain_message(const std::string& path,
                                                    const std::function<void(uint64_t)>& progress) {
  const auto text = read_text(path, progress);
  if (!text) return text.error();
  return explain(*text, path);
}

Result<analyze::MessageExplanation> explain_message_text(std::string_view text, const std::string& name) {
  const size_t kept = std::min<size_t>(text.size(), kMostText.value());
  return explain({.end = std::string(text.substr(text.size() - kept)), .bytes = text.size()}, name);
}

}  // namespace unfrag::app
