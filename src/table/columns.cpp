#include "table/columns.h"

#include <fmt/format.h>

namespace unfrag::table {

void add_place_fields(std::vector<Field>& fields, const Places& places) {
  fields.push_back({.name = "function", .type = Type::kText, .texts = places.functions()});
  fields.push_back({.name = "file", .type = Type::kText, .texts = places.files()});
  fields.push_back({.name = "line", .type = Type::kInt32});
}

int32_t add_pool(Texts& texts, trace::PoolId id) { return texts.add(fmt::format("({}, {})", id.first, id.second)); }

int32_t device_number(const trace::Device& device) {
  return device.kind == trace::DeviceKind::kHost ? -1 : device.index;
}

std::vector<Batch> one_batch(size_t rows) {
  if (rows == 0) return {};
  return {{.first = 0, .rows = rows}};
}

}  // namespace unfrag::table
