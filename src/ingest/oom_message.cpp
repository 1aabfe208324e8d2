#include "ingest/oom_message.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "ingest/printed_size.h"

namespace unfrag::ingest {
namespace {

using trace::BareError;
using trace::MessageForm;
using trace::OomMessage;
using trace::PrintedOrNot;

constexpr size_t kWindow = size_t{16} << 10;    // a message that names 300 processes
constexpr size_t kLookBack = 200;               // MPS has its figures before "Tried to allocate"
constexpr uint64_t kNoUse = uint64_t{1} << 50;  // no device has that much; see kNoSize
constexpr std::string_view kTried = "Triedtoallocate";
constexpr std::string_view kAsync = "wouldexceedallowedmemory";
constexpr std::string_view kMps = "MPSbackendoutofmemory(";
constexpr size_t kNowhere = std::string_view::npos;

PrintedOrNot told(const std::optional<FoundSize>& found, uint64_t unknown = kNoSize) {
  return found && found->size.value < unknown ? PrintedOrNot(found->size) : std::nullopt;
}

/// The size right before the first `label` that has one.
PrintedOrNot before(std::string_view text, std::string_view label) {
  for (size_t at = text.find(label); at != kNowhere; at = text.find(label, at + 1)) {
    if (const auto found = size_before(text, at)) return told(found);
  }
  return std::nullopt;
}

/// The size right after the first `label`.
PrintedOrNot after(std::string_view text, std::string_view label, uint64_t unknown = kNoSize) {
  const size_t at = text.find(label);
  return at == kNowhere ? std::nullopt : told(size_at(text, at + label.size()), unknown);
}

PrintedOrNot either(const PrintedOrNot& first, const PrintedOrNot& second) { return first ? first : second; }

/// "CUDA" of "CUDAoutofmemory." that ends `text`.
std::string backend_of(std::string_view text) {
  constexpr std::string_view kPhrase = "outofmemory.";
  constexpr size_t kLongest = 8;
  if (!text.ends_with(kPhrase)) return {};
  text.remove_suffix(kPhrase.size());
  size_t begin = text.size();
  while (begin > 0 && text.size() - begin < kLongest && text[begin - 1] >= 'A' && text[begin - 1] <= 'Z') --begin;
  return std::string(text.substr(begin));
}

std::optional<uint32_t> ordinal_at(std::string_view text, size_t at) {
  const auto number = number_at(text, at);
  return number && *number <= 4096 ? std::optional(static_cast<uint32_t>(*number)) : std::nullopt;
}

/// The ordinal in "(GPU0;" or ".GPU0hasatotal" at the beginning of `text`.
std::optional<uint32_t> device_of(std::string_view text) {
  constexpr size_t kLongestWord = 8;
  size_t at = 0;
  while (at < text.size() && at < 3 && (text[at] == '.' || text[at] == ',' || text[at] == '(')) ++at;
  size_t letters = 0;
  while (at < text.size() && letters <= kLongestWord && text[at] >= 'A' && text[at] <= 'Z') ++at, ++letters;
  return letters == 0 || letters > kLongestWord ? std::nullopt : ordinal_at(text, at);
}

std::vector<trace::ProcessUse> processes_of(std::string_view text) {
  constexpr std::string_view kInUse = "memoryinuse";
  constexpr std::string_view kProcess = "Process";
  std::vector<trace::ProcessUse> uses;
  for (size_t at = text.find(kInUse); at != kNowhere; at = text.find(kInUse, at + 1)) {
    const auto found = size_before(text, at);
    if (!found || !text.substr(0, found->begin).ends_with("has")) continue;
    const std::string_view who = text.substr(0, found->begin - 3);
    if (who.ends_with("hisprocess")) uses.push_back({std::nullopt, told(found, kNoUse)});
    size_t digits = who.size();
    while (digits > 0 && who[digits - 1] >= '0' && who[digits - 1] <= '9') --digits;
    const auto pid = number_at(who, digits);
    if (pid && who.substr(0, digits).ends_with(kProcess)) uses.push_back({pid, told(found, kNoUse)});
  }
  return uses;
}

std::string releases_of(const OomMessage& message, std::string_view text) {
  const auto has = [&](std::string_view phrase) { return text.find(phrase) != kNowhere; };
  switch (message.form) {
    case MessageForm::kParentheses:
      if (has("cached)")) return "1.3 or earlier";
      return "1.4 to 2.0";
    case MessageForm::kSentences:
      if (has("capactyof")) return "2.1";
      if (has("PYTORCH_ALLOC_CONF")) return "2.9 or later";
      return message.private_free ? "2.4 or later" : "2.2 or later";
    case MessageForm::kAsync: return "2.0 or later";
    default: return {};
  }
}

OomMessage read_async(std::string_view all, size_t at) {
  constexpr std::string_view kDevice = "ondevice";
  const std::string_view text = all.substr(at, kWindow);
  OomMessage message;
  message.form = MessageForm::kAsync;
  message.backend = "CUDA";
  const size_t word = all.substr(0, at).rfind(kDevice);
  if (word != kNowhere && at - word < 2 * kDevice.size()) message.device = ordinal_at(all, word + kDevice.size());
  message.allocated = after(text, "Currentlyallocated:");
  message.requested = after(text, "Requested:");
  message.total = after(text, "Devicelimit:");
  message.free = after(text, "Free(accordingtoCUDA):");
  message.limit = after(text, "suppliedmemoryfraction):", kNoUse);
  message.releases = releases_of(message, text);
  return message;
}

OomMessage read_mps(std::string_view figures, std::string_view text) {
  OomMessage message;
  message.form = MessageForm::kMps;
  message.backend = "MPS";
  message.allocated = after(figures, "MPSallocated:");
  message.other = after(figures, "otherallocations:");
  message.limit = after(figures, "maxallowed:");
  message.requested = after(text, kTried);
  return message;
}

/// `text` up to the last words that a whole message has.
std::string_view until_end(std::string_view text) {
  for (const std::string_view end : std::initializer_list<std::string_view>{"isreservedbyPyTorchbutunallocated",
                                                                            "reservedintotalbyPyTorch", "cached)"}) {
    if (const size_t at = text.find(end); at != kNowhere) return text.substr(0, at + end.size());
  }
  return text;
}

/// `all`: from "Triedtoallocate" on.
OomMessage read_figures(std::string_view all) {
  const std::string_view text = until_end(all);
  OomMessage message;
  const auto request = size_at(text, kTried.size());
  message.requested = told(request);
  message.device = request ? device_of(text.substr(request->end)) : std::nullopt;
  message.total =
      either(before(text, "totalcapac"), either(after(text, "totalcapacityof"), after(text, "totalcapactyof")));
  message.free = either(before(text, "free;"), before(text, "isfree"));
  message.limit = before(text, "allowed;");
  message.allocated = either(before(text, "alreadyallocated"), before(text, "isallocatedbyPyTorch"));
  message.reserved = before(text, "reservedintotalbyPyTorch");
  message.unallocated = either(before(text, "isreservedbyPyTorchbutunallocated"), before(text, "cached)"));
  message.private_free = before(text, "allocatedinprivatepools");
  message.processes = processes_of(text);
  const bool sentences = text.find("hasatotalcapac") != kNowhere || text.find("isallocatedbyPyTorch") != kNowhere;
  const bool figures = message.total || message.allocated || message.reserved;
  message.form = sentences ? MessageForm::kSentences : figures ? MessageForm::kParentheses : MessageForm::kShort;
  message.releases = releases_of(message, all);  // the advice comes after the figures
  return message;
}

OomMessage read_tried(std::string_view all, size_t at) {
  const std::string_view text = all.substr(at, kWindow);
  const size_t back = std::min(at, kLookBack);
  const std::string_view figures = all.substr(at - back, back);
  if (const size_t mps = figures.rfind(kMps); mps != kNowhere) return read_mps(figures.substr(mps), text);
  OomMessage message = read_figures(text);
  message.backend = backend_of(figures);
  return message;
}

struct Bare {
  std::string_view phrase;
  BareError error;
  const char* backend = "";
};
// What says most comes first.
constexpr std::array<Bare, 13> kBare = {{{"Triedtoallocatemorethan1EB", BareError::kTooLarge},
                                         {"preemptivelyrejected", BareError::kRejected},
                                         {"CUBLAS_STATUS_ALLOC_FAILED", BareError::kLibrary, "CUDA"},
                                         {"CUDNN_STATUS_ALLOC_FAILED", BareError::kLibrary, "CUDA"},
                                         {"cudaErrorMemoryAllocation", BareError::kDriver, "CUDA"},
                                         {"CUDAerror:outofmemory", BareError::kDriver, "CUDA"},
                                         {"CUDAdrivererror:outofmemory", BareError::kDriver, "CUDA"},
                                         {"HIPerror:outofmemory", BareError::kDriver, "HIP"},
                                         {"DefaultCPUAllocator", BareError::kHost},
                                         {"CUDAoutofmemory", BareError::kOutOfMemory, "CUDA"},
                                         {"HIPoutofmemory", BareError::kOutOfMemory, "HIP"},
                                         {"XPUoutofmemory", BareError::kOutOfMemory, "XPU"},
                                         {"MPSbackendoutofmemory", BareError::kOutOfMemory, "MPS"}}};

FoundMessages find_bare(std::string_view text) {
  FoundMessages found;
  for (const Bare& bare : kBare) {
    for (size_t at = text.find(bare.phrase); at != kNowhere; at = text.find(bare.phrase, at + bare.phrase.size())) {
      ++found.count;
    }
    if (found.count == 0) continue;
    found.last.emplace();
    found.last->bare = bare.error;
    found.last->backend = bare.backend;
    return found;
  }
  return found;
}

struct Place {
  size_t at = 0;
  bool async = false;
};

/// Where messages that tell a size are, in their order.
std::vector<Place> find_places(std::string_view text) {
  std::vector<Place> places;
  for (size_t at = text.find(kTried); at != kNowhere; at = text.find(kTried, at + 1)) {
    if (size_at(text, at + kTried.size())) places.push_back({at, false});
  }
  for (size_t at = text.find(kAsync); at != kNowhere; at = text.find(kAsync, at + 1)) places.push_back({at, true});
  std::ranges::sort(places, {}, &Place::at);
  return places;
}

/// The message at place `i`, from no more text than lies between its neighbours, whose figures are not its own.
OomMessage read_place(std::string_view text, const std::vector<Place>& places, size_t i) {
  const size_t begin = i == 0 ? 0 : places[i - 1].at;
  const size_t end = i + 1 == places.size() ? text.size() : places[i + 1].at;
  const std::string_view own = text.substr(begin, end - begin);
  return places[i].async ? read_async(own, places[i].at - begin) : read_tried(own, places[i].at - begin);
}

bool has_figures(const OomMessage& m) { return m.total || m.free || m.allocated || m.reserved || m.limit; }

/// Takes a message without figures, which comes after the one that is explained, for what it is.
void add_later(const PrintedOrNot& requested, FoundMessages& found) {
  const PrintedOrNot& explained = found.last->requested;
  ++found.later.count;
  if (!requested || (explained && explained->value == requested->value)) return;
  ++found.later.of_another_size;
  found.later.requested = requested;
}

}  // namespace

FoundMessages find_oom_messages(std::string_view squeezed) {
  const std::vector<Place> places = find_places(squeezed);
  if (places.empty()) return find_bare(squeezed);
  FoundMessages found;
  found.count = places.size();
  size_t chosen = places.size();
  do {
    found.last = read_place(squeezed, places, --chosen);
  } while (chosen > 0 && !has_figures(*found.last));
  if (!has_figures(*found.last)) {
    chosen = places.size() - 1;
    found.last = read_place(squeezed, places, chosen);
  }
  for (size_t i = chosen + 1; i < places.size(); ++i) add_later(read_place(squeezed, places, i).requested, found);
  return found;
}

}  // namespace unfrag::ingest
