#include "report/message_words.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace unfrag::report {
namespace {

using analyze::Amount;
using analyze::AmountOrNot;
using analyze::MessageExplanation;
using analyze::MessageFindings;
using analyze::SummaryFindings;
using analyze::Unknown;
using analyze::VerdictKind;
using trace::BareError;
using trace::MessageForm;
using trace::OomMessage;
using trace::PrintedOrNot;

constexpr Amount kNone;

std::string text_of(const PrintedOrNot& printed) { return printed ? printed->text : std::string("an unknown amount"); }
std::string text_of(const AmountOrNot& amount) { return amount ? about(*amount) : std::string("an unknown amount"); }

Amount sum(const AmountOrNot& a, const AmountOrNot& b) {
  const Amount x = a ? *a : kNone;
  const Amount y = b ? *b : kNone;
  return {x.value + y.value, x.low + y.low, x.high + y.high};
}

// ---- headlines ----

std::string limit_headline(const OomMessage& message, const MessageFindings& f) {
  if (message.form == MessageForm::kMps) {
    return fmt::format(
        "{} allocated by PyTorch, {} of other allocations and the {} asked for pass the {} that "
        "PYTORCH_MPS_HIGH_WATERMARK_RATIO allows.",
        text_of(message.allocated), text_of(message.other), text_of(message.requested), text_of(message.limit));
  }
  return fmt::format(
      "{} more would pass the limit of {} that is set for this process, of which {} {} already; the driver had {} "
      "left.",
      text_of(message.requested), text_of(message.limit), text_of(f.reserved ? f.reserved : f.allocated),
      f.reserved ? "are reserved" : "are allocated", text_of(message.free));
}

std::string outside_headline(const OomMessage& message, const MessageFindings& f) {
  std::string who;
  if (f.named) who = fmt::format("{} are used by other processes", about(*f.named));
  if (f.unlisted) {
    who += fmt::format("{}{} are used by {}", who.empty() ? "" : " and ", about(*f.unlisted),
                       f.own ? "no process that the message names"
                             : "other processes, or by this one outside PyTorch (beyond the 1 GiB allowed for that)");
  }
  return fmt::format(
      "of the device's {}, {}; without that, the {} asked for would have been served, for which the driver's {} were "
      "not enough.",
      text_of(message.total), who, text_of(message.requested), text_of(message.free));
}

std::string capacity_headline(const OomMessage& message, const MessageFindings& f) {
  if (!f.spare) {
    return fmt::format("{} allocated and {} asked for are {}, more than the whole device's {}.", text_of(f.allocated),
                       text_of(message.requested), text_of(f.need), text_of(message.total));
  }
  const std::string held =
      fmt::format("{} are allocated and {} more were asked for, of the {} that the process may have",
                  text_of(f.allocated), text_of(message.requested), text_of(f.may));
  if (f.spare->value < 0) {
    return fmt::format("{}: {} are missing, however well the memory is laid out.", held,
                       about({-f.spare->value, -f.spare->high, -f.spare->low}));
  }
  return fmt::format("{}: without any holes {} would be spare, less than {} %.", held, about(*f.spare),
                     analyze::kCapacityPercent);
}

std::string bare_headline(BareError error) {
  switch (error) {
    case BareError::kDriver:
      return "the driver itself reported that memory ran out, and no figures come with that: a library, a context or "
             "pinned host memory asked for it, not PyTorch's allocator.";
    case BareError::kLibrary:
      return "cuBLAS or cuDNN could not get memory for its own workspace, and no figures come with that; usually "
             "PyTorch or other processes have taken the rest of the device.";
    case BareError::kTooLarge:
      return "more than 1 EB was asked for, which no device has: a negative or overflowed size, not a lack of memory.";
    case BareError::kRejected:
      return "PyTorch rejected the request before it asked the driver (throw_on_cudamalloc_oom), and no figures come "
             "with that.";
    case BareError::kHost:
      return "the host's memory ran out (DefaultCPUAllocator), not the GPU's; unfrag explains only the GPU's.";
    default: return "the message has no figures: what follows \"out of memory.\" is missing.";
  }
}

std::string missing_figures(const OomMessage& message) {
  std::string missing;
  const auto add = [&](bool is_missing, std::string_view name) {
    if (is_missing) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", name);
  };
  add(!message.requested, "what was asked for");
  add(!message.free && message.form != MessageForm::kMps, "what the driver had left");
  add(!message.allocated, "what is allocated");
  add(!message.reserved && !message.unallocated && message.form != MessageForm::kMps, "what is reserved");
  return missing.empty() ? std::string("a figure") : missing;
}

std::string undecided_headline(const OomMessage& message, const MessageFindings& f) {
  switch (f.unknown) {
    case Unknown::kNoFigures: return bare_headline(message.bare);
    case Unknown::kRefusedWithRoom:
      return fmt::format(
          "the driver refused {} although it then reported {} free, and no limit is named; nothing in PyTorch's "
          "figures "
          "explains that.",
          text_of(message.requested), text_of(message.free));
    case Unknown::kPoolsNeeded:
      return fmt::format("only together with the {} free in private pools is there enough for the {} asked for.",
                         text_of(message.private_free), text_of(message.requested));
    default: return fmt::format("the text does not say: {}.", missing_figures(message));
  }
}

std::string headline_of(const OomMessage& message, const MessageFindings& f) {
  switch (f.kind) {
    case VerdictKind::kLimit: return limit_headline(message, f);
    case VerdictKind::kOutside: return outside_headline(message, f);
    case VerdictKind::kCapacity: return capacity_headline(message, f);
    case VerdictKind::kStranded:
      return fmt::format(
          "{} lie free in private pools (CUDA graphs, MemPool), enough for the {} asked for, but a request from "
          "outside "
          "a pool may not use them.",
          text_of(message.private_free), text_of(message.requested));
    case VerdictKind::kFragmentation:
      return fmt::format(
          "{} lie free in PyTorch's segments and {} were left at the driver, together {}, but nowhere {} in one piece "
          "that this request may use.",
          text_of(f.unallocated), text_of(f.room), about(sum(f.unallocated, f.room)), text_of(message.requested));
    default: return undecided_headline(message, f);
  }
}

std::string headline_of(const trace::MemorySummary& summary, const SummaryFindings& f) {
  const std::string reserved = summary.reserved ? summary.reserved->current.text : std::string("an unknown amount");
  switch (f.kind) {
    case VerdictKind::kCache:
      return fmt::format("of the {} reserved, {} lie in wholly free segments, which torch.cuda.empty_cache() returns.",
                         reserved, text_of(f.releasable));
    case VerdictKind::kFragmentation:
      return fmt::format("of the {} reserved, {} lie in holes between blocks in use, which empty_cache cannot return.",
                         reserved, text_of(f.holes));
    case VerdictKind::kHealthy:
      return fmt::format("of the {} reserved, only {} are free: {} in holes, {} in wholly free segments.", reserved,
                         text_of(f.free), text_of(f.holes), text_of(f.releasable));
    default:
      return f.free ? fmt::format(
                          "of the {} reserved, {} are free; how much of that empty_cache returns cannot be told "
                          "without the row Non-releasable memory.",
                          reserved, text_of(f.free))
                    : std::string("rows of the table are missing, so that what is free cannot be told.");
  }
}

// ---- how to read it ----

std::string tensor_note(const OomMessage& message, const analyze::TensorSize& tensor) {
  const std::string request = text_of(message.requested);
  if (!tensor.is_driver_request) {
    return fmt::format("The program asked for {} as it is; no rounding of PyTorch's shows in it.", request);
  }
  const std::string asked = fmt::format("{} is what PyTorch asked of the driver, not the tensor's size: ", request);
  if (tensor.at_most == 1_MiB) return asked + "any tensor of up to 1 MiB asks for a segment of 2 MiB.";
  if (tensor.more_than == 1_MiB) {
    return asked + "any tensor of over 1 and under 10 MiB asks for a segment of 20 MiB, as does one of 18 to 20 MiB.";
  }
  return asked + fmt::format("the tensor has over {} and at most {}.", format_bytes(tensor.more_than),
                             format_bytes(tensor.at_most));
}

std::string_view also_reason(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kOutside: return "without the memory of others the request would have been served.";
    case VerdictKind::kCapacity: return "even without any holes hardly anything would be spare.";
    case VerdictKind::kStranded: return "the private pools' free bytes are enough for the request.";
    case VerdictKind::kFragmentation: return "the free bytes together are enough, but not in one piece.";
    default: return "see the figures.";
  }
}

