// A table for programs that read Arrow: named columns, in batches of rows, each value where Arrow expects it.
//
// What it is not: a store. A Table is a view of a Trace or of findings that it keeps alive; a batch points into them,
// and only what they have in no array is computed, when the batch is asked for. Text is written once and named by
// number. Threads: safe; batches can be read by several threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace unfrag::table {

enum class Type : uint8_t {
  kBool,
  kInt32,
  kInt64,
  kUInt64,
  kText,       ///< 32-bit numbers of Field::texts.
  kShortText,  ///< 8-bit numbers of Field::texts.
};

/// Distinct texts, in valid UTF-8, end to end.
class Texts {
 public:
  /// The number of `text`, which is escaped and, beyond 8 KiB, cut.
  int32_t add(std::string_view text);

  [[nodiscard]] size_t size() const { return offsets_.size() - 1; }
  [[nodiscard]] const int64_t* offsets() const { return offsets_.data(); }
  [[nodiscard]] const char* bytes() const { return bytes_.data(); }

 private:
  std::vector<int64_t> offsets_ = {0};
  std::string bytes_;
  std::unordered_map<std::string, int32_t> known_;
};

struct Field {
  std::string name;
  Type type = Type::kInt64;
  std::shared_ptr<const Texts> texts{};  ///< Of kText and kShortText.
};

/// The values of one column in one batch.
struct Column {
  const void* values = nullptr;
  std::shared_ptr<const void> keeper{};  ///< Of the values, where they are nobody else's.
  std::vector<uint8_t> valid{};          ///< A bit a row, least significant first; empty: no value is missing.
  size_t missing = 0;
};

/// Rows in a row; what they are numbers of is the table's own affair.
struct Batch {
  size_t first = 0;
  size_t rows = 0;
};

struct Table {
  std::vector<Field> fields{};
  std::vector<Batch> batches{};
  std::function<std::vector<Column>(const Batch&)> read{};  ///< A column a field. Keeps what it reads alive.

  [[nodiscard]] size_t rows() const;
};

/// A column that has to be computed. Values that are not set are 0.
template <class T>
class ColumnBuilder {
 public:
  explicit ColumnBuilder(size_t rows) : values_(std::make_shared<std::vector<T>>(rows)) {}

  void set(size_t row, T value) { (*values_)[row] = value; }
  void set_missing(size_t row) { missing_.push_back(row); }
  Column take();

 private:
  std::shared_ptr<std::vector<T>> values_;
  std::vector<size_t> missing_;
};

/// Bits that say which of `rows` are not among `missing`.
std::vector<uint8_t> valid_bits(size_t rows, const std::vector<size_t>& missing);
/// A bit a row, as Arrow has truth values.
Column bool_column(const std::vector<bool>& values);

template <class T>
Column ColumnBuilder<T>::take() {
  Column column{.values = values_->data(), .keeper = values_, .missing = missing_.size()};
  if (!missing_.empty()) column.valid = valid_bits(values_->size(), missing_);
  return column;
}

}  // namespace unfrag::table
