// Errors as values: Result<T> is a T or an Error that says what kind, where, what and what to do.
//
// Libraries return it and never print, exit or throw on user data; only `cli` turns an Error into text
// and an exit code. Threads: values, safe.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace unfrag {

/// Kinds of error; each has one exit code (docs/guide/exit-codes, DESIGN contract: 2, 3, 4, 5).
enum class ErrorKind {
  kUsage,     ///< The arguments make no sense. Exit code 2.
  kBadInput,  ///< The input cannot be read as what it should be. Exit code 3.
  kMissing,   ///< Something the command needs is not here. Exit code 4.
  kOutput,    ///< Could not write, or our own bug. Exit code 5.
};

struct Error {
  ErrorKind kind = ErrorKind::kBadInput;
  std::string where;   ///< "byte 1234", "event 17", ...; may be empty.
  std::string what;    ///< What is wrong, one clause, no full stop.
  std::string action;  ///< What to try, an imperative clause; may be empty.
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  /// Requires: ok().
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  /// Requires: !ok().
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

}  // namespace unfrag
