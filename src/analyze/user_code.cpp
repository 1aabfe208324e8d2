#include "analyze/user_code.h"

#include <string>

namespace unfrag::analyze {
namespace {

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// Lower case with forward slashes, so that Windows paths compare like others.
std::string normalised(std::string_view filename) {
  std::string path(filename);
  for (char& c : path) {
    if (c == '\\') c = '/';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return path;
}

bool is_python(std::string_view path) {
  return path.ends_with(".py") || path.ends_with(".pyw") || path.ends_with(".pyx") || path.ends_with(".ipynb");
}

// Cells and code from strings: <ipython-input-3-...>, <stdin>, <string>, Databricks' <command-12>, files of
// ipykernel_1234 (which end in .py) and Colab's.
Origin origin_of_bracketed(std::string_view path) {
  if (path.starts_with("<frozen") || path.starts_with("<__array_function__") || path.starts_with("<attrs")) {
    return Origin::kStandard;
  }
  // torch.fx and dynamo compile code under these names.
  if (path.starts_with("<eval_with_key>") || path.starts_with("<torch_package") || contains(path, "torch_dynamo")) {
    return Origin::kPyTorch;
  }
  return Origin::kUser;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether a folder is where a Python lives: python3.11, Python311, cpython-3.10.19-..., miniconda3, envs of conda.
bool is_python_home(std::string_view folder) {
  for (const std::string_view name : {"cpython-", "python", "miniconda", "anaconda", "mambaforge", "miniforge"}) {
    if (folder.starts_with(name)) return folder.size() > name.size() && is_digit(folder[name.size()]);
  }
  return false;
}

// /usr/lib/python3.11/threading.py, .../cpython-3.10.19-windows-x86_64-none/lib/contextlib.py, C:/Python311/Lib/abc.py
bool is_standard_library(std::string_view path) {
  for (const std::string_view part : {"/lib/python", "/lib64/python"}) {
    const size_t at = path.find(part);
    if (at != std::string_view::npos && is_digit(path[at + part.size()])) return true;
  }
  const size_t lib = path.rfind("/lib/");
  if (lib == std::string_view::npos) return false;
  const std::string_view above = path.substr(0, lib);
  const size_t name = above.rfind('/');
  return is_python_home(name == std::string_view::npos ? above : above.substr(name + 1));
}

// A checkout or build of PyTorch without site-packages: its package beside what only it has.
bool is_pytorch_source(std::string_view path) {
  const size_t at = path.rfind("/torch/");
  if (at == std::string_view::npos) return false;
  const std::string_view above = path.substr(0, at);
  const std::string_view inside = path.substr(at + 7);
  if (above.ends_with("/pytorch")) return true;
  for (const std::string_view own : {"nn/modules/", "_tensor.py", "autograd/", "_dynamo/", "_inductor/", "_ops.py"}) {
    if (inside.starts_with(own)) return true;
  }
  return false;
}

}  // namespace

Origin origin_of(std::string_view filename) {
  if (filename.empty() || filename == "??") return Origin::kNative;
  if (filename.front() == '<') return origin_of_bracketed(filename);
  const std::string path = normalised(filename);
  if (!is_python(path)) return Origin::kNative;
  for (const std::string_view packages : {"/site-packages/", "/dist-packages/"}) {
    const size_t at = path.rfind(packages);
    if (at == std::string::npos) continue;
    const std::string_view inside = std::string_view(path).substr(at + packages.size());
    const bool torch =
        inside.starts_with("torch/") || inside.starts_with("torchgen/") || inside.starts_with("functorch/");
    return torch ? Origin::kPyTorch : Origin::kPackage;
  }
  if (is_pytorch_source(path) || contains(path, "/torchinductor_")) return Origin::kPyTorch;
  return is_standard_library(path) ? Origin::kStandard : Origin::kUser;
}

namespace {

// Which of a stack's C++ frames says most: what the backward pass was computing, else the operator, else the first that
// is not the recorder's or the allocator's own.
int native_rank(std::string_view function) {
  for (const std::string_view part : {"unwind", "CapturedTraceback", "gather_with_cpp", "CachingAllocator", "_start",
                                      "__libc", "empty_generic", "empty_cuda", "empty_strided", "c10::StorageImpl"}) {
    if (contains(function, part)) return 3;
  }
  if (contains(function, "autograd::generated::") || contains(function, "Backward")) return 0;
  if (function.starts_with("at::native::") || function.starts_with("at::cuda::") || contains(function, "cublas"))
    return 1;
  return 2;
}

}  // namespace

UserCode::UserCode(const trace::Trace& trace) : optimizer_(trace) {
  // Rank: the origin, and among C++ frames how much they say.
  constexpr int kRanks = 4;
  std::vector<int> ranks(trace.frames.size());
  for (uint32_t i = 0; i < ranks.size(); ++i) {
    const trace::Frame& frame = trace.frames[trace::FrameIdx(i)];
    const Origin origin = origin_of(trace.strings[frame.filename]);
    ranks[i] = static_cast<int>(origin) * kRanks;
    if (origin == Origin::kNative) ranks[i] += native_rank(trace.strings[frame.name]);
  }
  culprits_.resize(trace.stacks.size());
  for (uint32_t i = 0; i < culprits_.size(); ++i) {
    trace::FrameIdx best;
    for (const trace::FrameIdx frame : trace.stacks[trace::StackIdx(i)]) {
      if (best.is_none() || ranks[frame.value()] < ranks[best.value()]) best = frame;
      if (ranks[best.value()] == 0) break;
    }
    if (!best.is_none()) culprits_[i] = {best, static_cast<Origin>(ranks[best.value()] / kRanks)};
  }
}

}  // namespace unfrag::analyze
