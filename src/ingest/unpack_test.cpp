#include "ingest/unpack.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unfrag::ingest {
namespace {

using namespace std::string_literals;

// What the wrappings hold: it starts like a pickle, and does not pack well, so that damage has something to hit.
std::string pickle_of(size_t size) {
  std::string bytes = "\x80\x04";
  std::minstd_rand random(1);
  while (bytes.size() < size) bytes += static_cast<char>(random() >> 8 & 0x3f);
  return bytes;
}

const std::string kPickle = pickle_of(300000);

// --- Packing ---

std::string deflated(const std::string& bytes, int window_bits) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, bytes.size()) + 64, '\0');
  std::string copy = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string gzip(const std::string& bytes) { return deflated(bytes, MAX_WBITS + 16); }

std::string zstd(const std::string& bytes) {
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 3));
  return packed;
}

std::string zstd_with_window(const std::string& bytes, int window_log) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  ZSTD_outBuffer out = {packed.data(), packed.size(), 0};
  ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
  while (ZSTD_compressStream2(context, &out, &in, ZSTD_e_continue), in.pos < in.size) {
  }
  while (ZSTD_compressStream2(context, &out, &in, ZSTD_e_end) != 0) {
  }
  ZSTD_freeCCtx(context);
  packed.resize(out.pos);
  return packed;
}

std::string base64(const std::string& bytes) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) text += kAlphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) text += kAlphabet[bits << (6 - count) & 63];
  while (text.size() % 4 != 0) text += '=';
  return text;
}

// Source: PyTorch torch/cuda/_memory_viz.py, _memory_viz_template and _format_viz.
std::string page_with(const std::string& text) {
  return "\n<!DOCTYPE html>\n<html>\n<head>\n</head>\n<body>\n<script type=\"module\">\n"
         "import {add_local_files} from \"https://cdn.jsdelivr.net/gh/pytorch/pytorch@main/torch/utils/viz/"
         "MemoryViz.js\"\nconst local_files = [{\"name\": \"snapshot.pickle\", \"base64\": " +
         text + "}]\nadd_local_files(local_files, 'Active Memory Timeline')\n</script>\n</body>\n";
}
std::string html(const std::string& bytes) {
  return page_with('"' + base64(bytes + std::string(3 - bytes.size() % 3, '\0')) + '"');
}

std::string little(uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

enum class Sizes { kInHeader, kAfter, kAfterUnsigned, kAfterWide, kInZip64 };

struct Member {
  std::string name;
  std::string bytes;
  int method = 0;
  Sizes sizes = Sizes::kInHeader;
  std::string extra = {};
  int flags = 0;
};

std::string packed_as(const std::string& bytes, int method) {
  if (method == 8) return deflated(bytes, -MAX_WBITS);
  return method == 93 ? zstd(bytes) : bytes;
}

std::string zip_member(const Member& member) {
  const std::string data = packed_as(member.bytes, member.method);
  const auto crc =
      static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(member.bytes.data()), member.bytes.size()));
  const bool after = member.sizes != Sizes::kInHeader && member.sizes != Sizes::kInZip64;
  std::string extra = member.extra;
  std::string sizes = little(data.size(), 4) + little(member.bytes.size(), 4);
  if (after) sizes = little(0, 8);
  if (member.sizes == Sizes::kInZip64) {
    sizes = "\xff\xff\xff\xff\xff\xff\xff\xff";
    extra += "UT\x05\0\x01"s + little(1, 4) + little(1, 2) + little(16, 2) + little(member.bytes.size(), 8) +
             little(data.size(), 8);
  }
  std::string out = "PK\x03\x04" + little(45, 2) + little(member.flags | (after ? 8 : 0), 2) +
                    little(member.method, 2) + little(0, 4) + little(after ? 0 : crc, 4) + sizes +
                    little(member.name.size(), 2) + little(extra.size(), 2) + member.name + extra + data;
  if (!after) return out;
  const int width = member.sizes == Sizes::kAfterWide ? 8 : 4;
  if (member.sizes != Sizes::kAfterUnsigned) out += "PK\x07\x08";
  return out + little(crc, 4) + little(data.size(), width) + little(member.bytes.size(), width);
}

