#include "table/table.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace unfrag::table {

int32_t Texts::add(std::string_view text) {
  constexpr size_t kLongest = 8192;
  std::string shown = escape_text(text.substr(0, kLongest));
  const auto [known, is_new] = known_.try_emplace(std::move(shown), static_cast<int32_t>(size()));
  if (is_new) {
    bytes_ += known->first;
    offsets_.push_back(static_cast<int64_t>(bytes_.size()));
  }
  return known->second;
}

size_t Table::rows() const {
  size_t rows = 0;
  for (const Batch& batch : batches) rows += batch.rows;
  return rows;
}

std::vector<uint8_t> valid_bits(size_t rows, const std::vector<size_t>& missing) {
  std::vector<uint8_t> bits((rows + 7) / 8, 0xFF);
  for (const size_t row : missing) bits[row / 8] &= static_cast<uint8_t>(~(1U << (row % 8)));
  return bits;
}

Column bool_column(const std::vector<bool>& values) {
  auto bits = std::make_shared<std::vector<uint8_t>>((values.size() + 7) / 8);
  for (size_t row = 0; row < values.size(); ++row) {
    if (values[row]) (*bits)[row / 8] |= static_cast<uint8_t>(1U << (row % 8));
  }
  return {.values = bits->data(), .keeper = bits};
}

}  // namespace unfrag::table
