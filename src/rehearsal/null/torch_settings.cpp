// Three functions of PyTorch's, one of which takes new settings in each release. Ours of the same names call them and
// note the text when it was taken; an exception goes through, and nothing is noted.
//
// Source: c10/cuda/CUDAAllocatorConfig.h up to 2.9, c10/core/AllocatorConfig.h from 2.10 on; called by libtorch_python.
#include "rehearsal/null/torch_settings.h"

#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "rehearsal/null/api.h"
#include "rehearsal/null/log.h"
#include "rehearsal/null/stage.h"
#include "rehearsal/null/torch_functions.h"

namespace unfrag::null {
namespace {

using allocation_log::Kind;

/// In a child that was forked the log begins anew, but not the settings: so they are kept.
struct Told {
  std::mutex mutex;  // guards all below
  std::vector<std::string> texts;
  bool logged = false;
};
Told& told() {
  static Told* const told = new Told;  // never destroyed: programs call in when they exit
  return *told;
}

void log_change(const std::string& text) {
  log_record({.kind = Kind::kSettings, .number = 1, .first = log_text(text)});
}

/// The program may have set them itself before it imported torch.
void log_environment() {
  for (const std::string& variable : stage().settings_from) {
    const char* const text = std::getenv(variable.c_str());
    if (text == nullptr) continue;
    log_record({.kind = Kind::kSettings, .first = log_text(text)});
    return;
  }
}

/// `text`: a std::string, of the C++ library's older or newer kind; both begin with where its characters are.
void note_settings(const void* text) {
  Told& all = told();
  const std::lock_guard lock(all.mutex);
  all.texts.emplace_back(*static_cast<const char* const*>(text));
  if (all.logged) log_change(all.texts.back());
}

}  // namespace

void log_settings() {
  Told& all = told();
  const std::lock_guard lock(all.mutex);
  log_environment();
  for (const std::string& text : all.texts) log_change(text);
  all.logged = true;
}

}  // namespace unfrag::null

using unfrag::null::note_settings;
using unfrag::null::own;

#define UNFRAG_SETTINGS_2_6 _ZN3c104cuda20CUDACachingAllocator20setAllocatorSettingsERKSs
#define UNFRAG_SETTINGS_2_7 \
  _ZN3c104cuda20CUDACachingAllocator20setAllocatorSettingsERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE
#define UNFRAG_SETTINGS_2_10 \
  _ZN3c1016CachingAllocator26AcceleratorAllocatorConfig9parseArgsERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE

// NOLINTBEGIN(bugprone-reserved-identifier): C++'s names.
UNFRAG_NULL_API void UNFRAG_SETTINGS_2_6(const void* text) {
  static std::atomic<void*> kept{nullptr};
  own(kept, __func__, UNFRAG_SETTINGS_2_6)(text);
  note_settings(text);
}
UNFRAG_NULL_API void UNFRAG_SETTINGS_2_7(const void* text) {
  static std::atomic<void*> kept{nullptr};
  own(kept, __func__, UNFRAG_SETTINGS_2_7)(text);
  note_settings(text);
}
// In 2.9 it is there, and the allocator of CUDA does not heed it; then the newer variable is not read either.
UNFRAG_NULL_API void UNFRAG_SETTINGS_2_10(void* config, const void* text) {
  static std::atomic<void*> kept{nullptr};
  own(kept, __func__, UNFRAG_SETTINGS_2_10)(config, text);
  if (unfrag::null::stage().settings_from.size() > 1) note_settings(text);
}
// NOLINTEND(bugprone-reserved-identifier)
