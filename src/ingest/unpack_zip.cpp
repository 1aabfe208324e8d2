#include "ingest/unpack_zip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "base/text.h"
#include "ingest/unpack_first_bytes.h"

// Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.9 (descriptor), 4.4 (fields), 4.5.3 (zip64).
namespace unfrag::ingest::unpacking {
namespace {

constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;
constexpr uint16_t kZstd = 93;
constexpr size_t kHeaderBytes = 30;
constexpr std::string_view kDescriptorMagic = "PK\x07\x08";
constexpr size_t kShortestDescriptor = 16;  // Magic, checksum, two sizes of four bytes.
constexpr size_t kLongestDescriptor = 24;   // The sizes of eight bytes.

// The number of `size` bytes at `at`, the lowest first.
uint64_t number(std::string_view bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// The real sizes of a file of 4 GiB and more (or of unknown size) stand in an extra field, those that are needed.
void take_zip64_sizes(std::string_view extra, ZipEntry& entry) {
  constexpr uint64_t kElsewhere = std::numeric_limits<uint32_t>::max();
  while (extra.size() >= 4) {
    const uint64_t id = number(extra, 0, 2);
    const auto size = static_cast<size_t>(number(extra, 2, 2));
    std::string_view field = extra.substr(4, size);
    extra.remove_prefix(std::min(extra.size(), 4 + size));
    if (id != 1) continue;
    for (uint64_t* wanted : {&entry.unpacked, &entry.packed}) {
      if (*wanted != kElsewhere || field.size() < 8) continue;
      *wanted = number(field, 0, 8);
      field.remove_prefix(8);
    }
    return;
  }
}

struct Descriptor {
  size_t length = 0;
  uint32_t crc = 0;
  bool fits = false;  // The sizes are those that were seen.
};

// Neither the magic nor the width of the sizes is certain; that the sizes must fit tells.
Descriptor descriptor_at(std::string_view bytes, uint64_t packed, uint64_t unpacked) {
  const size_t at = bytes.starts_with(kDescriptorMagic) ? kDescriptorMagic.size() : 0;
  for (const size_t width : {size_t{8}, size_t{4}}) {
    if (bytes.size() < at + 4 + 2 * width) continue;
    const uint64_t mask = width == 8 ? ~uint64_t{0} : std::numeric_limits<uint32_t>::max();
    const bool fits =
        number(bytes, at + 4, width) == (packed & mask) && number(bytes, at + 4 + width, width) == (unpacked & mask);
    if (fits || width == 4) return {at + 4 + 2 * width, static_cast<uint32_t>(number(bytes, at, 4)), fits};
  }
  return {};
}

struct Reach {
  size_t bytes = 0;
  bool found_end = false;
};

// How many of the bytes at hand belong to a stored file of unknown size, `done` bytes into it: those before the
// descriptor. Archives written as a stream are like that, those of torch.save() among them.
Reach reach_of_stored(std::string_view bytes, uint64_t done) {
  for (size_t at = 0; (at = bytes.find(kDescriptorMagic, at)) != std::string_view::npos; ++at) {
    if (descriptor_at(bytes.substr(at), done + at, done + at).fits) return {at, true};
    // One at the very start has all its bytes at hand, or is cut off; another may lack some of them yet.
    if (bytes.size() - at < (at > 0 ? kLongestDescriptor : kShortestDescriptor)) return {at, false};
  }
  // The magic may begin in the last bytes at hand.
  size_t begun = kDescriptorMagic.size() - 1;
  while (!bytes.ends_with(kDescriptorMagic.substr(0, begun))) --begun;
  return {bytes.size() - begun, false};
}

std::string method_name(uint16_t method) {
  switch (method) {
    case 9: return "method 9 (deflate64)";
    case 12: return "method 12 (bzip2)";
    case 14: return "method 14 (LZMA)";
    case 95: return "method 95 (xz)";
    default: return "method " + std::to_string(method);
  }
}

std::unique_ptr<Decoder> decoder_for(uint16_t method) {
  if (method == kDeflated) return make_inflater(Deflated::kRaw);
  return method == kZstd ? make_zstd_decoder() : nullptr;
}

// The step of a file that is stored as it is; its end is for the caller to know.
Result<Step> copy(std::string_view bytes, std::span<char> into) {
  const size_t n = std::min(bytes.size(), into.size());
  if (n > 0) std::memcpy(into.data(), bytes.data(), n);
  return Step{.used = n, .made = n};
}

uint32_t crc_of(uint32_t before, std::span<const char> bytes) {
  return static_cast<uint32_t>(crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

bool ZipEntry::size_is_known() const {
  if (!has_descriptor()) return true;
  // The end of a packed stream is certain, a size beside a promise of one is not.
  return packed != 0 && method != kDeflated && method != kZstd;
}

std::optional<Error> ZipReader::refusal() const {
  constexpr uint16_t kEncrypted = 1 << 0 | 1 << 6 | 1 << 13;  // Plain, strong, and with the headers masked.
  constexpr uint16_t kAes = 99;
  Error error{.kind = ErrorKind::kBadInput, .where = "byte " + std::to_string(offset()), .what = "", .action = ""};
  if ((entry_.flags & kEncrypted) != 0 || entry_.method == kAes) {
    error.what = "the zip holds \"" + excerpt(entry_.name) + "\" encrypted";
    error.action = "unpacking it first with unzip or 7z and its password";
    return error;
  }
  if (entry_.method == kStored || entry_.method == kDeflated || entry_.method == kZstd) return std::nullopt;
  error.what = "the zip holds \"" + excerpt(entry_.name) + "\" packed with " + method_name(entry_.method) +
               ", which is not read here";
  error.action = "unpacking it first with unzip or 7z";
  return error;
}

void ZipReader::end_early(const std::string& how) {
  ended_ = true;
  note_ = archive_->end_note();  // Where the bytes around this layer ended early, that is the cause.
  if (note_.empty()) note_ = "the zip archive is " + how + " at byte " + std::to_string(offset());
}

Result<bool> ZipReader::next() {
  auto left = leave();
  if (!left || !*left) return left;
  note_.clear();
  auto magic = archive_->peek(4);
  if (!magic) return magic.error();
  if (magic->starts_with("PK\x03\x04")) return read_header();
  // The directory of the archive, or the end of an empty one: there are no more files.
  const bool at_directory = magic->starts_with("PK\x01\x02") || magic->starts_with("PK\x05\x06") ||
                            magic->starts_with("PK\x06\x06") || magic->starts_with("PK\x06\x08");
  if (!at_directory) end_early(magic->size() < 4 ? "cut off" : "damaged");
  return false;
}

Result<bool> ZipReader::read_header() {
  const auto fixed = take(kHeaderBytes);
  if (!fixed || fixed->empty()) return fixed ? Result<bool>(false) : fixed.error();
  const auto name = take(static_cast<size_t>(number(*fixed, 26, 2)));
  if (!name || !note_.empty()) return name ? Result<bool>(false) : name.error();
  const auto extra = take(static_cast<size_t>(number(*fixed, 28, 2)));
  if (!extra || !note_.empty()) return extra ? Result<bool>(false) : extra.error();

  entry_ = {.name = *name,
            .flags = static_cast<uint16_t>(number(*fixed, 6, 2)),
            .method = static_cast<uint16_t>(number(*fixed, 8, 2)),
            .crc = static_cast<uint32_t>(number(*fixed, 14, 4)),
            .packed = number(*fixed, 18, 4),
            .unpacked = number(*fixed, 22, 4)};
  take_zip64_sizes(*extra, entry_);
  decoder_ = decoder_for(entry_.method);
  inside_ = true;
  ended_ = at_descriptor_ = false;
  used_ = made_ = 0;
  crc_ = 0;
  return true;
}

// The next `size` bytes; none, and a note, where the archive ends before.
Result<std::string> ZipReader::take(size_t size) {
  auto bytes = archive_->peek(size);
  if (!bytes) return bytes.error();
  if (bytes->size() < size) {
    end_early("cut off");
    return std::string();
  }
  std::string taken(bytes->substr(0, size));
  archive_->consume(size);
  return taken;
}

Result<size_t> ZipReader::read(std::span<char> into) {
  size_t made = 0;
  while (made < into.size() && !ended_) {
    auto n = step(into.subspan(made));
    if (!n) return n;
    made += *n;
  }
  return made;
}

// The bytes at hand that belong to the file.
Result<std::string_view> ZipReader::packed_bytes() {
  auto bytes = archive_->peek(kLongestDescriptor);
  if (!bytes) return bytes;
  if (entry_.size_is_known()) {
    return bytes->substr(0, static_cast<size_t>(std::min<uint64_t>(bytes->size(), entry_.packed - used_)));
  }
  if (decoder_) return bytes;
  const Reach reach = reach_of_stored(*bytes, used_);
  at_descriptor_ = reach.found_end && reach.bytes == 0;
  return bytes->substr(0, reach.bytes);
}

Result<size_t> ZipReader::step(std::span<char> into) {
  auto packed = packed_bytes();
  if (!packed) return packed.error();
  const auto done = decoder_ ? decoder_->step(*packed, into) : copy(*packed, into);
  if (!done) return done.error();
  archive_->consume(done->used);
  used_ += done->used;
  made_ += done->made;
  crc_ = crc_of(crc_, into.first(done->made));

  const bool all_used = entry_.size_is_known() ? used_ == entry_.packed : at_descriptor_;
  const bool more_frames = entry_.method == kZstd && entry_.size_is_known() && !all_used;
  const bool complete = decoder_ ? done->state == Step::State::kEnd && !more_frames : all_used;
  if (complete) {
    ended_ = true;
    if (auto finished = finish(); !finished) return finished.error();
  } else if (done->state == Step::State::kDamaged || (done->used == 0 && done->made == 0)) {
    end_early(packed->empty() && !all_used ? "cut off" : "damaged");
  }
  return done->made;
}

// Goes behind the file and what belongs to it, and compares the checksum if all of the file was read.
// False where the archive ends before.
Result<bool> ZipReader::finish() {
  const bool known = entry_.size_is_known();
  if (known) {
    const uint64_t rest = entry_.packed - used_;
    auto skipped = archive_->skip(rest);
    if (!skipped) return skipped.error();
    if (*skipped < rest) {
      end_early("cut off");
      return false;
    }
  }
  if (entry_.has_descriptor()) {
    auto bytes = archive_->peek(kLongestDescriptor);
    if (!bytes) return bytes.error();
    const auto descriptor = descriptor_at(*bytes, known ? entry_.packed : used_, known ? entry_.unpacked : made_);
    if (descriptor.length == 0) {
      end_early("cut off");
      return false;
    }
    entry_.crc = descriptor.crc;
    archive_->consume(descriptor.length);
  }
  inside_ = false;
  if (note_.empty() && ended_ && crc_ != entry_.crc) {
    note_ = "the checksum of \"" + excerpt(entry_.name) + "\" in the zip archive does not match";
  }
  return true;
}

// Goes behind the file, however far it was read. False, and a note, where that is not possible.
Result<bool> ZipReader::leave() {
  if (!inside_) return true;
  return entry_.size_is_known() ? finish() : throw_away();
}

Result<bool> ZipReader::throw_away() {
  if (refusal()) return false;  // Nothing tells where it ends.
  std::array<char, size_t{16} << 10> nowhere;
  while (!ended_) {
    auto n = step(nowhere);
    if (!n) return n.error();
    thrown_away_ += *n;
    if (auto error = budget_.refuse(thrown_away_)) return *error;
  }
  return !inside_;
}

}  // namespace unfrag::ingest::unpacking
