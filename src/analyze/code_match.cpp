#include "analyze/code_match.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_set>

#include "analyze/align_lines.h"

namespace unfrag::analyze {
namespace {

using Line = CodeMatch::Line;

/// Numbers texts, so that they need be compared but once.
class Texts {
 public:
  uint32_t number(std::string_view text) {
    const auto [it, is_new] = numbers_.try_emplace(text, static_cast<uint32_t>(texts_.size()));
    if (is_new) texts_.push_back(text);
    return it->second;
  }
  [[nodiscard]] std::string_view operator[](uint32_t number) const { return texts_[number]; }

 private:
  std::unordered_map<std::string_view, uint32_t> numbers_;
  std::vector<std::string_view> texts_;
};

std::vector<uint32_t> number_names(const trace::Trace& trace, Texts& texts) {
  std::vector<uint32_t> numbers(trace.strings.size());
  std::vector<bool> done(trace.strings.size());
  for (uint32_t i = 0; i < trace.frames.size(); ++i) {
    const trace::Frame& frame = trace.frames[trace::FrameIdx(i)];
    for (const trace::StringIdx name : {frame.filename, frame.name}) {
      if (!done[name.value()]) numbers[name.value()] = texts.number(trace.strings[name]);
      done[name.value()] = true;
    }
  }
  return numbers;
}

std::vector<Line> find_lines(const trace::Trace& trace, const std::vector<uint32_t>& numbers) {
  std::vector<Line> lines;
  lines.reserve(trace.frames.size());
  for (uint32_t i = 0; i < trace.frames.size(); ++i) {
    const trace::Frame& frame = trace.frames[trace::FrameIdx(i)];
    lines.emplace_back(numbers[frame.filename.value()], frame.line, numbers[frame.name.value()]);
  }
  std::ranges::sort(lines);
  const auto repeated = std::ranges::unique(lines);
  lines.erase(repeated.begin(), repeated.end());
  return lines;
}

using Files = std::vector<uint32_t>;

Files files_of(const std::vector<Line>& lines) {
  Files files;
  for (const Line& line : lines) {
    if (files.empty() || files.back() != std::get<0>(line)) files.push_back(std::get<0>(line));
  }
  return files;
}

/// The last `parts` parts of a path, if it has as many.
std::optional<std::string_view> tail_of(std::string_view path, size_t parts) {
  size_t at = path.size();
  for (; parts > 0; --parts) {
    if (at == std::string_view::npos || at == 0) return std::nullopt;
    at = path.find_last_of("/\\", at - 1);
  }
  return at == std::string_view::npos ? path : path.substr(at + 1);
}

/// The file of each tail; nothing for a tail that several have.
std::unordered_map<std::string_view, std::optional<uint32_t>> by_tail(const Files& files, const Texts& texts,
                                                                      size_t parts) {
  std::unordered_map<std::string_view, std::optional<uint32_t>> found;
  for (const uint32_t file : files) {
    const auto tail = tail_of(texts[file], parts);
    if (!tail) continue;
    const auto [it, is_new] = found.try_emplace(*tail, file);
    if (!is_new) it->second.reset();
  }
  return found;
}

/// The lines of one file.
std::span<const Line> of_file(const std::vector<Line>& lines, uint32_t file) {
  const auto begin = std::ranges::lower_bound(lines, Line{file, 0, 0});
  const auto end =
      std::ranges::find_if(begin, lines.end(), [&](const Line& line) { return std::get<0>(line) != file; });
  return {begin, end};
}

using Functions = std::vector<uint32_t>;

/// For each file its functions.
std::vector<Functions> functions_of(const Files& files, const std::vector<Line>& lines) {
  std::vector<Functions> all;
  all.reserve(files.size());
  for (const uint32_t file : files) {
    Functions& functions = all.emplace_back();
    for (const Line& line : of_file(lines, file)) functions.push_back(std::get<2>(line));
    std::ranges::sort(functions);
    const auto repeated = std::ranges::unique(functions);
    functions.erase(repeated.begin(), repeated.end());
  }
  return all;
}

/// Which of `others` has most functions in common with one: at least two and half of those of either; nothing for a
/// tie.
std::optional<size_t> most_alike(const Functions& one, const std::vector<Functions>& others) {
  std::optional<size_t> best;
  size_t most = 1;
  for (size_t i = 0; i < others.size(); ++i) {
    Functions common;
    std::ranges::set_intersection(one, others[i], std::back_inserter(common));
    if (common.size() <= 1 || common.size() < most || 2 * common.size() < std::max(one.size(), others[i].size()))
      continue;
    best = common.size() > most ? std::optional(i) : std::nullopt;
    most = common.size();
  }
  return best;
}

/// Files of other names that consist of the same functions: a program and its copy.
void match_copies(const Files& a, const Files& b, const std::vector<Line>& lines_a, const std::vector<Line>& lines_b,
                  std::unordered_map<uint32_t, uint32_t>& in_b) {
  constexpr size_t kMostFiles = 100;
  if (a.size() > kMostFiles || b.size() > kMostFiles) return;
  const std::vector<Functions> of_a = functions_of(a, lines_a), of_b = functions_of(b, lines_b);
  for (size_t i = 0; i < a.size(); ++i) {
    const auto j = most_alike(of_a[i], of_b);
    if (j && most_alike(of_b[*j], of_a) == i) in_b.emplace(a[i], b[*j]);
  }
}

/// Files that both name, then those in other folders: whose paths end alike, and no others do; then copies.
std::unordered_map<uint32_t, uint32_t> match_files(const std::vector<Line>& lines_a, const std::vector<Line>& lines_b,
                                                   const Texts& texts) {
  std::unordered_map<uint32_t, uint32_t> in_b;
  const Files a = files_of(lines_a), b = files_of(lines_b);
  Files rest_a, rest_b;
  std::ranges::set_difference(a, b, std::back_inserter(rest_a));
  std::ranges::set_difference(b, a, std::back_inserter(rest_b));
  for (const uint32_t file : a) {
    if (std::ranges::binary_search(b, file)) in_b.emplace(file, file);
  }
  constexpr size_t kMostParts = 4;
  for (size_t parts = kMostParts; parts > 0 && !rest_a.empty() && !rest_b.empty(); --parts) {
    const auto tails_b = by_tail(rest_b, texts, parts);
    std::unordered_set<uint32_t> matched;
    for (const auto& [tail, file] : by_tail(rest_a, texts, parts)) {
      const auto found = tails_b.find(tail);
      if (!file || found == tails_b.end() || !found->second) continue;
      in_b.emplace(*file, *found->second);
      matched.insert(*found->second);
    }
    std::erase_if(rest_a, [&](uint32_t file) { return in_b.contains(file); });
    std::erase_if(rest_b, [&](uint32_t file) { return matched.contains(file); });
  }
  match_copies(rest_a, rest_b, lines_a, lines_b, in_b);
  return in_b;
}

std::vector<CodeLine> code_lines(std::span<const Line> lines) {
  std::vector<CodeLine> all;
  all.reserve(lines.size());
  for (const auto& [file, line, function] : lines) all.push_back({line, function});
  return all;
}

}  // namespace

CodeMatch::CodeMatch(const trace::Trace& a, const trace::Trace& b) {
  Texts texts;
  numbers_a_ = number_names(a, texts);
  numbers_b_ = number_names(b, texts);
  const std::vector<Line> lines_a = find_lines(a, numbers_a_), lines_b = find_lines(b, numbers_b_);
  line_in_b_.reserve(lines_a.size());
  file_in_b_ = match_files(lines_a, lines_b, texts);
  for (const uint32_t file : files_of(lines_a)) {
    const auto in_b = file_in_b_.find(file);
    if (in_b == file_in_b_.end()) continue;
    const auto from = of_file(lines_a, file);
    const std::vector<CodeLine> to = code_lines(of_file(lines_b, in_b->second));
    for (const auto& [i, j] : align_lines(code_lines(from), to)) line_in_b_.emplace_back(from[i], to[j].line);
  }
}

PlaceKey CodeMatch::key_in_a(const trace::Frame& frame) const {
  const uint32_t file = numbers_a_[frame.filename.value()], function = numbers_a_[frame.name.value()];
  const auto in_b = file_in_b_.find(file);
  if (in_b == file_in_b_.end()) return {file, function, frame.line, true};
  const Line line{file, frame.line, function};
  const auto found = std::ranges::lower_bound(line_in_b_, line, {}, [](const auto& known) { return known.first; });
  if (found == line_in_b_.end() || found->first != line) return {in_b->second, function, frame.line, true};
  return {in_b->second, function, found->second, false};
}

PlaceKey CodeMatch::key_in_b(const trace::Frame& frame) const {
  return {numbers_b_[frame.filename.value()], numbers_b_[frame.name.value()], frame.line, false};
}

}  // namespace unfrag::analyze
