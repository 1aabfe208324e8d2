#include "ingest/json_reader.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

namespace unfrag::ingest {
namespace {

/// The bytes of a window one by one, as the parser wants them.
class ByteIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  explicit ByteIterator(ByteWindow* window) : window_(window) { refill(); }
  ByteIterator() = default;

  const char& operator*() const { return *reinterpret_cast<const char*>(window_->at()); }
  ByteIterator& operator++() {
    window_->move_to(window_->at() + 1);
    refill();
    return *this;
  }
  bool operator==(const ByteIterator& other) const { return window_ == other.window_; }
  bool operator!=(const ByteIterator& other) const { return window_ != other.window_; }

 private:
  void refill() {
    if (window_->left() > 0) return;
    window_->fill(1);
    if (window_->left() == 0) window_ = nullptr;  // the end
  }
  ByteWindow* window_ = nullptr;
};

/// Builds values as the parser reports them. Open containers are slices of one stack.
class Handler : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Handler(NodeStore& store) : store_(store) {}

  bool null() override { return add({}); }
  bool boolean(bool value) override { return add(Value(Kind::kBool, value ? 1 : 0)); }
  bool number_integer(number_integer_t value) override { return add(store_.integer(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add(store_.integer_unsigned(value)); }
  bool number_float(number_float_t value, const string_t&) override { return add(store_.real(value)); }
  bool string(string_t& value) override { return add(store_.text(value)); }
  bool binary(binary_t&) override { return add({}); }
  bool key(string_t& value) override { return add(store_.text(value)); }
  bool start_object(size_t) override { return open(true); }
  bool start_array(size_t) override { return open(false); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(size_t, const std::string& token, const nlohmann::json::exception&) override {
    damaged_ = true;
    at_end_ = token.find("<EOF>") != std::string::npos || token.empty();
    return false;
  }

  [[nodiscard]] bool damaged() const { return damaged_; }

  Value root() {
    while (!open_.empty()) {
      if (open_.back().is_dict) {
        if ((stack_.size() - open_.back().at) % 2 != 0) stack_.pop_back();
        const std::span<const Value> items(stack_.data() + open_.back().at, stack_.size() - open_.back().at);
        if (store_.looks_like(items) != Kind::kNone) {  // a record that was still being written
          stack_.resize(open_.back().at);
          open_.pop_back();
          add({});
          continue;
        }
      }
      close();
    }
    return stack_.empty() ? Value() : store_.seal(stack_.front());
  }

 private:
  struct Open {
    size_t at;
    bool is_dict;
  };

  bool add(Value value) {
    // pool ids are tuples in a pickle and arrays here
    stack_.push_back(value);
    return true;
  }
  bool open(bool is_dict) {
    open_.push_back({stack_.size(), is_dict});
    return true;
  }
  bool close() {
    const Open container = open_.back();
    open_.pop_back();
    const std::span<const Value> items(stack_.data() + container.at, stack_.size() - container.at);
    // Nobody can add to a JSON value later, so what is recognised is complete.
    const Value value = container.is_dict ? store_.make_dict(items) : store_.make_list(items, kind_of(items));
    stack_.resize(container.at);
    return add(store_.seal(value));
  }
  /// Two integers in an array are a pool id where one is looked for: JSON has no tuples.
  static ObjectKind kind_of(std::span<const Value> items) {
    const bool pair = items.size() == 2 && items[0].kind() == Kind::kInt && items[1].kind() == Kind::kInt;
    return pair ? ObjectKind::kTuple : ObjectKind::kList;
  }

  NodeStore& store_;
  std::vector<Value> stack_;
  std::vector<Open> open_;
  bool damaged_ = false;
  bool at_end_ = false;
};

}  // namespace

Result<Parsed> read_json(ByteWindow& window, NodeStore& store) {
  Handler handler(store);
  nlohmann::json::sax_parse(ByteIterator(&window), ByteIterator(), &handler, nlohmann::json::input_format_t::json,
                            /*strict=*/false);
  if (window.error()) return *window.error();
  Parsed parsed{.root = handler.root(), .damage = {}, .offset = window.offset()};
  if (handler.damaged()) {
    parsed.damage = window.left() == 0 ? "the JSON text ends early" : "the JSON text is damaged";
  }
  return parsed;
}

}  // namespace unfrag::ingest