std::string zip(const std::vector<Member>& members) {
  std::string out;
  for (const Member& member : members) out += zip_member(member);
  const size_t directory = out.size();
  for (const Member& member : members) {
    out += "PK\x01\x02" + std::string(24, '\0') + little(member.name.size(), 2) + std::string(16, '\0') + member.name;
  }
  return out + "PK\x05\x06" + std::string(8, '\0') + little(out.size() - directory, 4) + little(directory, 4) + "\0\0"s;
}

// --- Unpacking ---

// Gives one byte at a time: nothing may rely on getting all it asks for.
class Trickle final : public ByteSource {
 public:
  explicit Trickle(std::string_view bytes) : memory_(bytes) {}
  Result<size_t> read(std::span<char> into) override {
    return memory_.read(into.first(std::min<size_t>(into.size(), 1)));
  }

 private:
  MemorySource memory_;
};

struct Outcome {
  std::string bytes;
  std::vector<std::string> layers;
  std::vector<std::string> warnings;
  Content content = Content::kPickle;
  std::string note;
  Error error;
  bool ok = false;
};

Outcome outcome_of(std::unique_ptr<ByteSource> source, std::optional<Bytes> max, size_t piece) {
  Outcome outcome;
  auto unpacked = unpack(std::move(source), max);
  if (!unpacked) {
    outcome.error = unpacked.error();
    return outcome;
  }
  outcome.layers = unpacked->layers;
  outcome.warnings = unpacked->warnings;
  outcome.content = unpacked->content;
  std::string buffer(piece, '\0');
  for (;;) {
    const auto n = unpacked->source->read(buffer);
    if (!n) {
      outcome.error = n.error();
      return outcome;
    }
    if (*n == 0) break;
    outcome.bytes.append(buffer, 0, *n);
  }
  outcome.ok = true;
  outcome.note = unpacked->source->end_note();
  return outcome;
}

Outcome take_off(std::string_view file, std::optional<Bytes> max = std::nullopt) {
  return outcome_of(std::make_unique<MemorySource>(file), max, 100000);
}

// Without printing 300 kB on failure.
void expect_pickle(const Outcome& outcome, const std::string& pickle = kPickle) {
  EXPECT_TRUE(outcome.ok) << outcome.error.where << ": " << outcome.error.what;
  EXPECT_EQ(outcome.bytes.size(), pickle.size());
  EXPECT_TRUE(outcome.bytes == pickle);
  EXPECT_EQ(outcome.note, "");
  EXPECT_EQ(outcome.content, Content::kPickle);
}

