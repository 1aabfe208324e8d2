// Prints the table of rules, one line a rule, for tools/check_null_rules.py. Not part of the library.
#include <cinttypes>
#include <cstdio>
#include <string>

#include "rehearsal/null/rule.h"

namespace unfrag::null {

// Where it is linked without the runtime that knows better; no figure is printed.
[[gnu::weak]] int cuda_version() { return 13020; }
[[gnu::weak]] void clear_device(uint64_t, uint64_t) {}

namespace {

const char* name_of(Does does) {
  constexpr const char* kNames[] = {"nothing", "handle",   "number", "int",    "size", "text",    "same",
                                    "keptint", "keptsize", "zeros",  "random", "info", "destroy", "other"};
  return kNames[static_cast<size_t>(does)];
}

const char* name_of(Figure figure) {
  constexpr const char* kNames[] = {"-", "measured", "estimated", "constant"};
  return kNames[static_cast<size_t>(figure)];
}

std::string written(const Rule& rule) {
  std::string text;
  for (const Effect& effect : rule.effects) {
    if (effect.does == Does::kNothing) continue;
    if (!text.empty()) text += ',';
    text.append(name_of(effect.does)).append("@").append(std::to_string(effect.at));
    if (effect.does == Does::kSame || (effect.does == Does::kZeros && effect.constant == 0) ||
        (effect.does == Does::kInfo && effect.from != 0)) {
      text.append("<").append(std::to_string(effect.from));
    }
  }
  return text.empty() ? "-" : text;
}

std::string read(const Places& places) {
  const struct {
    const char* name;
    uint8_t at;
  } all[] = {{"m", places.m},
             {"n", places.n},
             {"k", places.k},
             {"batch", places.batch},
             {"nnz", places.nnz},
             {"other_nnz", places.other_nnz},
             {"economy", places.economy},
             {"side", places.side},
             {"type", places.type},
             {"input_type", places.input_type},
             {"output_type", places.output_type},
             {"rank", places.rank},
             {"lengths", places.lengths},
             {"sparse", places.sparse},
             {"dense", places.dense},
             {"other_sparse", places.other_sparse}};
  std::string text;
  for (const auto& place : all) {
    if (place.at != 0) text += std::string(text.empty() ? "" : ",") + place.name + "@" + std::to_string(place.at);
  }
  return text.empty() ? "-" : text;
}

std::string returned(const Rule& rule) {
  return rule.text_result != nullptr ? "text" : std::to_string(static_cast<int64_t>(rule.result));
}

}  // namespace
}  // namespace unfrag::null

int main() {
  using namespace unfrag::null;
  for (const Library& library : libraries()) {
    std::printf("library\t%s\t%s\t%" PRIu64 "\n", std::string(library.prefix).c_str(),
                std::string(library.file).c_str(), library.not_supported);
    if (library.rules == nullptr) continue;
    for (const Rule& rule : library.rules()) {
      std::printf("rule\t%s\t%s\t%s\t%s\t%s\t%s\n", std::string(rule.name).c_str(), written(rule).c_str(),
                  read(rule.places).c_str(), rule.places.wide ? "wide" : "int", returned(rule).c_str(),
                  name_of(rule.figure));
    }
  }
}
