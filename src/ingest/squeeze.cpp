#include "ingest/squeeze.h"

#include <algorithm>
#include <array>

namespace unfrag::ingest {
namespace {

constexpr size_t kLongestEscape = 64;
constexpr size_t kLongestTag = 200;
constexpr size_t kLongestEntity = 10;

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_kept(char c) {
  constexpr std::string_view kSigns = ".,;:()|_/";
  return is_alphanumeric(c) || kSigns.find(c) != std::string_view::npos;
}

/// Length of what follows "ESC" in `rest`: "[0;31m", "]8;;URL BEL", or one character.
size_t escape_length(std::string_view rest) {
  if (rest.empty()) return 0;
  const size_t longest = std::min(rest.size(), kLongestEscape);
  if (rest[0] == '[') {
    for (size_t i = 1; i < longest; ++i) {
      if (rest[i] >= '@' && rest[i] <= '~') return i + 1;
    }
  } else if (rest[0] == ']') {
    for (size_t i = 1; i < longest; ++i) {
      if (rest[i] == '\a' || rest[i] == '\x1b') return i + 1;
    }
  }
  return 1;
}

/// Length of an escape that begins with a backslash: "\n", "\u001b[0m"; 1 where it is none.
size_t backslash_length(std::string_view rest) {
  constexpr std::array<std::string_view, 5> kEscapes = {"\\u001b", "\\u001B", "\\x1b", "\\x1B", "\\033"};
  for (const std::string_view escape : kEscapes) {
    if (rest.starts_with(escape)) return escape.size() + escape_length(rest.substr(escape.size()));
  }
  const char next = rest.size() > 1 ? rest[1] : '\0';
  return next == 'n' || next == 'r' || next == 't' ? 2 : 1;
}

/// Length of "<span class=...>" or "</b>"; 1 where it is none, as in "loss<best: ...".
size_t tag_length(std::string_view rest) {
  size_t name = rest.size() > 1 && rest[1] == '/' ? 2 : 1;
  const size_t begin = name;
  while (name < rest.size() && is_alphanumeric(rest[name])) ++name;
  const bool opens =
      name > begin && name < rest.size() && std::string_view("> /").find(rest[name]) != std::string_view::npos;
  const size_t end = opens ? rest.substr(0, kLongestTag).find_first_of("<>", 1) : std::string_view::npos;
  return end == std::string_view::npos || rest[end] == '<' ? 1 : end + 1;
}

/// Length of "&nbsp;" or "&#160;"; 1 where it is none.
size_t entity_length(std::string_view rest) {
  const size_t end = rest.substr(0, kLongestEntity).find(';');
  if (end == std::string_view::npos || end < 2) return 1;
  const bool entity =
      std::ranges::all_of(rest.substr(1, end - 1), [](char c) { return is_alphanumeric(c) || c == '#'; });
  return entity ? end + 1 : 1;
}

}  // namespace

std::string squeeze(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    switch (rest[0]) {
      case '\x1b': at += 1 + escape_length(rest.substr(1)); continue;
      case '\\': at += backslash_length(rest); continue;
      case '<': at += tag_length(rest); continue;
      case '&': at += entity_length(rest); continue;
      default: break;
    }
    if (is_kept(rest[0])) out += rest[0];
    ++at;
  }
  return out;
}

}  // namespace unfrag::ingest
