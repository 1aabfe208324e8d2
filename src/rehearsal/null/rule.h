// How a rule is written down: its name, what it writes and returns, and where its figures come from.
//
// Rules are constants without constructors that run, as they live in a preloaded library. One line of a table is one
// rule; tools/check_null_rules.py holds every position in it against the official headers. What it is not: code for one
// function; that is needed where a function writes an array or a program's own memory (Does::kOther), and there alone.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "rehearsal/null/rules.h"

namespace unfrag::null {

/// Where a number that becomes an allocation comes from.
enum class Figure : uint8_t {
  kNone,       ///< Nothing of the kind is written.
  kMeasured,   ///< A formula that fits what the library itself answers.
  kEstimated,  ///< From the arguments, right to the order of magnitude at best.
  kConstant,   ///< Nothing better than a small constant is known.
};

/// What an argument is used for.
enum class Does : uint8_t {
  kNothing,
  kHandle,    ///< *T = a new object.
  kNumber,    ///< *int = a new number, for handles that are integers.
  kInt,       ///< *int (32 bits).
  kSize,      ///< *size_t, *int64_t (64 bits).
  kText,      ///< *const char* = a constant.
  kSame,      ///< *const char* = another argument.
  kKeptInt,   ///< *int = what the object at argument 0 was created with.
  kKeptSize,  ///< *int64_t, likewise.
  kZeros,     ///< That many bytes of zeros; none means as many as another argument says.
  kRandom,    ///< That many bytes that differ from call to call.
  kInfo,      ///< *int on the device = 0, success; for each of a batch where another argument says how many.
  kDestroy,   ///< Ends the object passed by value.
  kOther,     ///< Memory of the program that the rule's `other` writes.
};

/// The arguments that a figure is computed from, by position; 0 means the function has none (argument 0 is a handle).
struct Places {
  uint8_t m = 0, n = 0, k = 0, batch = 0;
  uint8_t nnz = 0, other_nnz = 0;
  uint8_t economy = 0, side = 0;
  uint8_t type = 0, input_type = 0, output_type = 0;  ///< cudaDataType.
  uint8_t rank = 0, lengths = 0;                      ///< Of a Fourier transform.
  uint8_t sparse = 0, dense = 0, other_sparse = 0;    ///< Descriptors: what they were created with counts.
  bool wide = false;                                  ///< m, n, k, batch and nnz have 64 bits.
};

/// The problem that a call describes.
struct Shape {
  int version = 0;  ///< As cuda_version(): what a library needs differs between releases.
  uint64_t m = 0, n = 0, k = 0, batch = 1;
  uint64_t nnz = 0, other_nnz = 0;
  uint64_t element = 4;  ///< Bytes of an element.
  bool complex = false;
  bool economy = false, right = false;
  bool real = false;  ///< A Fourier transform from or to real numbers.
  uint64_t rank = 0;
  const int64_t* lengths = nullptr;
};

/// A figure in elements or bytes, whichever the function counts in.
using Model = uint64_t (*)(const Shape& shape);

struct Effect {
  Does does = Does::kNothing;
  uint8_t at = 0;
  uint8_t from = 0;       ///< kSame, kZeros, kInfo: the other argument; kKept: the argument of the creating call.
  uint64_t constant = 0;  ///< The number, or bytes to fill; with a model, bytes added to its figure.
  Model model = nullptr;
  const char* text = nullptr;
};

struct Rule {
  std::string_view name;  ///< '*' stands for one or two letters that name an element type: S, D, C, Z, Cs, Zd, s...
  std::array<Effect, 3> effects{};
  uint64_t result = 0;
  const char* text_result = nullptr;  ///< Returned instead of `result`.
  Figure figure = Figure::kNone;
  bool elements_to_bytes = false;  ///< The model counts elements, the function bytes.
  Places places{};
  void (*other)(const Call& call) = nullptr;
};

/// Writes to the device alone, or has nothing to say.
constexpr Rule succeed(std::string_view name) { return {.name = name}; }

/// The same of what may fail: it says on the device that it did not, of each problem of a batch.
constexpr Rule solve(std::string_view name, uint8_t info_at, uint8_t batch_at = 0) {
  return {.name = name, .effects = {{{.does = Does::kInfo, .at = info_at, .from = batch_at}}}};
}

constexpr Rule returns(std::string_view name, uint64_t result) { return {.name = name, .result = result}; }

constexpr Rule returns_text(std::string_view name, const char* text) { return {.name = name, .text_result = text}; }

constexpr Rule handle(std::string_view name, uint8_t at = 0) {
  return {.name = name, .effects = {{{.does = Does::kHandle, .at = at}}}};
}

constexpr Rule destroy(std::string_view name, uint8_t at = 0) {
  return {.name = name, .effects = {{{.does = Does::kDestroy, .at = at}}}};
}

constexpr Rule writes(std::string_view name, Does does, uint8_t at, uint64_t number) {
  return {.name = name, .effects = {{{.does = does, .at = at, .constant = number}}}};
}

constexpr Rule writes_text(std::string_view name, uint8_t at, const char* text) {
  return {.name = name, .effects = {{{.does = Does::kText, .at = at, .text = text}}}};
}

/// A size in the unit of the model, written as an int.
constexpr Rule int_figure(std::string_view name, uint8_t at, Model model, Figure figure, Places places) {
  return {
      .name = name, .effects = {{{.does = Does::kInt, .at = at, .model = model}}}, .figure = figure, .places = places};
}

/// A size in bytes, written as a size_t.
constexpr Rule size_figure(std::string_view name, uint8_t at, Model model, Figure figure, Places places) {
  return {
      .name = name, .effects = {{{.does = Does::kSize, .at = at, .model = model}}}, .figure = figure, .places = places};
}

/// The two sizes of cuSOLVER's 64-bit functions: bytes on the device at `at`, none on the host after it.
constexpr Rule two_sizes(std::string_view name, uint8_t at, Model model, uint64_t more, Figure figure, Places places) {
  return {.name = name,
          .effects = {{{.does = Does::kSize, .at = at, .constant = more, .model = model},
                       {.does = Does::kSize, .at = static_cast<uint8_t>(at + 1)}}},
          .figure = figure,
          .elements_to_bytes = true,
          .places = places};
}

/// Writes memory of the program's own at `at`, by the function given.
constexpr Rule other(std::string_view name, uint8_t at, void (*function)(const Call& call)) {
  return {.name = name, .effects = {{{.does = Does::kOther, .at = at}}}, .other = function};
}

/// A library: what its names begin with, its file, what it says when it cannot, and its rules.
struct Library {
  std::string_view prefix;
  std::string_view file;
  uint64_t not_supported = 0;
  std::span<const Rule> (*rules)() = nullptr;  ///< Null where everything is written by hand.
};

std::span<const Library> libraries();

/// Whether the name of a rule stands for `function`, and the letters that its '*' then is.
struct Match {
  bool matches = false;
  std::string_view letters{};
};
Match match(std::string_view pattern, std::string_view function);

}  // namespace unfrag::null
