#include "analyze/allowance.h"

#include <algorithm>

namespace unfrag::analyze {
namespace {

// Truncated as in CUDACachingAllocator.cpp, setMemoryFraction.
std::optional<Bytes> limit_of(const Card& card) {
  if (!card.memory || !card.fraction || *card.fraction >= 1) return std::nullopt;
  return Bytes(static_cast<uint64_t>(*card.fraction * static_cast<double>(card.memory->value())));
}

}  // namespace

Allowance allowance_at(const Failure& failure, const Card& card) {
  Allowance allowance;
  allowance.may = failure.reserved + failure.device_free;
  allowance.device_free = failure.device_free;
  if (const auto limit = limit_of(card)) {
    allowance.limited = failure.reserved + failure.asked > *limit && failure.asked <= failure.device_free;
    if (allowance.limited) allowance.may = limit;
  } else if (failure.device_free >= failure.asked + kDriverReserve) {
    allowance.limited = true;
    allowance.may = std::max(failure.reserved, failure.most_reserved);
  }
  if (card.memory) {
    const Bytes own = failure.reserved + failure.device_free + card.context.value_or(kContextAllowance);
    allowance.outside = minus_or_zero(*card.memory, own);
  }
  return allowance;
}

Allowance allowance_for(Bytes reserved, Bytes asked, const Card& card, const std::optional<Allowance>& known) {
  Allowance allowance;
  if (card.memory) {
    allowance.may = minus_or_zero(*card.memory, card.context.value_or(Bytes()));
  } else if (known) {
    allowance.may = known->may;
  } else {
    return allowance;
  }
  allowance.device_free = minus_or_zero(*allowance.may, reserved);
  if (const auto limit = limit_of(card); limit && *limit < *allowance.may) {
    allowance.limited = reserved + asked > *limit && asked <= allowance.device_free;
    allowance.may = limit;
  }
  return allowance;
}

}  // namespace unfrag::analyze