void expect_part(const Outcome& outcome, size_t at_least) {
  EXPECT_TRUE(outcome.ok) << outcome.error.where << ": " << outcome.error.what;
  EXPECT_GE(outcome.bytes.size(), at_least);
  EXPECT_TRUE(kPickle.starts_with(outcome.bytes));
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// --- Plain files ---

TEST(Unpack, APlainPickleComesOutAsItIs) {
  const Outcome outcome = take_off(kPickle);
  expect_pickle(outcome);
  EXPECT_TRUE(outcome.layers.empty());
}

TEST(Unpack, TheLimitIsForUnpackingOnly) { expect_pickle(take_off(kPickle, Bytes(1))); }

TEST(Unpack, TellsPickleFromJson) {
  for (const std::string& json : {"{"s, "[1]"s, " \r\n\t{\"a\""s, "\xef\xbb\xbf{"s, "\"text\""s}) {
    const Outcome outcome = take_off(json);
    EXPECT_TRUE(outcome.ok) << json;
    EXPECT_EQ(outcome.content, Content::kJson) << json;
    EXPECT_EQ(outcome.bytes, json);
  }
  for (const std::string& pickle : {"\x80"s, "\x80\x05"s, "\x80\xff"s, "(dp0\nVa\n"s, "(lp0\n"s, "}q\0"s, "]q\0("s,
                                    "("s, "}"s, "(dVname\n"s, "cos\nsystem\n(S'ls'\n"s, "I12\n."s, "N."s}) {
    const Outcome outcome = take_off(pickle);
    EXPECT_TRUE(outcome.ok) << pickle;
    EXPECT_EQ(outcome.content, Content::kPickle) << pickle;
    EXPECT_EQ(outcome.bytes, pickle);
  }
}

TEST(Unpack, NamesWhatTheFileIsInstead) {
  const std::pair<std::string, const char*> cases[] = {
      {"\x7f"
       "ELF\x02\x01",
       "an ELF program"},
      {"\x89PNG\r\n\x1a\n", "a PNG picture"},
      {"%PDF-1.7", "a PDF document"},
      {"\x89HDF\r\n\x1a\n", "an HDF5 file"},
      {"SQLite format 3\0"s, "an SQLite database"},
      {"\x28\x01\0\0\0\0\0\0{\"weight\":"s, "a safetensors file"},
      {"\x80\0\0\0\0\0\0\0{\"weight\":"s, "a safetensors file"},
      {"\x80\x02\x8a\nl\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03."s,
       "a checkpoint of an old torch.save()"},
      {"BZh91AY&SY", "bzip2 data"},
      {"Dear reader,\n", "plain text"},
      {"changes\n=======\n", "plain text"},
      {"Introduction", "plain text"},
      {"(see below)", "plain text"},
      {std::string(257, 'a') + "ustar", "a tar archive"},
      {"\x01\x02\xfe", "the bytes 01 02 fe"},
      {std::string(9000, ' '), "plain text"},
  };
  for (const auto& [file, name] : cases) {
    const Outcome outcome = take_off(file);
    EXPECT_FALSE(outcome.ok) << name;
    EXPECT_EQ(outcome.error.kind, ErrorKind::kBadInput);
    EXPECT_EQ(outcome.error.where, "byte 0");
    EXPECT_TRUE(contains(outcome.error.what, name)) << outcome.error.what;
    EXPECT_TRUE(contains(outcome.error.action, "_dump_snapshot"));
  }
}

TEST(Unpack, AnEmptyFileIsCalledEmpty) {
  EXPECT_EQ(take_off("").error.what, "the file is empty");
  EXPECT_EQ(take_off(gzip("")).error.what, "it is empty");
  EXPECT_EQ(take_off(gzip("")).error.where, "byte 0 of what the gzip holds");
}

// --- gzip ---

TEST(Unpack, ReadsAGzip) {
  const Outcome outcome = take_off(gzip(kPickle));
  expect_pickle(outcome);
  EXPECT_EQ(outcome.layers, std::vector<std::string>{"gzip"});
}

TEST(Unpack, ReadsEveryMemberOfAGzip) {
  const std::string file = gzip(kPickle.substr(0, 10)) + gzip("") + gzip(kPickle.substr(10));
  expect_pickle(take_off(file));
}

TEST(Unpack, IgnoresWhatFollowsTheLastMember) {
  expect_pickle(take_off(gzip(kPickle) + std::string(100000, '\0')));
  expect_pickle(take_off(gzip(kPickle) + "garbage"));
  expect_pickle(take_off(gzip(kPickle) + "\x1f"));
  expect_pickle(take_off(zstd(kPickle) + std::string(3, '\0')));
}

TEST(Unpack, AGzipGivesWhatPrecedesTheCut) {
  const std::string file = gzip(kPickle);
  const Outcome outcome = take_off(std::string_view(file).substr(0, file.size() / 2));
  expect_part(outcome, kPickle.size() / 3);
  EXPECT_EQ(outcome.note, "the gzip data is cut off at byte " + std::to_string(file.size() / 2));
}

TEST(Unpack, AGzipWithoutItsChecksumGivesAllAndANote) {
  const std::string file = gzip(kPickle);
  const Outcome outcome = take_off(std::string_view(file).substr(0, file.size() - 3));
  EXPECT_TRUE(outcome.bytes == kPickle);
  EXPECT_TRUE(contains(outcome.note, "the gzip data is cut off at byte "));
}

TEST(Unpack, AGzipOfNothingButAHeaderSaysThatItIsCutOff) {
  const Outcome outcome = take_off(gzip(kPickle).substr(0, 5));
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.error.what, "nothing can be read: the gzip data is cut off at byte 5");
}

