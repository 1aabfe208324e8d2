// Any bytes as the text of an error: no crash, no hang, and figures that lie in their own ranges, sums that
// are sums, and a verdict for all of it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "analyze/message_verdict.h"
#include "base/text.h"
#include "ingest/memory_summary.h"
#include "ingest/oom_message.h"
#include "ingest/squeeze.h"

namespace unfrag::analyze {
namespace {

using ingest::FoundMessages;
using ingest::FoundSummaries;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void check(const trace::PrintedOrNot& printed) {
  if (!printed) return;
  require(printed->low <= printed->value && printed->value <= printed->high, "a figure lies in its range");
  require(escape_text(printed->text) == printed->text, "a figure's text is safe to print");
}

void check(const AmountOrNot& amount) {
  require(!amount || (amount->low <= amount->value && amount->value <= amount->high), "a sum lies in its range");
}

void check_findings(const trace::OomMessage& message) {
  const MessageFindings f = judge(message);
  for (const AmountOrNot& sum :
       {f.allocated, f.unallocated, f.reserved, f.room, f.may, f.need, f.spare, f.own, f.named, f.unlisted}) {
    check(sum);
  }
  require(!f.spare || f.spare->value == f.may->value - f.need->value, "spare is may less need");
  require((f.kind == VerdictKind::kUndecided) == (f.unknown != Unknown::kNothing), "no verdict has its reason");
  require(!f.tensor || f.tensor->more_than <= f.tensor->at_most, "a tensor has a size");
}

void check_text(std::string_view text) {
  const std::string squeezed = ingest::squeeze(text);
  require(squeezed.size() <= text.size(), "squeezed text is no longer");
  const FoundMessages messages = ingest::find_oom_messages(squeezed);
  require(messages.last.has_value() == (messages.count > 0), "a message is counted");
  require(messages.later.of_another_size <= messages.later.count, "other failures are later messages");
  require(messages.later.count == 0 || messages.later.count < messages.count, "later ones come after one");
  require((messages.later.of_another_size > 0) == messages.later.requested.has_value(), "another size is told");
  check(messages.later.requested);
  if (messages.last) {
    const trace::OomMessage& m = *messages.last;
    for (const auto* figure : {&m.requested, &m.total, &m.free, &m.limit, &m.allocated, &m.reserved, &m.unallocated,
                               &m.private_free, &m.other}) {
      check(*figure);
    }
    for (const trace::ProcessUse& use : m.processes) check(use.bytes);
    check_findings(m);
  }
  const FoundSummaries summaries = ingest::find_memory_summaries(squeezed);
  require(summaries.last.has_value() == (summaries.count > 0), "a table is counted");
  if (!summaries.last) return;
  require(summaries.last->allocated.has_value(), "a table has its first row");
  const SummaryFindings f = judge(*summaries.last);
  for (const AmountOrNot& sum : {f.free, f.releasable, f.holes, f.rounding, f.pending}) check(sum);
}

}  // namespace
}  // namespace unfrag::analyze

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  unfrag::analyze::check_text({reinterpret_cast<const char*>(data), size});
  return 0;
}
