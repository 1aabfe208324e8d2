#include "app/recording_options.h"

#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace unfrag::app {
namespace {

constexpr Bytes kLargest(uint64_t{1} << 48);

Error usage(std::string what, std::string action) {
  return Error{ErrorKind::kUsage, "", std::move(what), std::move(action)};
}

}  // namespace

Result<alloc::Version> parse_version(const std::string& text) {
  alloc::Version version;
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.major);
  if (major.ec == std::errc() && major.ptr != end && *major.ptr == '.') {
    const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
    const bool ends = minor.ptr == end || *minor.ptr == '.' || *minor.ptr == '+';
    if (minor.ec == std::errc() && ends && version >= alloc::Version{2, 0}) return version;
  }
  return usage("--torch " + excerpt(text) + " is no release of PyTorch 2", "--torch 2.9");
}

Result<RecordingOptions> parse_recording_options(const RecordingArguments& arguments) {
  RecordingOptions options;
  replay::Card& card = options.read.card;
  card.fraction = arguments.fraction;
  if (card.fraction && !(*card.fraction >= 0 && *card.fraction <= 1)) {
    return usage("--fraction is no number from 0 to 1", "--fraction 0.5");
  }
  const std::array<std::pair<const std::string*, std::optional<Bytes>*>, 3> sizes = {
      {{&arguments.max_unpacked, &options.open.max_unpacked},
       {&arguments.memory, &card.memory},
       {&arguments.context, &card.context}}};
  for (const auto& [text, size] : sizes) {
    if (text->empty()) continue;
    const auto parsed = parse_size(*text);
    if (!parsed) return parsed.error();
    *size = *parsed;
  }
  if (card.memory > kLargest) return usage("--memory is more than any device has", "--memory 24GiB");
  if (!card.memory && (card.context || card.fraction)) {
    return usage("--context and --fraction are parts of --memory, which is missing", "--memory 24GiB");
  }
  if (card.memory && card.context.value_or(Bytes()) > *card.memory) {
    return usage("--context is more than --memory", "--memory 24GiB --context 500MiB");
  }
  if (!arguments.addresses.empty() && arguments.addresses != "up" && arguments.addresses != "down") {
    return usage("--addresses " + excerpt(arguments.addresses) + " is none", "up or down");
  }
  if (!arguments.addresses.empty()) {
    options.read.direction = arguments.addresses == "up" ? replay::Direction::kUp : replay::Direction::kDown;
  }
  if (!arguments.torch.empty()) {
    const auto version = parse_version(arguments.torch);
    if (!version) return version.error();
    options.read.version = *version;
  }
  return options;
}

}  // namespace unfrag::app