std::string later_note(const trace::LaterMessages& later) {
  if (later.of_another_size == 1) {
    return fmt::format(
        "A later message without figures asked for {}: another failure, of which the text tells no more.",
        text_of(later.requested));
  }
  return fmt::format(
      "{} later messages without figures asked for other sizes, the last for {}: other failures, of which the text "
      "tells no more.",
      format_count(later.of_another_size), text_of(later.requested));
}

void add_message_notes(const OomMessage& message, const MessageFindings& f, std::vector<std::string>& notes) {
  if (f.tensor) notes.push_back(tensor_note(message, *f.tensor));
  if (message.private_free) {
    notes.push_back(
        fmt::format("\"{} allocated in private pools\" counts the pools' free blocks, despite the word: so {} are "
                    "allocated, not {}.",
                    message.private_free->text, text_of(f.allocated), text_of(message.allocated)));
  }
  if (f.own_pid) {
    notes.push_back(fmt::format(
        "Process {} is taken for the one that failed: no process is called \"this process\" (as in a container), and "
        "its use fits what PyTorch has reserved.",
        *f.own_pid));
  }
  if (f.own && f.reserved) {
    const Amount beside{f.own->value - f.reserved->value, f.own->low - f.reserved->high, f.own->high - f.reserved->low};
    if (beside.value > 0)
      notes.push_back(fmt::format("{} of this process are not PyTorch's: context, libraries.", about(beside)));
  }
  if (f.unknown == Unknown::kRefusedWithRoom) {
    notes.emplace_back(
        "It happens where another process took memory in between and gave it back, where Windows or WSL pages device "
        "memory, under a virtual GPU's quota, and where a device allows no allocation of that size.");
  }
}

