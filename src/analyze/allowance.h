// How much memory the process may have: what the device and a limit leave it. Threads: pure functions.
#pragma once

#include <optional>

#include "analyze/request.h"
#include "base/strong.h"
#include "replay/card.h"

namespace unfrag::analyze {

/// Drivers refuse the last few MiB that they call free: only beyond them was a request refused by a limit.
inline constexpr Bytes kDriverReserve = 32_MiB;
/// What the process's own context may take where nobody says: not counted as somebody else's.
inline constexpr Bytes kContextAllowance = 1_GiB;

using replay::Card;

/// What the process may have, as far as it is known.
struct Allowance {
  std::optional<Bytes> may{};      ///< Reserved and what the driver had left, or the limit.
  Bytes device_free{};             ///< What the driver would still give.
  std::optional<Bytes> limit{};    ///< A limit on reserved memory, if there is one.
  bool limited = false;            ///< A limit refuses what the device could give.
  std::optional<Bytes> outside{};  ///< On the device and neither this process's to take nor its context.
};

/// At a failed request: the recording tells what the driver had left.
struct Failure {
  Bytes reserved{};
  Bytes most_reserved{};  ///< Until there.
  std::optional<Bytes> device_free{};
  Bytes segment{};  ///< See Request.
  Bytes driver{};
};
Allowance allowance_at(const Failure& failure, const Card& card);

/// At any moment, by the card, else as it was at the failed request `known`.
Allowance allowance_for(Bytes reserved, const Request& request, const Card& card,
                        const std::optional<Allowance>& known);

}  // namespace unfrag::analyze