TEST(Unpack, AGzipGivesWhatPrecedesTheDamage) {
  std::string file = gzip(kPickle);
  const size_t at = file.size() / 2;
  std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(at), 2000, '\xff');
  const Outcome outcome = take_off(file);
  EXPECT_TRUE(outcome.ok);
  EXPECT_TRUE(contains(outcome.note, "the gzip data is damaged at byte ")) << outcome.note;
  EXPECT_EQ(outcome.bytes.substr(0, kPickle.size() / 3), kPickle.substr(0, kPickle.size() / 3));
}

TEST(Unpack, AGzipWithAWrongChecksumIsDamaged) {
  std::string file = gzip(kPickle);
  file[file.size() - 6] ^= 1;
  const Outcome outcome = take_off(file);
  EXPECT_TRUE(outcome.bytes == kPickle);
  EXPECT_TRUE(contains(outcome.note, "the gzip data is damaged at byte ")) << outcome.note;
}

// --- zstd ---

TEST(Unpack, ReadsAZstd) {
  const Outcome outcome = take_off(zstd(kPickle));
  expect_pickle(outcome);
  EXPECT_EQ(outcome.layers, std::vector<std::string>{"zstd"});
  expect_pickle(take_off(zstd_with_window(kPickle, 15)));
}

TEST(Unpack, ReadsEveryFrameOfAZstdAndSkipsWhatIsToBeSkipped) {
  const std::string skipped = "\x5a\x2a\x4d\x18" + little(70000, 4) + std::string(70000, 's');
  expect_pickle(take_off(skipped + zstd(kPickle.substr(0, 9)) + skipped + zstd(kPickle.substr(9)) + skipped));
}

TEST(Unpack, AZstdGivesWhatPrecedesTheCut) {
  const std::string file = zstd(kPickle);
  const Outcome outcome = take_off(std::string_view(file).substr(0, file.size() - 10));
  expect_part(outcome, 131072);
  EXPECT_EQ(outcome.note, "the zstd data is cut off at byte " + std::to_string(file.size() - 10));
}

TEST(Unpack, AZstdGivesEveryBlockBeforeTheDamage) {
  std::string file = zstd_with_window(kPickle, 20);
  file[file.size() - 2] ^= 1;  // The checksum: all blocks are good.
  const Outcome checksum = take_off(file);
  EXPECT_TRUE(checksum.bytes == kPickle);
  EXPECT_TRUE(contains(checksum.note, "the zstd data is damaged at byte ")) << checksum.note;

  file = zstd(kPickle);
  file.replace(file.size() - 9000, 9000, 9000, '\xff');
  const Outcome last_block = take_off(file);
  expect_part(last_block, 131072);
  EXPECT_TRUE(contains(last_block.note, "the zstd data is damaged at byte ")) << last_block.note;
}

TEST(Unpack, AZstdWithATooLargeWindowIsRefusedWithAdvice) {
  const Outcome outcome = take_off("\x28\xb5\x2f\xfd\x00\xa0"s + std::string(10, '\0'));  // 2^30 bytes.
  EXPECT_FALSE(outcome.ok);
  EXPECT_TRUE(contains(outcome.error.what, "window")) << outcome.error.what;
  EXPECT_TRUE(contains(outcome.error.action, "--long=31"));
}

// --- zip ---

TEST(Unpack, ReadsAZipInEveryWayItCanBeWritten) {
  for (const int method : {0, 8, 93}) {
    for (const Sizes sizes : {Sizes::kInHeader, Sizes::kAfter, Sizes::kAfterWide, Sizes::kInZip64}) {
      const Outcome outcome = take_off(zip({{"snapshot.pickle", kPickle, method, sizes}, {"other", "x"}}));
      SCOPED_TRACE("method " + std::to_string(method) + ", sizes " + std::to_string(static_cast<int>(sizes)));
      expect_pickle(outcome);
      EXPECT_EQ(outcome.layers, std::vector<std::string>{"zip"});
      EXPECT_TRUE(outcome.warnings.empty());
    }
  }
  expect_pickle(take_off(zip({{"a", kPickle, 8, Sizes::kAfterUnsigned}})));
}

