#include "ingest/log_records.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <utility>

namespace unfrag::ingest {
namespace {

using allocation_log::Header;
using allocation_log::Kind;
using allocation_log::kMostCalls;
using allocation_log::kMostFrames;
using allocation_log::kRecordsAt;
using allocation_log::Record;
using allocation_log::Stop;

constexpr uint64_t kSizeLimit = uint64_t{1} << 48;
constexpr uint32_t kMostArchitecture = 9999;
constexpr uint8_t kOom = 8;  // of TraceEntry::Action
static_assert(kMostFrames <= UINT8_MAX);

Error bad(const std::string& path, std::string what, std::string action = "rehearsing it again") {
  return {ErrorKind::kBadInput, path, std::move(what), std::move(action)};
}

}  // namespace

Result<LogRecords> LogRecords::open(const std::string& path) {
  return open(std::make_unique<std::ifstream>(path, std::ios::binary), path);
}

Result<LogRecords> LogRecords::open(std::unique_ptr<std::istream> file, const std::string& path) {
  LogRecords log;
  log.file_ = std::move(file);
  std::array<char, kRecordsAt> page{};
  if (!log.file_->read(page.data(), page.size()) && log.file_->gcount() < std::streamsize{sizeof(Header)}) {
    if (log.file_->gcount() == 0) return bad(path, "it is empty: there was no room for it", "TMPDIR=FOLDER with room");
    return bad(path, "the log of a process has no beginning");
  }
  std::memcpy(&log.header_, page.data(), sizeof(Header));
  if (log.header_.magic == Header().magic && log.header_.claimed == 0) return log;  // killed before it had begun
  if (log.header_.magic != allocation_log::kMagic) return bad(path, "it is no log of a process");
  if (log.header_.stop > Stop::kLength) return bad(path, "it says that it stopped for no known reason");
  log.records_ = std::min(log.header_.claimed, allocation_log::kMostRecords);
  return log;
}

const Record* LogRecords::next() {
  while (fault_ == nullptr && read_ < records_) {
    if (!take(&record_, 1)) {
      // What was claimed when it stopped was never there.
      if (header_.stop == Stop::kNone) fault_ = "its end is missing";
      records_ = 0;
      return nullptr;
    }
    if (record_.kind == Kind::kNone) continue;  // the process ended while another thread was about to write it
    fault_ = check(record_);
    if (fault_ == nullptr && (record_.kind != Kind::kText || record_.action == allocation_log::kWhole)) return &record_;
  }
  return nullptr;
}

bool LogRecords::take(void* into, uint64_t records) {
  read_ += records;
  const auto bytes = static_cast<std::streamsize>(records * sizeof(Record));
  return read_ <= records_ && file_->read(static_cast<char*>(into), bytes).gcount() == bytes;
}

const char* LogRecords::check(const Record& record) {
  switch (record.kind) {
    case Kind::kNone: return nullptr;
    case Kind::kEvent: return check_event(record);
    case Kind::kText: return take_text(record);
    case Kind::kFrame:
      if (record.number != frames_ + 1 || !is_text(record.first) || !is_text(record.second)) {
        return "a frame is out of order";
      }
      if (record.size > UINT32_MAX) return "a line has a number that no file has";
      ++frames_;
      return nullptr;
    case Kind::kStack: return check_stack(record);
    case Kind::kSettings: return is_text(record.first) ? nullptr : "its settings are missing";
    case Kind::kUnanswered:
      if (!is_text(record.first) || record.number >= kMostCalls) return "a function has no name";
      return std::exchange(named_[record.number], true) ? "a function has two names" : nullptr;
    case Kind::kImage: return record.number > kMostArchitecture ? "a kernel is for no architecture" : nullptr;
    case Kind::kFraction: return check_fraction(record);
    case Kind::kWorkspace: return nullptr;
  }
  return "a record is of no kind";
}

const char* LogRecords::check_event(const Record& record) const {
  if (record.device >= header_.devices || record.stack > depths_.size()) return "an entry names what is not there";
  // A program may well ask for what no device has; it does not get it.
  return record.size < kSizeLimit || record.action == kOom ? nullptr : "an entry has a size that no device has";
}

const char* LogRecords::check_fraction(const Record& record) const {
  const auto fraction = std::bit_cast<double>(record.size);
  return record.device < header_.devices && fraction >= 0 && fraction <= 1 ? nullptr : "a memory fraction is none";
}

const char* LogRecords::take_text(const Record& record) {
  if (record.size > allocation_log::kLongestText) return "a text is longer than any";
  const uint64_t rows = allocation_log::rows_of(record.size);
  std::string text(rows * sizeof(Record), '\0');
  if (!take(text.data(), rows)) return "a text is cut";
  if (record.action != allocation_log::kWhole) return nullptr;
  if (record.number != texts_.size() + 1) return "a text is out of order";
  text.resize(record.size);
  texts_.push_back(std::move(text));
  return nullptr;
}

// A stack is told as one frame on top of a stack that came before.
const char* LogRecords::check_stack(const Record& record) {
  const bool known = record.first >= 1 && record.first <= frames_ && record.second <= depths_.size();
  if (record.number != depths_.size() + 1 || !known) return "a stack is out of order";
  const uint8_t below = record.second == 0 ? 0 : depths_[record.second - 1];
  if (below >= kMostFrames) return "a stack has more frames than any";
  depths_.push_back(below + 1);
  return nullptr;
}

}  // namespace unfrag::ingest
