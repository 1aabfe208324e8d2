#include "ingest/unpack.h"

#include <string_view>
#include <utility>

#include "base/text.h"
#include "ingest/unpack_feed.h"
#include "ingest/unpack_first_bytes.h"
#include "ingest/unpack_layers.h"
#include "ingest/unpack_zip.h"

namespace unfrag::ingest {
namespace unpacking {
namespace {

constexpr char kGiveASnapshot[] = "a file written by torch.cuda.memory._dump_snapshot";

Result<Unpacked> unwrap(std::unique_ptr<Feed> feed, const Budget& budget, std::vector<std::string> layers);

// The reader is shared: looking into a file may fail, and then the next one is read from the same archive.
class ZipMember final : public ByteSource {
 public:
  explicit ZipMember(std::shared_ptr<ZipReader> zip) : zip_(std::move(zip)) {}
  Result<size_t> read(std::span<char> into) override { return zip_->read(into); }
  [[nodiscard]] std::string end_note() const override { return zip_->end_note(); }

 private:
  std::shared_ptr<ZipReader> zip_;
};

// Directories, and what a Mac puts beside every file.
bool holds_no_data(std::string_view name) {
  const std::string_view base = name.substr(name.find_last_of('/') + 1);
  return base.empty() || base.starts_with("._") || base == ".DS_Store" || name.starts_with("__MACOSX/");
}

// Files of an archive that were looked at in vain.
class Rejected {
 public:
  void add(std::string_view name, const Error& error) {
    constexpr size_t kNamed = 5;
    // Advice of its own (too large, encrypted) says more than that this is no snapshot.
    if (++count_ == 1 || (telling_.action == kGiveASnapshot && error.action != kGiveASnapshot)) telling_ = error;
    if (count_ <= kNamed)
      names_ += (count_ == 1 ? "" : ", ") + excerpt(name);
    else if (count_ == kNamed + 1)
      names_ += ", ...";
  }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] const std::string& names() const { return names_; }
  [[nodiscard]] Error error(const std::string& where, const std::string& note) const {
    if (count_ == 1 || telling_.action != kGiveASnapshot) return telling_;
    std::string what = "the zip archive holds no memory snapshot";
    if (count_ > 0) what += " (it holds " + names_ + ")";
    if (!note.empty()) what += "; " + note;
    return {ErrorKind::kBadInput, where, what, kGiveASnapshot};
  }

 private:
  size_t count_ = 0;
  std::string names_;
  Error telling_{.kind = ErrorKind::kBadInput, .where = "", .what = "", .action = kGiveASnapshot};
};

Result<Unpacked> unwrap_zip(std::unique_ptr<Feed> feed, const Budget& budget, const std::vector<std::string>& layers) {
  const auto zip = std::make_shared<ZipReader>(std::move(feed), budget);
  Rejected rejected;
  for (;;) {
    auto more = zip->next();
    if (!more) return more.error();
    if (!*more) break;
    const std::string name = zip->entry().name;
    if (holds_no_data(name)) continue;
    if (auto error = zip->refusal()) {
      rejected.add(name, *error);
      continue;
    }
    auto inside = unwrap(std::make_unique<Feed>(std::make_unique<ZipMember>(zip), budget), budget, layers);
    if (!inside) {
      rejected.add(name, inside.error());
      continue;
    }
    if (!rejected.empty()) {
      inside->warnings.push_back("the zip archive holds other files that were not read: " + rejected.names());
    }
    return inside;
  }
  return rejected.error("byte " + std::to_string(zip->offset()), zip->end_note());
}

Error not_a_snapshot(std::string_view first_bytes, const Feed& feed, const std::vector<std::string>& layers) {
  Error error{.kind = ErrorKind::kBadInput,
              .where = layers.empty() ? "byte 0" : "byte 0 of what the " + layers.back() + " holds",
              .what = "this is not a memory snapshot (it starts like " + looks_like(first_bytes) + ")",
              .action = kGiveASnapshot};
  if (first_bytes.empty()) {
    const std::string note = feed.end_note();
    error.what = !note.empty() ? "nothing can be read: " + note : layers.empty() ? "the file is empty" : "it is empty";
  }
  return error;
}

Error too_deep(const std::vector<std::string>& layers) {
  return {.kind = ErrorKind::kBadInput,
          .where = "byte 0 of what the " + layers.back() + " holds",
          .what = "it is packed more than " + std::to_string(kMaxLayers) + " times over",
          .action = "unpacking it first"};
}

// One layer after the other, until something that can be a snapshot comes out.
Result<Unpacked> unwrap(std::unique_ptr<Feed> feed, const Budget& budget, std::vector<std::string> layers) {
  for (;;) {
    const auto first = feed->peek(kFirstBytes);
    if (!first) return first.error();
    const Kind kind = kind_of(*first);
    if (kind == Kind::kOther) return not_a_snapshot(*first, *feed, layers);
    if (kind == Kind::kPickle || kind == Kind::kJson) {
      return Unpacked{.source = std::move(feed),
                      .content = kind == Kind::kJson ? Content::kJson : Content::kPickle,
                      .layers = std::move(layers),
                      .warnings = {}};
    }
    if (layers.size() == static_cast<size_t>(kMaxLayers)) return too_deep(layers);

    std::unique_ptr<ByteSource> inside;
    if (kind == Kind::kZip) {
      layers.emplace_back("zip");
      return unwrap_zip(std::move(feed), budget, layers);
    }
    if (kind == Kind::kHtml) {
      layers.emplace_back("html");
      auto html = open_html(std::move(feed));
      if (!html) return html.error();
      inside = std::move(*html);
    } else {
      layers.emplace_back(kind == Kind::kGzip ? "gzip" : "zstd");
      inside = open_frames(std::move(feed), kind == Kind::kGzip ? Frames::kGzip : Frames::kZstd);
    }
    feed = std::make_unique<Feed>(std::move(inside), budget);
  }
}

}  // namespace
}  // namespace unpacking

Result<Unpacked> unpack(std::unique_ptr<ByteSource> source, std::optional<Bytes> max_unpacked) {
  auto outermost = std::make_unique<unpacking::Feed>(std::move(source));
  const unpacking::Budget budget(*outermost, max_unpacked);
  return unpacking::unwrap(std::move(outermost), budget, {});
}

}  // namespace unfrag::ingest
