#include "rehearsal/shells.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

namespace unfrag::rehearsal {
namespace {

// What may follow is a variant ("libcublasLt", "libcudnn_ops") and a release (".so.12").
constexpr std::array<std::string_view, 16> kBeginnings = {
    "libcublas",     "libcuda.so",      "libcudart",   "libcudnn",       "libcufft", "libcufile",
    "libcupti",      "libcurand",       "libcusolver", "libcusparse",    "libnccl",  "libnvJitLink",
    "libnvToolsExt", "libnvidia-ml.so", "libnvrtc",    "libnvshmem_host"};

// The driver's two, which programs open by name.
constexpr std::array<const char*, 2> kOpened = {"libcuda.so.1", "libnvidia-ml.so.1"};

// How functions begin, and the soname of their library.
struct Family {
  std::string_view function;
  std::string_view soname;
};
constexpr std::array<Family, 7> kFamilies = {{{"cuFile", "libcufile."},
                                              {"cupti", "libcupti."},
                                              {"cusparseLt", "libcusparseLt."},
                                              {"nccl", "libnccl."},
                                              {"nvml", "libnvidia-ml."},
                                              {"nvrtc", "libnvrtc."},
                                              {"nvshmem", "libnvshmem_host."}}};

// The beginning of the soname of the library that a function is of; empty where its name does not tell.
std::string_view library_by_name(std::string_view function) {
  for (const Family& family : kFamilies) {
    if (function.starts_with(family.function)) return family.soname;
  }
  // The driver's "cuMemAlloc", but not LAPACK's "cungqr_".
  const bool is_driver = function.size() > 2 && function.starts_with("cu") && function[2] >= 'A' && function[2] <= 'Z';
  return is_driver ? "libcuda." : "";
}

struct NameAndVersion {
  std::string name;
  std::string version;
  auto operator<=>(const NameAndVersion&) const = default;
};
using IsObject = bool;
using Symbols = std::map<NameAndVersion, IsObject>;

// A version is asked for even where the null device defines all of its symbols: the loader looks for both.
struct Contents {
  std::set<std::string> versions;
  Symbols symbols;
};
using Shells = std::map<std::string, Contents, std::less<>>;  // By soname.
using Libraries = std::vector<const ElfImports*>;
using Names = std::unordered_set<std::string>;

// A symbol may be data for one library and untyped for another.
void add(Symbols& symbols, const ElfImport& import) {
  IsObject& is_object = symbols[{import.name, import.version}];
  is_object = is_object || import.is_object;
}

Shells shells_by_version(const Libraries& libraries, const Names& null_device) {
  Shells shells;
  for (const char* const soname : kOpened) shells[soname];
  for (const ElfImports* library : libraries) {
    for (const std::string& soname : library->needed) {
      if (is_of_nvidia(soname)) shells[soname];
    }
    for (const ElfImport& import : library->imports) {
      if (!is_of_nvidia(import.file)) continue;
      Contents& shell = shells[import.file];
      shell.versions.insert(import.version);
      if (!null_device.contains(import.name)) add(shell.symbols, import);
    }
  }
  return shells;
}

// The symbols without a version that nobody else defines.
Symbols symbols_without_version(const Libraries& libraries, const Names& null_device, const Shells& shells) {
  Symbols symbols;
  for (const ElfImports* library : libraries) {
    for (const ElfImport& import : library->imports) {
      const bool is_needed = import.version.empty() && !import.is_weak && !null_device.contains(import.name);
      if (is_needed && !library_by_name(import.name).empty()) add(symbols, import);
    }
  }
  for (const ElfImports* library : libraries) {
    for (const std::string& name : library->defined) {
      if (!library_by_name(name).empty()) symbols.erase({name, ""});
    }
  }
  for (const auto& [soname, shell] : shells) {
    for (const auto& [symbol, is_object] : shell.symbols) symbols.erase({symbol.name, ""});
  }
  return symbols;
}

ShellLibrary to_library(const std::string& soname, const Contents& shell) {
  ShellLibrary library{.soname = soname};
  std::map<std::string, ShellVersion> indexes = {{"", ShellVersion::none()}};
  for (const std::string& version : shell.versions) {
    indexes[version] = ShellVersion(static_cast<uint32_t>(library.versions.size()));
    library.versions.push_back(version);
  }
  for (const auto& [symbol, is_object] : shell.symbols) {
    auto& table = is_object ? library.objects : library.functions;
    table.push_back({symbol.name, indexes[symbol.version]});
  }
  return library;
}

}  // namespace

bool is_of_nvidia(std::string_view soname) {
  const auto begins = [&](std::string_view beginning) { return soname.starts_with(beginning); };
  return std::any_of(kBeginnings.begin(), kBeginnings.end(), begins) && soname.find('/') == std::string_view::npos;
}

std::vector<ShellLibrary> decide_shells(std::span<const ElfImports> libraries,
                                        std::span<const std::string> null_device) {
  Libraries theirs;
  for (const ElfImports& library : libraries) {
    if (!is_of_nvidia(library.soname)) theirs.push_back(&library);
  }
  const Names null_names(null_device.begin(), null_device.end());
  Shells shells = shells_by_version(theirs, null_names);
  for (const auto& [symbol, is_object] : symbols_without_version(theirs, null_names, shells)) {
    const std::string_view beginning = library_by_name(symbol.name);
    // Where nobody is linked with such a library, the program does without the symbol on a real machine too.
    const auto shell = shells.lower_bound(beginning);
    if (shell != shells.end() && shell->first.starts_with(beginning)) shell->second.symbols[symbol] = is_object;
  }
  std::vector<ShellLibrary> all;
  all.reserve(shells.size());
  for (const auto& [soname, shell] : shells) all.push_back(to_library(soname, shell));
  return all;
}

}  // namespace unfrag::rehearsal
