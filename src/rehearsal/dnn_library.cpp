#include "rehearsal/dnn_library.h"

#include <fmt/format.h>

#include <filesystem>

namespace unfrag::rehearsal {
namespace {

/// Also false where the folder cannot be read.
bool has_dnn(const std::filesystem::path& folder) {
  std::error_code ignored;
  return std::filesystem::exists(folder / kDnnFile, ignored);
}

}  // namespace

Result<std::string> find_dnn(const TorchInstall& torch, const std::string& named) {
  if (!named.empty()) {
    const std::filesystem::path folder = named;
    if (has_dnn(folder)) return std::string(std::filesystem::absolute(folder));
    return Error{ErrorKind::kMissing, named, fmt::format("it has no {} that can be read", kDnnFile),
                 "pip install --no-deps --target FOLDER nvidia-cudnn-cu13 and --cudnn FOLDER/nvidia/cudnn/lib"};
  }
  // torch/lib itself, where a build brings it along, then what pip installs beside torch.
  const std::filesystem::path own = torch.libraries;
  const std::filesystem::path packages = own.parent_path().parent_path() / "nvidia";
  for (const auto& folder : {own, packages / "cudnn/lib", packages / "cu13/lib", packages / "cu12/lib"}) {
    if (has_dnn(folder)) return std::string(std::filesystem::absolute(folder));
  }
  return std::string();
}

}  // namespace unfrag::rehearsal
