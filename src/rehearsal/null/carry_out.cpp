#include "rehearsal/null/carry_out.h"

#include <atomic>
#include <climits>
#include <cstring>

#include "rehearsal/null/objects.h"

namespace unfrag::null {
namespace {

// What cuSOLVER and cuSPARSE say of a problem whose size does not fit the int it is to be written to.
constexpr uint64_t kInvalidValue = 3;

// cudaDataType: real of so many bits, complex of two parts of so many.
constexpr uint64_t kReal64 = 1, kReal16 = 2, kReal8 = 3, kComplex32 = 4, kComplex64 = 5;
constexpr uint64_t kRealBfloat = 14;
constexpr uint64_t kReal8E4m3 = 28, kReal8E5m2 = 29;

bool is_real_type(uint64_t type) { return type <= kReal16 || type == kRealBfloat; }

uint64_t narrow(uint64_t raw) { return static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(raw))); }

// A dimension; negative ones, which the libraries refuse, count as none.
uint64_t dimension(const Call& call, uint8_t at, bool wide) {
  const auto value = static_cast<int64_t>(wide ? call.argument(at) : narrow(call.argument(at)));
  return value < 0 ? 0 : static_cast<uint64_t>(value);
}

uint64_t address_of(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

// Exactly the bytes of the type.
template <typename T>
void write(uint64_t address, T value) {
  if (address != 0) std::memcpy(to_pointer<void>(address), &value, sizeof value);
}

// The positions that cusparseCreateCsr, Coo, DnMat and DnVec have for rows (length), columns and entries.
constexpr size_t kKeptRows = 1, kKeptColumns = 2, kKeptEntries = 3;

void add_operands(const Places& places, const Call& call, Shape& shape) {
  if (places.sparse != 0) {
    const uint64_t matrix = call.argument(places.sparse);
    shape.m = kept(matrix, kKeptRows);
    shape.k = kept(matrix, kKeptColumns);
    shape.nnz = kept(matrix, kKeptEntries);
  }
  if (places.dense != 0) shape.n = kept(call.argument(places.dense), kKeptColumns);
  if (places.other_sparse != 0) shape.other_nnz = kept(call.argument(places.other_sparse), kKeptEntries);
}

// From the type that is passed, else from the letter in the name.
void set_element(const Rule& rule, const Call& call, Shape& shape) {
  if (rule.places.type != 0) {
    const uint64_t type = narrow(call.argument(rule.places.type));
    shape.element = bytes_of_type(type);
    shape.complex = type == kComplex32 || type == kComplex64;
    return;
  }
  const Match found = match(rule.name, call.entry.name);
  if (found.letters.empty()) return;
  const char letter = found.letters.front();
  shape.complex = letter == 'C' || letter == 'Z';
  shape.element = letter == 'S' ? 4 : letter == 'Z' ? 16 : 8;
}

// Handed out by ncclGetUniqueId: the same in every process would make two groups one.
uint64_t next_random() {
  static std::atomic<uint64_t> state{0};
  const uint64_t seed = state.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed) ^
                        reinterpret_cast<uint64_t>(&state);  // Where the library lies differs between processes.
  uint64_t mixed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

void fill_random(uint64_t address, uint64_t bytes) {
  for (uint64_t i = 0; address != 0 && i + 8 <= bytes; i += 8) write(address + i, next_random());
}

void fill_zeros(const Effect& effect, const Call& call, uint64_t address) {
  const uint64_t bytes = effect.constant != 0 ? effect.constant : call.argument(effect.from);
  if (address != 0) std::memset(to_pointer<void>(address), 0, bytes);
}

void clear_info(const Effect& effect, const Call& call, uint64_t address) {
  const uint64_t count = effect.from == 0 ? 1 : dimension(call, effect.from, false);
  if (address != 0) clear_device(address, count * sizeof(int32_t));
}

uint64_t number(const Rule& rule, const Effect& effect, const Call& call) {
  if (effect.model == nullptr) return effect.constant;
  const Shape shape = shape_of(rule, call);
  return effect.model(shape) * (rule.elements_to_bytes ? shape.element : 1) + effect.constant;
}

// False if the number did not fit.
bool write_int(const Rule& rule, const Effect& effect, const Call& call, uint64_t address) {
  const auto value = static_cast<int64_t>(number(rule, effect, call));
  const bool fits = value >= INT_MIN && value <= INT_MAX;
  write(address, static_cast<int32_t>(fits ? value : 0));
  return fits;
}

bool carry_out(const Rule& rule, const Effect& effect, const Call& call) {
  const uint64_t address = call.argument(effect.at);
  switch (effect.does) {
    case Does::kNothing: break;
    case Does::kHandle:
      if (address != 0) write(address, address_of(create_object(call)));
      break;
    case Does::kNumber: write(address, static_cast<int32_t>(new_number())); break;
    case Does::kInt: return write_int(rule, effect, call, address);
    case Does::kSize: write(address, number(rule, effect, call)); break;
    case Does::kText: write(address, address_of(effect.text)); break;
    case Does::kSame: write(address, call.argument(effect.from)); break;
    case Does::kKeptInt: write(address, static_cast<int32_t>(kept(call.argument(0), effect.from))); break;
    case Does::kKeptSize: write(address, kept(call.argument(0), effect.from)); break;
    case Does::kZeros: fill_zeros(effect, call, address); break;
    case Does::kRandom: fill_random(address, effect.constant); break;
    case Does::kInfo: clear_info(effect, call, address); break;
    case Does::kDestroy: destroy_object(address); break;
    case Does::kOther: rule.other(call); break;
  }
  return true;
}

}  // namespace

uint64_t bytes_of_type(uint64_t type) {
  switch (type) {
    case kReal64:
    case kComplex32: return 8;
    case kComplex64: return 16;
    case kReal16:
    case kRealBfloat: return 2;
    case kReal8:
    case kReal8E4m3:
    case kReal8E5m2: return 1;
    default: return 4;  // Real and complex halves.
  }
}

Shape shape_of(const Rule& rule, const Call& call) {
  const Places& places = rule.places;
  Shape shape{.version = cuda_version()};
  set_element(rule, call, shape);
  const auto set = [&](uint8_t at, uint64_t& value) {
    if (at != 0) value = dimension(call, at, places.wide);
  };
  set(places.m, shape.m);
  set(places.n, shape.n);
  set(places.k, shape.k);
  set(places.batch, shape.batch);
  set(places.nnz, shape.nnz);
  set(places.other_nnz, shape.other_nnz);
  if (places.economy != 0) shape.economy = dimension(call, places.economy, false) != 0;
  if (places.side != 0) shape.right = dimension(call, places.side, false) != 0;
  if (places.rank != 0) shape.rank = dimension(call, places.rank, false);
  if (places.lengths != 0) shape.lengths = call.pointer<const int64_t>(places.lengths);
  if (places.input_type != 0) {
    shape.real = is_real_type(narrow(call.argument(places.input_type))) ||
                 is_real_type(narrow(call.argument(places.output_type)));
  }
  add_operands(places, call, shape);
  return shape;
}

uint64_t carry_out(const Rule& rule, const Call& call) {
  bool fits = true;
  for (const Effect& effect : rule.effects) fits = carry_out(rule, effect, call) && fits;
  if (rule.text_result != nullptr) return address_of(rule.text_result);
  return fits ? rule.result : kInvalidValue;
}

}  // namespace unfrag::null