TEST(Unpack, FindsTheSnapshotBehindOtherFilesOfAnyKind) {
  for (const int method : {0, 8, 93}) {
    for (const Sizes sizes : {Sizes::kInHeader, Sizes::kAfter, Sizes::kAfterWide, Sizes::kInZip64}) {
      SCOPED_TRACE("method " + std::to_string(method) + ", sizes " + std::to_string(static_cast<int>(sizes)));
      const std::string text = "Not a snapshot PK\x07\x08 but text. " + std::string(100000, '.');
      const Outcome outcome = take_off(zip({{"read\x1b[me.txt", text, method, sizes},
                                            {"empty", "", method, sizes},
                                            {"dir/", ""},
                                            {"__MACOSX/._a", "\x80\x04"},
                                            {"dir/._a.pickle", "\x80\x04"},
                                            {"dir/a.pickle", kPickle, method, sizes},
                                            {"b.pickle", "\x80\x04"}}));
      expect_pickle(outcome);
      ASSERT_EQ(outcome.warnings.size(), 1u);
      EXPECT_EQ(outcome.warnings[0], "the zip archive holds other files that were not read: read\\x1b[me.txt, empty");
    }
  }
}

// Source: PyTorch caffe2/serialize/inline_container.cc pads the extra field so that data starts at a multiple of 64,
// and its miniz writes the sizes after stored data.
TEST(Unpack, ReadsAnArchiveOfTorchSave) {
  const std::string padding = "FB" + little(14, 2) + std::string(14, 'Z');
  const std::string file = zip({{"archive/data.pkl", kPickle, 0, Sizes::kAfter, padding, 0x800},
                                {"archive/byteorder", "little", 0, Sizes::kAfter, padding, 0x800},
                                {"archive/version", "3\n", 0, Sizes::kAfter, padding, 0x800}});
  expect_pickle(take_off(file));
}

TEST(Unpack, AStoredFileOfUnknownSizeMayHoldAnotherArchive) {
  const std::string inner = zip({{"a.pickle", kPickle, 0, Sizes::kAfter}});
  const Outcome outcome = take_off(zip({{"inner.zip", inner, 0, Sizes::kAfter}}));
  expect_pickle(outcome);
  EXPECT_EQ(outcome.layers, (std::vector<std::string>{"zip", "zip"}));
}

TEST(Unpack, AZipWithoutItsEndGivesTheFilesBefore) {
  const std::string file = zip_member({"a.pickle", kPickle, 8});
  expect_pickle(take_off(file));
  expect_pickle(take_off(file + "PK\x01"));
}

TEST(Unpack, AZipGivesWhatPrecedesTheCut) {
  for (const int method : {0, 8, 93}) {
    for (const Sizes sizes : {Sizes::kInHeader, Sizes::kAfter}) {
      const std::string file = zip_member({"a.pickle", kPickle, method, sizes});
      const std::string_view part = std::string_view(file).substr(0, file.size() / 2 + 20000);
      const Outcome outcome = take_off(part);
      expect_part(outcome, kPickle.size() / 3);
      EXPECT_EQ(outcome.note, "the zip archive is cut off at byte " + std::to_string(part.size()));
    }
  }
}

TEST(Unpack, AZipCutOffInsideADescriptorGivesTheFile) {
  for (const int method : {0, 8, 93}) {
    const std::string file = zip_member({"a.pickle", kPickle, method, Sizes::kAfter});
    const Outcome outcome = take_off(std::string_view(file).substr(0, file.size() - 5));
    EXPECT_TRUE(outcome.bytes == kPickle);
    EXPECT_TRUE(contains(outcome.note, "cut off at byte ")) << outcome.note;
  }
}