void add_summary_notes(const trace::MemorySummary& summary, const SummaryFindings& f, std::vector<std::string>& notes) {
  if (summary.ooms && *summary.ooms > 0) {
    notes.push_back(fmt::format("Memory ran out {} until then; what was asked for is not in the table.",
                                *summary.ooms == 1 ? std::string("once") : fmt::format("{} times", *summary.ooms)));
  }
  if (summary.retries && *summary.retries > 0) {
    notes.push_back(fmt::format(
        "{} the driver refused at first, and PyTorch gave back all cached segments and asked again: slow, and a sign "
        "of memory almost full or full of holes.",
        *summary.retries == 1 ? std::string("Once") : fmt::format("{} times", *summary.retries)));
  }
  if (summary.reserved && summary.allocated) {
    notes.push_back(fmt::format("At the peaks, which need not be one moment, {} were allocated and {} reserved.",
                                summary.allocated->peak.text, summary.reserved->peak.text));
  }
  if (f.pending && f.pending->low > 0) {
    notes.push_back(fmt::format("{} were given back but wait for other streams.", about(*f.pending)));
  }
  if (f.rounding && f.rounding->low > 0) {
    notes.push_back(
        fmt::format("{} of the active memory are rounding, beyond what tensors asked for.", about(*f.rounding)));
  }
}

