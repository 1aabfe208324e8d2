#include <algorithm>
#include <cctype>
#include <string>
#include <tuple>

#include "device/gpu.h"

namespace unfrag::device {

namespace {

constexpr size_t kMostSuggestions = 4;
constexpr size_t kLongestName = 80;  // Longer than any GPU's; what is longer is no mistyped name.

void erase_all(std::string& text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at)) text.erase(at, word.size());
}

/// Letters and digits in lower case, without the words that say nothing; "80gb" becomes "80g".
std::string squeeze(std::string_view name) {
  std::string squeezed;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && std::isalnum(byte)) squeezed += static_cast<char>(std::tolower(byte));
  }
  for (const std::string_view word : {"nvidia", "geforce", "tesla", "generation", "gpu"}) erase_all(squeezed, word);
  for (size_t at = squeezed.find("gb", 1); at != std::string::npos; at = squeezed.find("gb", at + 1)) {
    if (std::isdigit(static_cast<unsigned char>(squeezed[at - 1]))) squeezed.erase(at + 1, 1);
  }
  return squeezed;
}

/// How many letters must be inserted, removed, replaced or swapped with the next to make one of the other.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({replaced, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

enum class Likeness { kContainsIt, kIsPartOfIt, kMistyped, kNone };

struct Suggestion {
  Likeness likeness = Likeness::kNone;
  size_t distance = 0;
  std::string_view key{};
  size_t place = 0;  ///< In the table, among those that are near.
};

/// How like `key` is to `wanted`, which is squeezed.
Suggestion compare(std::string_view wanted, std::string_view key) {
  const std::string candidate = squeeze(key);
  Suggestion suggestion{.distance = edit_distance(wanted, candidate), .key = key};
  if (candidate.find(wanted) != std::string::npos) {
    suggestion.likeness = Likeness::kContainsIt;
  } else if (wanted.find(candidate) != std::string::npos) {
    suggestion.likeness = Likeness::kIsPartOfIt;
  } else if (suggestion.distance <= std::min(wanted.size() / 3, size_t{3})) {
    // One error in three letters: with more, two short names are always alike.
    suggestion.likeness = Likeness::kMistyped;
  }
  return suggestion;
}

}  // namespace

const Gpu* find_gpu(std::string_view name) {
  if (name.size() > kLongestName) return nullptr;
  const std::string wanted = squeeze(name);
  if (wanted.empty()) return nullptr;
  if (wanted == squeeze(reference_gpu().key) || wanted == squeeze(reference_gpu().name)) return &reference_gpu();
  const auto gpus = all_gpus();
  // Keys first: where several share a name it is, squeezed, the key of the one that goes by it.
  auto found = std::ranges::find_if(gpus, [&](const Gpu& gpu) { return squeeze(gpu.key) == wanted; });
  if (found == gpus.end()) {
    found = std::ranges::find_if(gpus, [&](const Gpu& gpu) { return squeeze(gpu.name) == wanted; });
  }
  return found == gpus.end() ? nullptr : &*found;
}

std::vector<std::string_view> nearest_gpus(std::string_view name) {
  if (name.size() > kLongestName) return {};
  const std::string wanted = squeeze(name);
  if (wanted.size() < 2) return {};
  std::vector<Suggestion> near;
  for (const Gpu& gpu : all_gpus()) {
    Suggestion suggestion = compare(wanted, gpu.key);
    suggestion.place = near.size();
    if (suggestion.likeness != Likeness::kNone) near.push_back(suggestion);
  }
  std::ranges::sort(near, {}, [](const Suggestion& suggestion) {
    return std::tuple(suggestion.likeness, suggestion.distance, suggestion.place);
  });
  std::vector<std::string_view> keys;
  for (const Suggestion& suggestion : near) {
    if (keys.size() == kMostSuggestions) break;
    keys.push_back(suggestion.key);
  }
  return keys;
}

}  // namespace unfrag::device