TEST(Unpack, EveryCutOfAZipEndsWell) {
  const std::string file = zip({{"readme", "Text", 8, Sizes::kAfter}, {"a", kPickle.substr(0, 300), 0, Sizes::kAfter}});
  for (size_t size = 0; size < file.size(); ++size) {
    const Outcome outcome = take_off(std::string_view(file).substr(0, size));
    EXPECT_TRUE(outcome.ok ? kPickle.starts_with(outcome.bytes) : !outcome.error.what.empty()) << size;
  }
}

TEST(Unpack, AZipFileWithAWrongChecksumIsNoted) {
  for (const int method : {0, 8}) {
    std::string file = zip({{"a\n.pickle", kPickle, method}});
    file[14] ^= 1;
    const Outcome outcome = take_off(file);
    EXPECT_TRUE(outcome.bytes == kPickle);
    EXPECT_EQ(outcome.note, "the checksum of \"a\\x0a.pickle\" in the zip archive does not match");
  }
}

TEST(Unpack, ADamagedZipFileOfKnownSizeDoesNotHideTheNext) {
  std::string broken = zip_member({"broken", "Text that packs", 8});
  broken.replace(broken.size() - 10, 10, 10, '\xff');
  const Outcome outcome = take_off(broken + zip_member({"good", kPickle}));
  expect_pickle(outcome);
  EXPECT_EQ(outcome.warnings.size(), 1u);
}

TEST(Unpack, AnEncryptedZipIsRefusedWithAdvice) {
  const Outcome outcome = take_off(zip({{"a.pickle", kPickle, 8, Sizes::kInHeader, "", 1}}));
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.error.what, "the zip holds \"a.pickle\" encrypted");
  EXPECT_TRUE(contains(outcome.error.action, "unpacking it first with"));
  EXPECT_FALSE(take_off(zip({{"a.pickle", kPickle, 8, Sizes::kAfter, "", 1}})).ok);
}

TEST(Unpack, AnotherMethodIsRefusedWithAdvice) {
  const Outcome outcome = take_off(zip({{"a.pickle", kPickle, 14}, {"readme", "Text"}}));
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.error.what, "the zip holds \"a.pickle\" packed with method 14 (LZMA), which is not read here");
  EXPECT_TRUE(contains(outcome.error.action, "unpacking it first with"));
}

TEST(Unpack, AFileThatCannotBeReadDoesNotHideASnapshot) {
  expect_pickle(take_off(zip({{"secret", "x", 8, Sizes::kInHeader, "", 1}, {"a.pickle", kPickle}})));
}

TEST(Unpack, AZipWithoutASnapshotSaysWhatItHolds) {
  const Outcome several = take_off(zip({{"a.txt", "Text"}, {"b.png", "\x89PNG"}}));
  EXPECT_EQ(several.error.what, "the zip archive holds no memory snapshot (it holds a.txt, b.png)");
  const Outcome one = take_off(zip({{"b.png", "\x89PNG"}}));
  EXPECT_TRUE(contains(one.error.what, "a PNG picture")) << one.error.what;
  EXPECT_EQ(one.error.where, "byte 0 of what the zip holds");
  EXPECT_EQ(take_off(zip({})).error.what, "the zip archive holds no memory snapshot");
}

// --- HTML ---

TEST(Unpack, ReadsThePageOfMemoryViz) {
  for (const size_t size : {size_t{299999}, size_t{300000}, size_t{300001}}) {
    const std::string pickle = pickle_of(size);
    const Outcome outcome = take_off(html(pickle));
    EXPECT_TRUE(outcome.ok);
    EXPECT_EQ(outcome.layers, std::vector<std::string>{"html"});
    EXPECT_TRUE(outcome.bytes == pickle + std::string(3 - size % 3, '\0'));
    EXPECT_EQ(outcome.note, "");
  }
}

