#include "base/kernel_image.h"

namespace unfrag {
namespace {

bool runs_on(const KernelImage& image, int architecture) {
  if (image.architecture == architecture) return true;
  if (image.exactly || image.architecture > architecture) return false;
  return image.ptx || image.architecture / 10 == architecture / 10;
}

bool is_closer(const KernelImage& image, const KernelImage& than) {
  return image.ptx == than.ptx ? image.architecture > than.architecture : than.ptx;
}

}  // namespace

std::optional<KernelCode> code_for(std::span<const KernelImage> images, int architecture) {
  const KernelImage* best = nullptr;
  for (const KernelImage& image : images) {
    if (runs_on(image, architecture) && (best == nullptr || is_closer(image, *best))) best = &image;
  }
  if (best == nullptr) return std::nullopt;
  return KernelCode{.ptx_version = best->architecture, .binary_version = best->ptx ? architecture : best->architecture};
}

}  // namespace unfrag
