#include "app/rehearse_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.h"

namespace unfrag::app {
namespace {

using report::Rehearsal;

Error usage(std::string what) { return {ErrorKind::kUsage, "", std::move(what), "--fit bs=8..512 train.py --bs {bs}"}; }

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The program's words with the value in place of {name}.
std::vector<std::string> words_with(std::vector<std::string> words, const std::string& name, uint64_t value) {
  const std::string place = fmt::format("{{{}}}", name);
  const std::string text = std::to_string(value);
  for (std::string& word : words) {
    for (size_t at = word.find(place); at != std::string::npos; at = word.find(place, at + text.size())) {
      word.replace(at, place.size(), text);
    }
  }
  return words;
}

bool fits(const Rehearsal& rehearsal) {
  const bool has_room = std::ranges::all_of(rehearsal.together, &report::Together::fits);
  return all_ooms(rehearsal) == 0 && has_room && rehearsal.exit_code == 0;
}

bool stops(const Result<Rehearsal>& rehearsal) { return !rehearsal || rehearsal->interrupted != 0; }

/// Rehearses with one value after the other.
class Search {
 public:
  Search(const RehearseOptions& options, const FitQuestion& question) : options_(options), question_(question) {}

  Result<Rehearsal> run() {
    uint64_t good = question_.least;
    auto best = attempt(good);
    if (stops(best) || !fits(*best) || question_.least == question_.most) return finish(std::move(best));
    auto last = attempt(question_.most);
    if (stops(last) || fits(*last)) return finish(std::move(last));
    for (uint64_t bad = question_.most; bad - good > 1;) {
      const uint64_t middle = good + (bad - good) / 2;
      auto one = attempt(middle);
      if (stops(one)) return finish(std::move(one));
      if (fits(*one)) {
        good = middle;
        best = std::move(one);
      } else {
        bad = middle;
      }
    }
    return finish(std::move(best));
  }

 private:
  Result<Rehearsal> attempt(uint64_t value) {
    RehearseOptions options = options_;
    options.program = words_with(options.program, question_.name, value);
    auto rehearsal = rehearse(options);
    if (stops(rehearsal)) return rehearsal;
    if (rehearsal->figures.statistics.num_ooms == 0 && rehearsal->exit_code != 0) {
      return usage(fmt::format("--fit: with {} = {} the program ends with exit code {}, and not for want of memory",
                               escape_text(question_.name), value, rehearsal->exit_code));
    }
    if (!rehearsal->incomplete.empty()) {
      const report::Incomplete& log = rehearsal->incomplete.front();
      return Error{ErrorKind::kOutput, "",
                   fmt::format("--fit: with {} = {} the recording is not whole: {}", escape_text(question_.name), value,
                               log.what),
                   log.action};
    }
    tried_.push_back({.value = value,
                      .fits = fits(*rehearsal),
                      .exit_code = rehearsal->exit_code,
                      .num_ooms = all_ooms(*rehearsal),
                      .peak_reserved = rehearsal->figures.statistics.reserved.peak});
    return rehearsal;
  }

  Result<Rehearsal> finish(Result<Rehearsal> rehearsal) {
    if (!rehearsal) return rehearsal;
    rehearsal->fit_name = question_.name;
    rehearsal->tried = std::move(tried_);
    return rehearsal;
  }

  const RehearseOptions& options_;
  const FitQuestion& question_;
  std::vector<report::Tried> tried_;
};

}  // namespace

Result<FitQuestion> parse_fit(const std::string& text) {
  const size_t equals = text.find('=');
  const size_t dots = text.find("..");
  if (equals == std::string::npos || equals == 0 || dots == std::string::npos || dots < equals) {
    return usage(fmt::format("--fit {} is no range", excerpt(text)));
  }
  const auto least = number(std::string_view(text).substr(equals + 1, dots - equals - 1));
  const auto most = number(std::string_view(text).substr(dots + 2));
  if (!least || !most || *least > *most) return usage(fmt::format("--fit {} is no range", excerpt(text)));
  return FitQuestion{.name = text.substr(0, equals), .least = *least, .most = *most};
}

Result<Rehearsal> rehearse_largest(const RehearseOptions& options, const FitQuestion& question) {
  if (words_with(options.program, question.name, 0) == options.program) {
    return usage(fmt::format("--fit: the program's arguments have no {{{}}}", escape_text(question.name)));
  }
  return Search(options, question).run();
}

}  // namespace unfrag::app