TEST(Unpack, ReadsBase64HoweverItIsQuotedEscapedAndPadded) {
  const std::string pickle = "\x80\x04?>\xff\xfe/+ab";  // Its base64 has slashes and a rest.
  std::string text = base64(pickle);
  ASSERT_TRUE(contains(text, "/"));
  ASSERT_TRUE(text.ends_with("="));
  expect_pickle(take_off(page_with("\n \"" + text + '"')), pickle);
  expect_pickle(take_off(page_with("'" + text + "'")), pickle);
  expect_pickle(take_off(page_with('"' + text.substr(0, text.find('=')) + '"')), pickle);
  std::string broken_up;
  for (const char c : text) broken_up += (c == '/' ? "\\/" : std::string(1, c)) + "\n\\n ";
  expect_pickle(take_off(page_with('"' + broken_up + '"')), pickle);
}

TEST(Unpack, FindsTheTextOnAPageThatSpeaksOfItBefore) {
  std::string page = "<html><script>\"base64\"; x[\"base64\"] = 1; {\"base64\": 12}" + std::string(200000, '"');
  expect_pickle(take_off(page + page_with('"' + base64(kPickle) + '"')));
}

TEST(Unpack, APageWithoutATextIsAnError) {
  const Outcome outcome = take_off("<html><body>\"base64\"</body>" + std::string(100000, ' '));
  EXPECT_FALSE(outcome.ok);
  EXPECT_TRUE(contains(outcome.error.what, "the HTML page holds no snapshot")) << outcome.error.what;
}

TEST(Unpack, APageGivesWhatPrecedesTheCutOrTheDamage) {
  std::string page = html(kPickle);
  const Outcome cut = take_off(std::string_view(page).substr(0, page.size() / 2));
  expect_part(cut, kPickle.size() / 3);
  EXPECT_EQ(cut.note, "the base64 text of the HTML page is cut off at byte " + std::to_string(page.size() / 2));
  page[page.size() / 2] = '<';
  const Outcome damaged = take_off(page);
  expect_part(damaged, kPickle.size() / 3);
  EXPECT_EQ(damaged.note, "the base64 text of the HTML page is damaged at byte " + std::to_string(page.size() / 2));
}

// --- Nesting ---

TEST(Unpack, TakesOffLayersInAnyOrder) {
  const Outcome outcome = take_off(gzip(zip({{"readme", "Text"}, {"a.zst", zstd(gzip(kPickle)), 8, Sizes::kAfter}})));
  expect_pickle(outcome);
  EXPECT_EQ(outcome.layers, (std::vector<std::string>{"gzip", "zip", "zstd", "gzip"}));
  EXPECT_EQ(outcome.warnings.size(), 1u);
  EXPECT_TRUE(take_off(gzip(html(zstd(kPickle)))).bytes == kPickle);
}

TEST(Unpack, TooManyLayersAreRefused) {
  const std::string four = gzip(gzip(gzip(gzip(kPickle))));
  expect_pickle(take_off(four));
  for (const std::string& five : {gzip(four), zip({{"a", four}})}) {
    const Outcome outcome = take_off(five);
    EXPECT_FALSE(outcome.ok);
    EXPECT_EQ(outcome.error.what, "it is packed more than 4 times over");
  }
}

TEST(Unpack, TheOuterLayerIsTheCauseOfWhatTheInnerOneLacks) {
  const std::string file = gzip(zstd(kPickle));
  const Outcome outcome = take_off(std::string_view(file).substr(0, file.size() / 2));
  EXPECT_TRUE(contains(outcome.note, "the gzip data is cut off")) << outcome.note;
}

TEST(Unpack, ASourceThatGivesAByteAtATimeIsEnough) {
  const std::string small = kPickle.substr(0, 3000);
  const std::string files[] = {gzip(small),
                               gzip(small.substr(0, 9)) + gzip(small.substr(9)),
                               zstd(small),
                               zstd_with_window(small, 10),
                               zip({{"readme", "Text PK\x07\x08", 0, Sizes::kAfter}, {"a", small, 0, Sizes::kAfter}}),
                               zip({{"readme", "Text", 8, Sizes::kAfterWide}, {"a", small, 93, Sizes::kAfter}}),
                               page_with('"' + base64(small) + '"'),
                               gzip(zip({{"a.zst", zstd(small), 0, Sizes::kAfter}}))};
  for (const std::string& file : files) {
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{1000}}) {
      expect_pickle(outcome_of(std::make_unique<Trickle>(file), std::nullopt, piece), small);
    }
  }
}

