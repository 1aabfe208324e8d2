#include "analyze/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.h"

namespace unfrag::analyze {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kMillion = 1'000'000;  // millionths of a percent in a percent
constexpr std::string_view kExample = "--fail-on 'peak_reserved>+5%'";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Error usage(std::string what, std::string_view action = kExample) {
  return Error{ErrorKind::kUsage, "", std::move(what), std::string(action)};
}

std::string_view short_name(Metric metric) {
  std::string_view name = metric_name(metric);
  if (is_size(metric)) name.remove_suffix(std::string_view("_bytes").size());
  return name;
}

std::optional<Metric> metric_of(std::string_view name) {
  for (size_t i = 0; i < kMetrics; ++i) {
    const auto metric = static_cast<Metric>(i);
    if (name == metric_name(metric) || name == short_name(metric)) return metric;
  }
  return std::nullopt;
}

std::string all_metrics() {
  std::string all;
  for (size_t i = 0; i < kMetrics; ++i) {
    all += fmt::format("{}{}", i == 0 ? "one of " : ", ", short_name(static_cast<Metric>(i)));
  }
  return all;
}

/// A number with at most `decimals` digits behind the point, times 10 to the power of `decimals`.
std::optional<int64_t> decimal(std::string_view text, size_t decimals) {
  constexpr size_t kLongest = 12;
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view rest = point == text.size() ? std::string_view() : text.substr(point + 1);
  if (whole.empty() || whole.size() > kLongest || rest.size() > decimals) return std::nullopt;
  if (point != text.size() && rest.empty()) return std::nullopt;
  int64_t value = 0;
  for (const std::string_view part : {whole, rest}) {
    for (const char c : part) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
  }
  for (size_t i = rest.size(); i < decimals; ++i) value *= 10;
  return value;
}

Result<int64_t> percent_of(std::string_view text) {
  constexpr int64_t kMostPercent = 10'000 * kMillion;
  const auto value = decimal(trimmed(text), 6);
  if (value && *value <= kMostPercent) return *value;
  return usage(fmt::format("'{}%' is no percentage up to 10000 with at most 6 decimals", excerpt(text)));
}

Result<int64_t> amount_of(std::string_view text, Metric metric) {
  if (!is_size(metric)) {
    if (const auto count = decimal(text, 0)) return *count;
    return usage(fmt::format("'{}' is no number: {} counts, it has no unit", excerpt(text), short_name(metric)),
                 "--fail-on 'num_ooms>0'");
  }
  const auto size = parse_size(text);
  if (!size) return size.error();
  return static_cast<int64_t>(size->value());
}

/// A part of `a`, rounded down: a * millionths / 100 / 1,000,000.
int64_t part_of(int64_t a, int64_t millionths) {
  constexpr int64_t kWhole = 100 * kMillion;
  const int64_t times = a / kWhole, rest = a % kWhole;
  if (millionths > 0 && times > kMost / 4 / millionths) return kMost / 4;
  return times * millionths + rest * millionths / kWhole;
}

int64_t limit_of(const Gate& gate, int64_t a) {
  constexpr int64_t kWhole = 100 * kMillion;
  switch (gate.bound) {
    case Gate::Bound::kAbsolute: return gate.amount;
    case Gate::Bound::kMoreThanA: return a + gate.amount;
    case Gate::Bound::kPercentOfA: break;
  }
  if (gate.amount >= 0) return a + part_of(a, gate.amount);
  // The bound itself is rounded down, so what is taken off is rounded up.
  const int64_t taken = part_of(a, -gate.amount);
  const bool exact = a % kWhole * (-gate.amount % kWhole) % kWhole == 0;
  return a - taken - (exact ? 0 : 1);
}

/// Figures from a file that was made to be absurd stay where sums do not overflow.
int64_t bounded(uint64_t value) { return static_cast<int64_t>(std::min<uint64_t>(value, kMost / 4)); }

Error unknown(const Gate& gate, std::string_view side) {
  const bool retries = gate.metric == Metric::kNumAllocRetries;
  return {
      ErrorKind::kBadInput, std::string(side),
      fmt::format("{} is not known, so that '{}' cannot be decided: {}", short_name(gate.metric),
                  excerpt(gate.expression), retries ? "a recording does not count retries" : "no trace was recorded"),
      retries ? "num_ooms or num_device_alloc" : "a recording made with torch.cuda.memory._record_memory_history()"};
}

}  // namespace

Result<Gate> parse_gate(std::string_view expression) {
  Gate gate;
  gate.expression = trimmed(expression);
  const std::string_view text = gate.expression;
  const size_t sign_at = text.find('>');
  if (sign_at == std::string_view::npos) {
    return usage(fmt::format("--fail-on '{}' has no '>': METRIC>BOUND", excerpt(text)));
  }
  const std::string_view name = trimmed(text.substr(0, sign_at));
  const auto metric = metric_of(name);
  if (!metric) return usage(fmt::format("--fail-on: '{}' is no metric", excerpt(name)), all_metrics());
  gate.metric = *metric;
  std::string_view bound = trimmed(text.substr(sign_at + 1));
  const char sign = bound.empty() ? ' ' : bound.front();
  const bool relative = sign == '+' || sign == '-';
  if (relative) bound = trimmed(bound.substr(1));
  if (bound.empty()) return usage(fmt::format("--fail-on '{}' has no bound", excerpt(text)));
  const bool percent = bound.ends_with('%');
  if (percent && !relative) {
    return usage(fmt::format("--fail-on '{}': a bound in percent is relative to A and needs a sign", excerpt(text)));
  }
  const auto amount = percent ? percent_of(bound.substr(0, bound.size() - 1)) : amount_of(bound, *metric);
  if (!amount) return amount.error();
  gate.amount = sign == '-' ? -*amount : *amount;
  if (relative) gate.bound = percent ? Gate::Bound::kPercentOfA : Gate::Bound::kMoreThanA;
  return gate;
}

Result<GateOutcome> check_gate(const Gate& gate, const Metrics& a, const Metrics& b) {
  const auto in_a = at(a, gate.metric), in_b = at(b, gate.metric);
  if (!in_b) return unknown(gate, "B");
  if (!in_a && gate.bound != Gate::Bound::kAbsolute) return unknown(gate, "A");
  const int64_t limit = limit_of(gate, bounded(in_a.value_or(0)));
  return GateOutcome{.gate = gate, .a = in_a, .b = *in_b, .limit = limit, .holds = bounded(*in_b) <= limit};
}

}  // namespace unfrag::analyze
