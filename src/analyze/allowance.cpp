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
  if (!failure.device_free) return allowance;
  allowance.device_free = *failure.device_free;
  allowance.may = failure.reserved + allowance.device_free;
  const auto limit = limit_of(card);
  const bool had_room = allowance.device_free >= failure.driver;
  if (limit && had_room && failure.reserved + failure.segment > *limit) {
    allowance.limited = true;
    allowance.may = allowance.limit = limit;
  } else if (allowance.device_free >= failure.driver + kDriverReserve) {
    allowance.limited = true;
    allowance.may = allowance.limit = std::max(failure.reserved, failure.most_reserved);
  }
  if (card.memory) {
    const Bytes own = failure.reserved + allowance.device_free + card.context.value_or(kContextAllowance);
    allowance.outside = minus_or_zero(*card.memory, own);
  }
  return allowance;
}

Allowance allowance_for(Bytes reserved, const Request& request, const Card& card,
                        const std::optional<Allowance>& known) {
  Allowance allowance;
  if (card.memory) {
    allowance.may = minus_or_zero(*card.memory, card.context.value_or(Bytes()));
  } else if (known) {
    allowance.may = known->may;
  }
  if (!allowance.may) return allowance;
  allowance.device_free = minus_or_zero(*allowance.may, reserved);
  if (const auto limit = limit_of(card); limit && *limit < *allowance.may) {
    allowance.limited = reserved + request.segment > *limit && request.driver <= allowance.device_free;
    allowance.may = allowance.limit = limit;
  }
  return allowance;
}

}  // namespace unfrag::analyze