// --- Limits ---

TEST(Unpack, ABombIsRefused) {
  const std::string zeros = "\x80\x04" + std::string(30 << 20, '\0');
  const std::string bombs[] = {gzip(zeros), zstd(zeros), zip({{"a", zeros, 8}}), gzip(gzip(zeros))};
  for (const std::string& bomb : bombs) {
    const Outcome outcome = take_off(bomb);
    const bool over = zeros.size() > bomb.size() * kMaxUnpackRatio + (1 << 20);
    EXPECT_EQ(outcome.ok, !over);
    if (!over) continue;
    EXPECT_LT(outcome.bytes.size(), bomb.size() * kMaxUnpackRatio + (2 << 20));
    EXPECT_TRUE(contains(outcome.error.what, "unpacks to more than 1000 times its size")) << outcome.error.what;
    EXPECT_TRUE(contains(outcome.error.action, "--max-unpacked"));
  }
  EXPECT_FALSE(take_off(bombs[1]).ok);
  EXPECT_FALSE(take_off(bombs[3]).ok);
}

TEST(Unpack, ABombNobodyWantsIsRefusedToo) {
  const std::string zeros = std::string(1000000000 >> 3, '\0');
  const Outcome outcome = take_off(zip({{"zeros", zeros, 93, Sizes::kAfter}, {"a", kPickle}}));
  EXPECT_FALSE(outcome.ok);
  EXPECT_TRUE(contains(outcome.error.what, "unpacks to more than")) << outcome.error.what;
}

TEST(Unpack, TheLimitOfTheCallerReplacesBoth) {
  const std::string zeros = "\x80\x04" + std::string(30 << 20, '\0');
  expect_pickle(take_off(zstd(zeros), Bytes(zeros.size())), zeros);
  const Outcome outcome = take_off(zstd(zeros), Bytes(zeros.size() - 1));
  EXPECT_FALSE(outcome.ok);
  EXPECT_TRUE(contains(outcome.error.what, "unpacks to more than " + std::to_string(zeros.size() - 1) + " bytes"));
  EXPECT_TRUE(contains(take_off(gzip(kPickle), 64_KiB).error.what, "more than 64 KiB"));
  EXPECT_TRUE(contains(take_off(zip({{"a", kPickle}, {"b", "Text"}}), 1_KiB).error.what, "more than 1 KiB"));
}

// --- Hostile input ---

TEST(Unpack, DamageAnywhereEndsWell) {
  const std::string small = kPickle.substr(0, 2000);
  const std::string files[] = {gzip(small), zstd_with_window(small, 10), html(small),
                               zip({{"readme", "Text", 8, Sizes::kAfter}, {"a", small, 0, Sizes::kAfter}}),
                               zip({{"readme", "Text", 93}, {"a.gz", gzip(small), 8, Sizes::kInZip64}})};
  std::minstd_rand random(7);
  for (const std::string& file : files) {
    for (int round = 0; round < 1000; ++round) {
      std::string damaged = file;
      for (int hits = 1 + round % 3; hits > 0; --hits) damaged[random() % damaged.size()] = static_cast<char>(random());
      const Outcome outcome = take_off(damaged, 10_MiB);
      EXPECT_TRUE(outcome.ok || !outcome.error.what.empty());
    }
  }
}

TEST(Unpack, LongNamesAreShortenedAndNoControlCharacterGetsOut) {
  const std::string name = "\xc3\xa9\xc2\x9b\xff\x7f" + std::string(60000, 'n');
  const Outcome outcome = take_off(zip({{name, "Text"}, {"a", kPickle}}));
  ASSERT_EQ(outcome.warnings.size(), 1u);
  EXPECT_TRUE(contains(outcome.warnings[0], "\xc3\xa9\\x9b\\xff\\x7fnnn")) << outcome.warnings[0];
  EXPECT_LT(outcome.warnings[0].size(), 300u);
}

}  // namespace
}  // namespace unfrag::ingest
