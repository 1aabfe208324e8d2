#include "rehearsal/torch_install.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "rehearsal/child.h"

namespace unfrag::rehearsal {
namespace {

/// Where the package lies, without running any of it; behind a mark, as what starts with the interpreter may print too.
constexpr const char* kFindTorch =
    "import importlib.util as u, sys; sys.path[:] = [p for p in sys.path if p]; s = u.find_spec('torch'); "
    "print('\\nunfrag: torch:' + (s.submodule_search_locations[0] if s else ''))";
constexpr std::string_view kMark = "\nunfrag: torch:";

/// What `__version__ = "2.15.0+cu132"` and `cuda: Optional[str] = "13.2"` say of a name in torch/version.py.
std::optional<std::string> value_of(const std::string& text, std::string_view name) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    begin = end + 1;
    if (!line.starts_with(name)) continue;
    const size_t open = line.find_first_of("'\"");
    const size_t close = line.find_last_of("'\"");
    if (open == std::string_view::npos || close <= open) continue;
    return std::string(line.substr(open + 1, close - open - 1));
  }
  return std::nullopt;
}

/// "13.2" → {13, 2}; {0, 0} where it is no such thing.
std::pair<int, int> two_numbers(const std::string& text) {
  int first = 0;
  int second = 0;
  const auto [dot, error] = std::from_chars(text.data(), text.data() + text.size(), first);
  if (error != std::errc() || dot == text.data() + text.size()) return {0, 0};
  std::from_chars(dot + 1, text.data() + text.size(), second);
  return {first, second};
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// `Requires-Dist: nvidia-cudnn-cu12 (==9.1.0.70) ; ...`, or without the brackets, in what pip has noted of torch.
std::optional<DnnVersion> required_dnn(const std::filesystem::path& packages) {
  constexpr std::string_view kRequirement = "Requires-Dist: nvidia-cudnn-cu";
  std::error_code ignored;
  for (const auto& note : std::filesystem::directory_iterator(packages, ignored)) {
    const std::string name = note.path().filename();
    if (!name.starts_with("torch-") || !name.ends_with(".dist-info")) continue;
    const std::string text = read_text(note.path() / "METADATA");
    const size_t line = text.find(kRequirement);
    const size_t at = line == std::string::npos ? line : text.find("==", line);
    DnnVersion version;
    if (at != std::string::npos &&
        std::sscanf(text.c_str() + at, "==%d.%d.%d", &version.major, &version.minor, &version.patch) == 3) {
      return version;
    }
  }
  return std::nullopt;
}

Error missing(std::string what, std::string action) {
  return {ErrorKind::kMissing, "", std::move(what), std::move(action)};
}

std::string install_line(const std::string& python) {
  return fmt::format(
      "{0} -m pip install torch (about 3.5 GB with NVIDIA's libraries, which a rehearsal does not need), or, 0.9 GB: "
      "{0} -m pip install --no-deps torch && "
      "{0} -m pip install filelock typing-extensions sympy networkx jinja2 fsspec numpy setuptools",
      python);
}

}  // namespace

Result<TorchInstall> find_torch(const std::string& python) {
  const auto found = output_of({python, "-c", kFindTorch});
  if (!found) return missing(fmt::format("the interpreter {} does not run", python), "--python PATH");
  const size_t mark = found->rfind(kMark);
  std::string folder = mark == std::string::npos ? "" : found->substr(mark + kMark.size());
  while (!folder.empty() && (folder.back() == '\n' || folder.back() == '\r')) folder.pop_back();
  if (folder.empty()) return missing(fmt::format("{} has no torch", python), install_line(python));
  const std::string text = read_text(std::filesystem::path(folder) / "version.py");
  TorchInstall torch{.python = python, .version = value_of(text, "__version__").value_or("")};
  torch.libraries = folder + "/lib";
  std::tie(torch.major, torch.minor) = two_numbers(torch.version);
  const auto [cuda_major, cuda_minor] = two_numbers(value_of(text, "cuda").value_or(""));
  torch.cuda_version = cuda_major * 1000 + cuda_minor * 10;
  torch.dnn = required_dnn(std::filesystem::path(folder).parent_path()).value_or(DnnVersion{});
  if (torch.cuda_version == 0 || !std::filesystem::exists(torch.libraries + "/libtorch_cuda.so")) {
    return missing(fmt::format("the torch {} of {} is not built for CUDA", torch.version, python),
                   install_line(python));
  }
  return torch;
}

std::vector<TorchInstall> find_other_torches(std::istream& programs, const TorchInstall& torch) {
  constexpr size_t kMost = 8;
  std::set<std::string> pythons;
  for (std::string line; pythons.size() < kMost && std::getline(programs, line);) {
    if (line != torch.python && line.substr(line.rfind('/') + 1).starts_with("python")) pythons.insert(line);
  }
  std::vector<TorchInstall> others;
  std::error_code ignored;
  for (const std::string& python : pythons) {
    auto found = find_torch(python);
    if (found && !std::filesystem::equivalent(found->libraries, torch.libraries, ignored)) others.push_back(*found);
  }
  return others;
}

std::vector<std::string> libraries_of(const TorchInstall& torch) {
  std::vector<std::string> paths;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(torch.libraries, ignored)) {
    if (file.path().extension() == ".so") paths.push_back(file.path());
  }
  std::ranges::sort(paths);
  return paths;
}

}  // namespace unfrag::rehearsal
