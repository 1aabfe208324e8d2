#include "ingest/json_reader.h"

#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace unfrag::ingest {
namespace {

/// The bytes of a window one by one, as the parser wants them: strict JSON without superfluous white space.
///
/// Python writes what JSON does not know: \udcff alone, for a byte that was no UTF-8, becomes \ufffd; NaN and Infinity
/// become null. Runs of white space become one character: the parser would keep them.
class JsonBytes {
 public:
  explicit JsonBytes(ByteWindow& window) : window_(window) { advance(); }

  [[nodiscard]] bool at_end() const { return at_end_; }
  [[nodiscard]] const char& current() const { return current_; }

  void advance() {
    if (replaced_ < replacement_.size()) {
      current_ = replacement_[replaced_++];
      return;
    }
    if (in_text_) return advance_in_text();
    bool space = false;
    do {
      if (!take()) return;
      space = is_space(current_) && is_space(last_);
      last_ = current_;
    } while (space);
    if (current_ == '"') in_text_ = true;
    if (current_ == 'N' || current_ == 'I') replace_word();
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

  bool take() {
    if (window_.left() == 0) window_.fill(1);
    at_end_ = window_.left() == 0;
    if (at_end_) return false;
    current_ = static_cast<char>(*window_.at());
    window_.move_to(window_.at() + 1);
    return true;
  }

  void advance_in_text() {
    if (!take()) return;
    if (escaped_) {
      escaped_ = false;
      if (current_ == 'u') check_surrogate();
    } else if (current_ == '\\') {
      escaped_ = true;
    } else if (current_ == '"') {
      in_text_ = false;
      last_ = '"';
    }
  }

  /// The four digits behind a \u at `at`, where the window has them.
  [[nodiscard]] uint32_t code_at(size_t at) const {
    uint32_t code = 0;
    if (window_.left() < at + 4) return 0;
    const auto* const digits = reinterpret_cast<const char*>(window_.at()) + at;
    return std::from_chars(digits, digits + 4, code, 16).ptr == digits + 4 ? code : 0;
  }

  void check_surrogate() {
    window_.fill(10);
    const uint32_t code = code_at(0);
    if (low_expected_) {  // the second half of a pair that was looked at already
      low_expected_ = false;
      return;
    }
    if (code < 0xD800 || code > 0xDFFF) return;
    const bool pair = code < 0xDC00 && window_.left() >= 10 && window_.at()[4] == '\\' && window_.at()[5] == 'u' &&
                      code_at(6) >= 0xDC00 && code_at(6) <= 0xDFFF;
    low_expected_ = pair;
    if (pair) return;
    window_.move_to(window_.at() + 4);
    replace_by("fffd");
  }

  void replace_word() {
    window_.fill(8);
    const std::string_view behind(reinterpret_cast<const char*>(window_.at()), window_.left());
    const std::string_view rest = current_ == 'N' ? "aN" : "nfinity";
    if (!behind.starts_with(rest)) return;
    window_.move_to(window_.at() + rest.size());
    current_ = 'n';
    last_ = 'l';
    replace_by("ull");
  }

  void replace_by(std::string_view text) {
    replacement_ = text;
    replaced_ = 0;
  }

  ByteWindow& window_;
  std::string_view replacement_;
  size_t replaced_ = 0;
  char current_ = 0;
  char last_ = 0;
  bool at_end_ = false;
  bool in_text_ = false;
  bool escaped_ = false;
  bool low_expected_ = false;
};

class ByteIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  explicit ByteIterator(JsonBytes* bytes) : bytes_(bytes->at_end() ? nullptr : bytes) {}
  ByteIterator() = default;

  const char& operator*() const { return bytes_->current(); }
  ByteIterator& operator++() {
    bytes_->advance();
    if (bytes_->at_end()) bytes_ = nullptr;
    return *this;
  }
  bool operator==(const ByteIterator& other) const { return bytes_ == other.bytes_; }
  bool operator!=(const ByteIterator& other) const { return bytes_ != other.bytes_; }

 private:
  JsonBytes* bytes_ = nullptr;  // null: the end
};

constexpr size_t kDeepest = 1000;  // containers inside one another; a snapshot has eight

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
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception&) override {
    damaged_ = true;
    return false;
  }

  [[nodiscard]] bool damaged() const { return damaged_; }

  Value root() {
    while (!open_.empty()) {
      if (open_.back().is_dict != 0) {
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
  struct Open {  // a million open containers are a small file
    uint32_t at;
    uint32_t is_dict;
  };

  bool add(Value value) {
    stack_.push_back(value);
    return true;
  }
  bool open(bool is_dict) {
    if (open_.size() == kDeepest || stack_.size() > UINT32_MAX) {
      damaged_ = true;
      return false;
    }
    open_.push_back({static_cast<uint32_t>(stack_.size()), is_dict ? 1U : 0U});
    return true;
  }
  bool close() {
    const Open container = open_.back();
    open_.pop_back();
    const std::span<const Value> items(stack_.data() + container.at, stack_.size() - container.at);
    // Nobody can add to a JSON value later, so what is recognised is complete.
    const Value value = container.is_dict != 0 ? store_.make_dict(items) : store_.make_list(items, kind_of(items));
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
};

}  // namespace

Result<Parsed> read_json(ByteWindow& window, NodeStore& store) {
  Handler handler(store);
  JsonBytes bytes(window);
  nlohmann::json::sax_parse(ByteIterator(&bytes), ByteIterator(), &handler, nlohmann::json::input_format_t::json,
                            /*strict=*/false);
  if (window.error()) return *window.error();
  Parsed parsed{.root = handler.root(), .damage = {}, .offset = window.offset()};
  if (handler.damaged()) {
    parsed.damage = window.left() == 0 ? "the JSON text ends early" : "the JSON text is damaged";
  }
  return parsed;
}

}  // namespace unfrag::ingest
