#include "analyze/message_verdict.h"

#include <algorithm>
#include <array>
#include <utility>

namespace unfrag::analyze {
namespace {

using trace::MessageForm;
using trace::OomMessage;
using trace::PrintedOrNot;

int64_t to_signed(uint64_t bytes) { return static_cast<int64_t>(bytes); }
int64_t to_signed(Bytes bytes) { return to_signed(bytes.value()); }

AmountOrNot amount(const PrintedOrNot& printed) {
  if (!printed) return std::nullopt;
  return Amount{to_signed(printed->value), to_signed(printed->low), to_signed(printed->high)};
}
AmountOrNot amount(const trace::SummaryRowOrNot& row) {
  return row ? amount(PrintedOrNot(row->current)) : std::nullopt;
}
AmountOrNot plus(const AmountOrNot& a, const AmountOrNot& b) {
  if (!a || !b) return std::nullopt;
  return Amount{a->value + b->value, a->low + b->low, a->high + b->high};
}
AmountOrNot minus(const AmountOrNot& a, const AmountOrNot& b) {
  if (!a || !b) return std::nullopt;
  return Amount{a->value - b->value, a->low - b->high, a->high - b->low};
}
/// The smaller one, and where only one is known that one.
AmountOrNot smaller(const AmountOrNot& a, const AmountOrNot& b) {
  if (!a || !b) return a ? a : b;
  return a->value <= b->value ? a : b;
}
AmountOrNot not_negative(AmountOrNot a) {
  if (a) *a = {std::max<int64_t>(a->value, 0), std::max<int64_t>(a->low, 0), std::max<int64_t>(a->high, 0)};
  return a;
}
bool at_least(const AmountOrNot& a, const AmountOrNot& b) { return a && b && a->value >= b->value; }

/// Sizes of tensors that lead to a driver request. Source: PyTorch, get_allocation_size; allocator.md 1.4.
TensorSize tensor_size(const trace::Printed& request, MessageForm form) {
  constexpr Bytes kSmallSegment = 2_MiB;
  constexpr Bytes kLargeSegment = 20_MiB;
  const Bytes low(request.low);
  const Bytes high(request.high);
  const auto may_be = [&](Bytes size) { return low <= size && size <= high; };
  const Bytes multiple((request.high >> 21) << 21);
  if (form == MessageForm::kAsync || form == MessageForm::kMps || !may_be(multiple) || multiple == Bytes()) {
    return {low == Bytes() ? low : low - 1_B, high, false};
  }
  if (may_be(kSmallSegment)) return {Bytes(), 1_MiB};
  if (may_be(kLargeSegment)) return {1_MiB, kLargeSegment};
  const Bytes lowest(((request.low + (2_MiB).value() - 1) >> 21) << 21);
  return {lowest - 2_MiB, multiple};
}

/// Reads the figures for what they are: the message counts the private pools' free blocks as allocated.
void add_sums(const OomMessage& message, MessageFindings& f) {
  const AmountOrNot printed = amount(message.allocated);
  const AmountOrNot unallocated = amount(message.unallocated);
  f.allocated = message.private_free ? minus(printed, amount(message.private_free)) : printed;
  if (message.form == MessageForm::kMps && message.other) f.allocated = plus(f.allocated, amount(message.other));
  f.reserved = message.reserved ? amount(message.reserved) : plus(printed, unallocated);
  f.unallocated = message.reserved ? not_negative(minus(f.reserved, printed)) : unallocated;
  const AmountOrNot limit = amount(message.limit);
  const AmountOrNot free = amount(message.free);
  f.room = free ? smaller(free, not_negative(minus(limit, f.reserved))) : std::nullopt;
  f.may = smaller(limit, plus(f.reserved, free));
  if (limit && !plus(f.reserved, free) && message.form != MessageForm::kMps) f.may.reset();
  f.need = plus(f.allocated, amount(message.requested));
  f.spare = minus(f.may, f.need);
}

/// The process that printed the message. In a container PyTorch cannot tell its own process from the others, so that
/// all go by numbers; the one that uses just more than PyTorch has reserved is this one then.
const trace::ProcessUse* own_process(const OomMessage& message, const AmountOrNot& reserved) {
  const trace::ProcessUse* smallest = nullptr;
  for (const trace::ProcessUse& use : message.processes) {
    if (!use.pid) return &use;
    if (!use.bytes || !reserved || to_signed(use.bytes->high) < reserved->low) continue;
    if (smallest == nullptr || use.bytes->value < smallest->bytes->value) smallest = &use;
  }
  return smallest;
}

/// Who uses the rest of the device.
void add_processes(const OomMessage& message, MessageFindings& f) {
  const trace::ProcessUse* const self = own_process(message, f.reserved);
  if (self != nullptr) {
    f.own = amount(self->bytes);
    f.own_pid = self->pid;
  }
  for (const trace::ProcessUse& use : message.processes) {
    if (&use != self && use.bytes) f.named = plus(f.named ? f.named : Amount{}, amount(use.bytes));
  }
  const auto context = to_signed(kContextAllowance);
  const AmountOrNot own = f.own ? f.own : plus(f.reserved, Amount{context, context, context});
  AmountOrNot rest = minus(minus(amount(message.total), amount(message.free)), own);
  if (f.named) rest = minus(rest, f.named);
  if (rest && rest->value > (f.own ? to_signed(kDriverShare) : 0)) f.unlisted = rest;
}

bool is_limit(const OomMessage& message, const MessageFindings& f) {
  const AmountOrNot held = message.form == MessageForm::kMps || !f.reserved ? f.allocated : f.reserved;
  const AmountOrNot wanted = plus(held, amount(message.requested));
  if (!message.limit || !wanted || wanted->high <= to_signed(message.limit->low)) return false;
  return message.form == MessageForm::kMps || at_least(amount(message.free), amount(message.requested));
}

bool is_outside(const OomMessage& message, const MessageFindings& f) {
  const AmountOrNot request = amount(message.requested);
  const AmountOrNot free = amount(message.free);
  if (!request || !free || free->value >= request->value || (!f.named && !f.unlisted)) return false;
  const AmountOrNot without = plus(plus(free, f.named ? f.named : Amount{}), f.unlisted ? f.unlisted : Amount{});
  return at_least(smaller(without, minus(amount(message.limit), f.reserved)), request);
}

bool is_capacity(const OomMessage& message, const MessageFindings& f) {
  if (f.spare)
    return f.spare->value < f.may->value / 100 * static_cast<int64_t>(kCapacityPercent) || f.spare->value < 0;
  const AmountOrNot total = amount(message.total);
  return total && f.need && f.need->low > total->high;
}

bool is_fragmentation(const OomMessage& message, const MessageFindings& f) {
  const AmountOrNot request = amount(message.requested);
  return f.room && request && f.room->value < request->value && at_least(plus(f.unallocated, f.room), request);
}

Unknown why_unknown(const OomMessage& message, const MessageFindings& f) {
  if (message.form == MessageForm::kBare) return Unknown::kNoFigures;
  if (!f.spare || !f.room) return Unknown::kMissing;
  return at_least(f.room, amount(message.requested)) ? Unknown::kRefusedWithRoom : Unknown::kPoolsNeeded;
}

bool is_borderline(const MessageFindings& f) {
  if (!f.spare || !f.may) return false;
  const auto full = [&](int64_t spare) { return spare < f.may->value / 100 * static_cast<int64_t>(kCapacityPercent); };
  return full(f.spare->low) != full(f.spare->high);
}

template <size_t n>
VerdictKind choose(const std::array<std::pair<VerdictKind, bool>, n>& tried, std::vector<VerdictKind>& also) {
  VerdictKind kind = VerdictKind::kUndecided;
  for (const auto& [candidate, holds] : tried) {
    if (!holds) continue;
    if (kind == VerdictKind::kUndecided) {
      kind = candidate;
    } else {
      also.push_back(candidate);
    }
  }
  return kind;
}

}  // namespace

MessageFindings judge(const OomMessage& message) {
  MessageFindings f;
  if (message.requested) f.tensor = tensor_size(*message.requested, message.form);
  add_sums(message, f);
  add_processes(message, f);
  f.borderline = is_borderline(f);
  f.kind = choose(
      std::array{std::pair(VerdictKind::kLimit, is_limit(message, f)),
                 std::pair(VerdictKind::kOutside, is_outside(message, f)),
                 std::pair(VerdictKind::kCapacity, is_capacity(message, f)),
                 std::pair(VerdictKind::kStranded, at_least(amount(message.private_free), amount(message.requested))),
                 std::pair(VerdictKind::kFragmentation, is_fragmentation(message, f))},
      f.also);
  if (f.kind == VerdictKind::kUndecided) f.unknown = why_unknown(message, f);
  return f;
}

SummaryFindings judge(const trace::MemorySummary& summary) {
  SummaryFindings f;
  const AmountOrNot reserved = amount(summary.reserved);
  const AmountOrNot active = summary.active ? amount(summary.active) : amount(summary.allocated);
  f.free = not_negative(minus(reserved, active));
  f.holes = amount(summary.non_releasable);
  f.releasable = not_negative(minus(f.free, f.holes));
  f.rounding = not_negative(minus(amount(summary.active), amount(summary.requested)));
  f.pending = not_negative(minus(amount(summary.active), amount(summary.allocated)));
  if (!reserved || !f.releasable) return f;
  const auto notable = [&](const AmountOrNot& part) {
    return part->value >= to_signed(kFreeBytes) &&
           part->value > reserved->value / 100 * static_cast<int64_t>(kFreePercent);
  };
  f.kind = choose(std::array{std::pair(VerdictKind::kCache, notable(f.releasable)),
                             std::pair(VerdictKind::kFragmentation, notable(f.holes))},
                  f.also);
  if (f.kind == VerdictKind::kUndecided) f.kind = VerdictKind::kHealthy;
  return f;
}

}  // namespace unfrag::analyze