void add_message_gaps(const OomMessage& message, const MessageFindings& f, std::vector<std::string>& gaps) {
  gaps.emplace_back("which lines of code hold the memory: a traceback shows who asked last, not who holds");
  gaps.emplace_back(
      "growth: whether the program holds more with every iteration, so that any device would be too small");
  if (f.unallocated && f.unallocated->value > 0) {
    gaps.push_back(
        fmt::format("whether the {} free in segments are holes that are too small (fragmentation) or lie in another "
                    "stream's pool, or "
                    "behind pending events (stranded)",
                    text_of(f.unallocated)));
  }
  if (message.private_free) {
    gaps.emplace_back("whether the request came from inside one of the private pools, which may use its free bytes");
  }
  if (f.tensor && f.tensor->is_driver_request) gaps.emplace_back("the exact size of the tensor");
  if (f.unlisted) gaps.emplace_back("who uses the memory that is nobody's here: nvidia-smi on the host shows it");
  if (!f.own && message.total && message.free && f.reserved) {
    gaps.emplace_back("what this process uses beside PyTorch; 1 GiB is allowed for it");
  }
  if (message.form == MessageForm::kAsync) {
    gaps.emplace_back("what the driver's own pool holds back: backend:cudaMallocAsync places the memory");
  }
  if (message.form == MessageForm::kMps) gaps.emplace_back("whether the machine had more memory than the limit allows");
  if (message.form == MessageForm::kSentences) {
    gaps.emplace_back("whether expandable_segments is on: the advice to set it is printed either way");
  }
  if (f.borderline) {
    gaps.push_back(fmt::format("on which side of {} % the spare memory lies: the figures are rounded to two decimals",
                               analyze::kCapacityPercent));
  }
}

}  // namespace

std::string about(const Amount& amount) {
  const bool negative = amount.value < 0;
  double size = negative ? -static_cast<double>(amount.value) : static_cast<double>(amount.value);
  constexpr std::array<const char*, 4> kUnits = {"B", "KiB", "MiB", "GiB"};
  size_t unit = 0;
  // As PyTorch does: 1024.00 MiB stay MiB.
  while (unit + 1 < kUnits.size() && size > 1024) {
    size /= 1024;
    ++unit;
  }
  return fmt::format("{}{:.{}f} {}", negative ? "-" : "", size, unit == 0 ? 0 : 2, kUnits[unit]);
}

std::string message_headline(const MessageExplanation& explanation) {
  return explanation.findings ? headline_of(*explanation.facts.message, *explanation.findings)
                              : headline_of(*explanation.facts.summary, *explanation.on_summary);
}

std::vector<std::string> message_notes(const MessageExplanation& explanation) {
  std::vector<std::string> notes;
  if (explanation.facts.later.of_another_size > 0) notes.push_back(later_note(explanation.facts.later));
  for (const VerdictKind kind : explanation.also()) {
    notes.push_back(fmt::format("{} holds, too: {}", analyze::verdict_name(kind), also_reason(kind)));
  }
  if (explanation.findings) add_message_notes(*explanation.facts.message, *explanation.findings, notes);
  if (explanation.on_summary) add_summary_notes(*explanation.facts.summary, *explanation.on_summary, notes);
  return notes;
}

std::vector<std::string> cannot_tell(const MessageExplanation& explanation) {
  std::vector<std::string> gaps;
  if (explanation.findings) {
    add_message_gaps(*explanation.facts.message, *explanation.findings, gaps);
  } else {
    gaps.emplace_back("which lines of code hold the memory, and what was asked for when it ran out");
    gaps.emplace_back("the size of the largest hole, and which stream or private pool the free bytes belong to");
    gaps.emplace_back("growth: a table is one moment");
  }
  if (explanation.on_summary) {
    gaps.emplace_back("how much of expandable segments cannot be returned: non-releasable memory leaves them out");
  }
  return gaps;
}

std::vector<std::string> record_lines(const OomMessage& message) {
  if (message.backend == "MPS") return {};
  const std::string_view module = message.backend == "XPU" ? "xpu" : "cuda";
  std::vector<std::string> lines;
  if (message.form == MessageForm::kAsync)
    lines.emplace_back("# without backend:cudaMallocAsync, which records nothing");
  lines.insert(lines.end(),
               {"import torch", fmt::format("torch.{}.memory._record_memory_history(max_entries=1_000_000)", module),
                "try:", "    main()  # all that your program does",
                "except torch.OutOfMemoryError:  # before 2.5: torch.cuda.OutOfMemoryError",
                fmt::format("    torch.{}.memory._dump_snapshot(\"oom.pickle\")", module), "    raise"});
  return lines;
}

}  // namespace unfrag::report
