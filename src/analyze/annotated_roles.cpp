#include "analyze/annotated_roles.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace unfrag::analyze {
namespace {

constexpr size_t kDeepest = 64;  // annotations within each other, that is looked at

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Whether `word` stands in `text` by itself, whatever the case.
bool has_word(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  auto from = text.begin();
  while (true) {
    const auto found = std::search(from, text.end(), word.begin(), word.end(), same);
    if (found == text.end()) return false;
    const auto behind = found + static_cast<ptrdiff_t>(word.size());
    const bool alone =
        (found == text.begin() || !is_letter(found[-1])) && (behind == text.end() || !is_letter(*behind));
    if (alone) return true;
    from = found + 1;
  }
}

// Source: torch/optim/optimizer.py, torch/utils/data/dataloader.py, torch/nn/parallel/distributed.py.
Role role_of(std::string_view name) {
  if (name.starts_with("Optimizer.step#")) return Role::kUpdate;
  if (name.starts_with("Optimizer.zero_grad#")) return Role::kZeroGrad;
  if (name.starts_with("enumerate(DataLoader)#")) return Role::kData;
  const bool forward = has_word(name, "forward"), backward = has_word(name, "backward");
  if (forward != backward) return forward ? Role::kForward : Role::kBackward;
  return Role::kNoFrames;
}

}  // namespace

AnnotatedRoles::AnnotatedRoles(const trace::Trace& trace, const trace::Device& device) : trace_(trace) {
  last_begin_.fill(trace::kNoTime);
  std::vector<const trace::Annotation*> ours;
  for (const trace::Annotation& one : trace.annotations) {
    if (one.device == device.index && one.time_us != trace::kNoTime && one.stage != trace::Stage::kOther &&
        role_of(trace.strings[one.name]) != Role::kNoFrames) {
      ours.push_back(&one);
    }
  }
  // By time, then as recorded: the pointers are into one vector.
  std::ranges::sort(ours, {}, [](const trace::Annotation* one) { return std::pair(one->time_us, one); });
  std::vector<trace::StringIdx> open;
  for (const trace::Annotation* one : ours) {
    if (one->stage == trace::Stage::kStart) {
      open.push_back(one->name);
      last_begin_[static_cast<size_t>(role_of(trace.strings[one->name]))] = one->time_us;
    } else {
      const size_t looked_at = std::min(open.size(), kDeepest);
      const auto found = std::find(open.rbegin(), open.rbegin() + static_cast<ptrdiff_t>(looked_at), one->name);
      if (found == open.rbegin() + static_cast<ptrdiff_t>(looked_at)) continue;
      open.erase(std::prev(found.base()), open.end());
    }
    changes_.push_back({one->time_us, open.empty() ? Role::kNoFrames : role_of(trace.strings[open.back()])});
  }
}

Role AnnotatedRoles::at(size_t event) const {
  const int64_t time = changes_.empty() ? trace::kNoTime : trace_.time_of(event);
  if (time == trace::kNoTime) return Role::kNoFrames;
  const auto after = std::ranges::upper_bound(changes_, time, {}, &Change::time_us);
  return after == changes_.begin() ? Role::kNoFrames : after[-1].role;
}

bool AnnotatedRoles::begins_after(size_t event, Role role) const {
  const int64_t time = trace_.time_of(event);
  if (time == trace::kNoTime) return false;
  return last_begin_[static_cast<size_t>(role)] > time;
}

}  // namespace unfrag::analyze
