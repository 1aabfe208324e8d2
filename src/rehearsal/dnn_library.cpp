#include "rehearsal/dnn_library.h"

#include <filesystem>

namespace unfrag::rehearsal {

std::string find_dnn(const TorchInstall& torch) {
  // torch/lib itself, where a build brings it along, then what pip installs beside torch.
  const std::filesystem::path own = torch.libraries;
  const std::filesystem::path packages = own.parent_path().parent_path() / "nvidia";
  for (const auto& folder : {own, packages / "cudnn/lib", packages / "cu13/lib", packages / "cu12/lib"}) {
    if (std::filesystem::exists(folder / kDnnFile)) return std::filesystem::absolute(folder);
  }
  return "";
}

}  // namespace unfrag::rehearsal
