#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "ingest/unpack_layers.h"

namespace unfrag::ingest::unpacking {
namespace {

// For each character its six bits, or one of these.
constexpr uint8_t kIgnored = 64;  // White space and padding.
constexpr uint8_t kSpecial = 65;  // Ends the text, escapes, or has no business here.

constexpr std::array<uint8_t, 256> make_sextets() {
  std::array<uint8_t, 256> table = {};
  table.fill(kSpecial);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  for (const char c : {' ', '\t', '\r', '\n', '='}) table[static_cast<unsigned char>(c)] = kIgnored;
  return table;
}

constexpr auto kSextets = make_sextets();

uint8_t sextet(char c) { return kSextets[static_cast<unsigned char>(c)]; }

// Four characters at a time while they are plain ones and there is room: nearly all of the text.
Step decode_groups(std::string_view text, std::span<char> into) {
  Step step;
  while (step.used + 4 <= text.size() && step.made + 3 <= into.size()) {
    const char* at = text.data() + step.used;
    const uint8_t a = sextet(at[0]), b = sextet(at[1]), c = sextet(at[2]), d = sextet(at[3]);
    if ((a | b | c | d) >= kIgnored) break;
    const uint32_t bits = uint32_t{a} << 18 | uint32_t{b} << 12 | uint32_t{c} << 6 | d;
    into[step.made] = static_cast<char>(bits >> 16);
    into[step.made + 1] = static_cast<char>(bits >> 8);
    into[step.made + 2] = static_cast<char>(bits);
    step.used += 4;
    step.made += 3;
  }
  return step;
}

class Base64Source final : public ByteSource {
 public:
  Base64Source(std::unique_ptr<Feed> page, char quote) : page_(std::move(page)), quote_(quote) {}

  Result<size_t> read(std::span<char> into) override;
  [[nodiscard]] std::string end_note() const override { return note_; }

 private:
  void take(char c, std::span<char> into, size_t& made);
  void end_early(const std::string& how) {
    ended_ = true;
    note_ = page_->end_note();  // Where the bytes around this layer ended early, that is the cause.
    if (note_.empty())
      note_ = "the base64 text of the HTML page is " + how + " at byte " + std::to_string(page_->offset());
  }

  std::unique_ptr<Feed> page_;
  char quote_;
  uint32_t bits_ = 0;  // The lowest `bit_count_` are not out yet.
  int bit_count_ = 0;
  bool escaped_ = false;
  bool ended_ = false;
  std::string note_;
};

Result<size_t> Base64Source::read(std::span<char> into) {
  size_t made = 0;
  while (made < into.size() && !ended_) {
    auto text = page_->peek(4);
    if (!text) return text.error();
    if (text->empty()) {
      end_early("cut off");
      break;
    }
    const Step groups = bit_count_ == 0 && !escaped_ ? decode_groups(*text, into.subspan(made)) : Step{};
    made += groups.made;
    if (groups.used == 0) take((*text)[0], into, made);
    if (!ended_) page_->consume(groups.used > 0 ? groups.used : 1);
  }
  return made;
}

// One character. A byte is out as soon as its bits are there, so that missing padding loses nothing.
void Base64Source::take(char c, std::span<char> into, size_t& made) {
  const bool escaped = std::exchange(escaped_, false);
  if (!escaped && c == quote_) {
    ended_ = true;
  } else if (!escaped && c == '\\') {
    escaped_ = true;
  } else if (escaped && c != '/') {
    if (c != 'n' && c != 'r' && c != 't' && c != '\n') end_early("damaged");
  } else if (sextet(c) == kSpecial) {
    end_early("damaged");
  } else if (sextet(c) < kIgnored) {
    bits_ = bits_ << 6 | sextet(c);
    bit_count_ += 6;
    if (bit_count_ < 8) return;
    bit_count_ -= 8;
    into[made++] = static_cast<char>(bits_ >> bit_count_);
  }
}

// The quote that opens the text after the key, or 0 where something else follows. Consumes as far as it looked.
Result<char> opening_quote(Feed& page) {
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  bool colon = false;
  for (;;) {
    auto next = page.peek(1);
    if (!next) return next.error();
    if (next->empty()) return '\0';
    const char c = (*next)[0];
    const bool expected = kWhiteSpace.find(c) != std::string_view::npos || (c == ':' && !colon);
    if (!expected && (!colon || (c != '"' && c != '\''))) return '\0';
    page.consume(1);
    if (!expected) return c;
    colon = colon || c == ':';
  }
}

Error no_text(const Feed& page) {
  std::string what = "the HTML page holds no snapshot (it has no \"base64\" text)";
  if (const std::string note = page.end_note(); !note.empty()) what += "; " + note;
  return {ErrorKind::kBadInput, "byte " + std::to_string(page.offset()), what,
          "a page written by torch.cuda._memory_viz, or the snapshot itself"};
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_html(std::unique_ptr<Feed> page) {
  constexpr std::string_view kKey = "\"base64\"";
  for (;;) {
    auto text = page->peek(kKey.size());
    if (!text) return text.error();
    if (text->size() < kKey.size()) return no_text(*page);
    const size_t at = text->find(kKey);
    if (at == std::string_view::npos) {
      page->consume(text->size() - (kKey.size() - 1));  // The key may begin in the last bytes at hand.
      continue;
    }
    page->consume(at + kKey.size());
    auto quote = opening_quote(*page);
    if (!quote) return quote.error();
    if (*quote != '\0') return std::unique_ptr<ByteSource>(new Base64Source(std::move(page), *quote));
  }
}

}  // namespace unfrag::ingest::unpacking
