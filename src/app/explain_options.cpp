#include "app/explain_options.h"

#include <charconv>
#include <utility>

#include "base/text.h"

namespace unfrag::app {
namespace {

Error usage(std::string what, std::string action) {
  return Error{ErrorKind::kUsage, "", std::move(what), std::move(action)};
}

Result<analyze::Moment> parse_moment(const std::string& text) {
  using analyze::Moment;
  if (text.empty()) return Moment{};
  if (text == "peak") return Moment{.kind = Moment::kPeak};
  if (text == "oom") return Moment{.kind = Moment::kOom};
  if (text == "end") return Moment{.kind = Moment::kEnd};
  uint32_t event = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), event);
  if (error == std::errc() && last == text.data() + text.size()) return Moment{.kind = Moment::kEvent, .event = event};
  return Error{ErrorKind::kUsage, "", "--at " + excerpt(text) + " is no moment", "an entry number, peak, oom or end"};
}

Result<analyze::Grouping> parse_grouping(const std::string& text) {
  if (text == "line") return analyze::Grouping::kLine;
  if (text == "function") return analyze::Grouping::kFunction;
  if (text == "stream") return analyze::Grouping::kStream;
  if (text == "segment") return analyze::Grouping::kSegment;
  return usage("--group " + excerpt(text) + " is none", "line, function, stream or segment");
}

Result<Bytes> parse_want(const std::string& text) {
  constexpr Bytes kLargest(uint64_t{1} << 48);
  const auto want = parse_size(text);
  if (!want) return want.error();
  if (*want == Bytes()) return usage("--want 0: no memory is asked for", "--want 400MiB");
  if (*want > kLargest) return usage("--want is more than any device has", "--want 400MiB");
  return *want;
}

}  // namespace

Result<ExplainOptions> parse_explain_options(const ExplainArguments& arguments) {
  auto recording = parse_recording_options(arguments.recording);
  if (!recording) return recording.error();
  const auto at = parse_moment(arguments.at);
  if (!at) return at.error();
  const auto grouping = parse_grouping(arguments.group);
  if (!grouping) return grouping.error();
  ExplainOptions options{.at = *at,
                         .device = arguments.recording.device,
                         .grouping = *grouping,
                         .read = recording->read,
                         .want_stream = arguments.stream,
                         .open = std::move(recording->open)};
  if (arguments.want.empty()) return options;
  const auto want = parse_want(arguments.want);
  if (!want) return want.error();
  options.want = *want;
  return options;
}

}  // namespace unfrag::app
