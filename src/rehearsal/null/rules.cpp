#include "rehearsal/null/rules.h"

#include "rehearsal/null/carry_out.h"
#include "rehearsal/null/rule.h"
#include "rehearsal/null/tables.h"

namespace unfrag::null {
namespace {

// What each says when it cannot, from its header. cuRAND, NVRTC, NCCL and cuFile have no word for it: architecture
// mismatch, internal error, invalid usage and "not supported on current platform" come nearest and are never retried.
constexpr Library kLibraries[] = {
    {.prefix = "cublas", .file = "libcublas", .not_supported = 15, .rules = cublas_rules},
    {.prefix = "cublasLt", .file = "libcublasLt", .not_supported = 15},
    {.prefix = "cuda", .file = "libcudart", .not_supported = 801},
    {.prefix = "cudnn", .file = "libcudnn", .not_supported = 3000, .rules = cudnn_rules},
    {.prefix = "cufft", .file = "libcufft", .not_supported = 16, .rules = cufft_rules},
    {.prefix = "cupti", .file = "libcupti", .not_supported = 27, .rules = cupti_rules},
    {.prefix = "curand", .file = "libcurand", .not_supported = 204},
    {.prefix = "cusolver", .file = "libcusolver", .not_supported = 9, .rules = cusolver_rules},
    {.prefix = "cusparse", .file = "libcusparse", .not_supported = 10, .rules = cusparse_rules},
    {.prefix = "cusparseLt", .file = "libcusparseLt", .not_supported = 10, .rules = cusparselt_rules},
    {.prefix = "cuFile", .file = "libcufile", .not_supported = 5007, .rules = cufile_rules},
    {.prefix = "nccl", .file = "libnccl", .not_supported = 5, .rules = nccl_rules},
    {.prefix = "nvml", .file = "libnvidia-ml", .not_supported = 3},
    {.prefix = "nvrtc", .file = "libnvrtc", .not_supported = 11, .rules = nvrtc_rules},
    {.prefix = "nvshmem", .file = "libnvshmem_host", .not_supported = 3, .rules = nvshmem_rules},
    // The driver: the rest of what begins like this.
    {.prefix = "cu", .file = "libcuda", .not_supported = 801},
};
constexpr uint64_t kRuntimeNotSupported = 801;

constexpr bool is_type_letter(char letter) {
  return std::string_view("SDCZsdcz").find(letter) != std::string_view::npos;
}

const Library* by_name(std::string_view name) {
  const Library* best = nullptr;
  for (const Library& library : kLibraries) {
    if (name.starts_with(library.prefix) && (best == nullptr || library.prefix.size() > best->prefix.size())) {
      best = &library;
    }
  }
  return best;
}

const Library* by_file(std::string_view soname) {
  const std::string_view file = soname.substr(0, soname.find(".so"));
  for (const Library& library : kLibraries) {
    if (file == library.file) return &library;
  }
  return nullptr;
}

const Library* find_library(std::string_view library, std::string_view name) {
  const Library* found = by_name(name);
  return found != nullptr ? found : by_file(library);
}

}  // namespace

std::span<const Library> libraries() { return kLibraries; }

Match match(std::string_view pattern, std::string_view function) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return {.matches = pattern == function};
  const std::string_view before = pattern.substr(0, star);
  const std::string_view after = pattern.substr(star + 1);
  if (function.size() <= before.size() + after.size() || !function.starts_with(before) || !function.ends_with(after)) {
    return {};
  }
  const std::string_view letters = function.substr(star, function.size() - before.size() - after.size());
  if (letters.size() > 2) return {};
  for (const char letter : letters) {
    if (!is_type_letter(letter)) return {};
  }
  return {.matches = true, .letters = letters};
}

const Rule* find_rule(std::string_view library, std::string_view name) {
  const Library* found = find_library(library, name);
  if (found == nullptr || found->rules == nullptr) return nullptr;
  // An exact name is found first wherever it stands, so that a pattern may have exceptions.
  const Rule* pattern = nullptr;
  for (const Rule& rule : found->rules()) {
    if (rule.name == name) return &rule;
    if (pattern == nullptr && match(rule.name, name).matches) pattern = &rule;
  }
  return pattern;
}

uint64_t not_supported(std::string_view library) {
  const Library* found = by_file(library);
  return found != nullptr ? found->not_supported : kRuntimeNotSupported;
}

uint64_t answer(const Call& call) {
  const auto* rule = static_cast<const Rule*>(call.entry.rule);
  if (rule == nullptr) rule = find_rule(call.entry.library, call.entry.name);
  if (rule != nullptr) return carry_out(*rule, call);
  const Library* library = find_library(call.entry.library, call.entry.name);
  return library != nullptr ? library->not_supported : kRuntimeNotSupported;
}

}  // namespace unfrag::null
