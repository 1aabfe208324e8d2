#include "rehearsal/shells.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace unfrag::rehearsal {
namespace {

ElfImport versioned(const std::string& name, const std::string& version) {
  return {.name = name, .version = version, .file = version};
}
ElfImport plain(const std::string& name) { return {.name = name, .version = "", .file = ""}; }

std::vector<std::string> sonames(const std::vector<ShellLibrary>& shells) {
  std::vector<std::string> names;
  names.reserve(shells.size());
  for (const ShellLibrary& shell : shells) names.push_back(shell.soname);
  return names;
}

// The functions of a shell as "name@version", its objects as "name@version=".
std::vector<std::string> symbols(const std::vector<ShellLibrary>& shells, const std::string& soname) {
  std::vector<std::string> all;
  for (const ShellLibrary& shell : shells) {
    if (shell.soname != soname) continue;
    const auto text = [&](const ShellSymbol& symbol) {
      return symbol.name + "@" + (symbol.version.is_none() ? "" : shell.versions[symbol.version.value()]);
    };
    for (const ShellSymbol& function : shell.functions) all.push_back(text(function));
    for (const ShellSymbol& object : shell.objects) all.push_back(text(object) + "=");
  }
  return all;
}

using Strings = std::vector<std::string>;

TEST(Shells, TheDriversLibrariesAreThereForWhoOpensThem) {
  EXPECT_EQ(sonames(decide_shells({}, {})), (Strings{"libcuda.so.1", "libnvidia-ml.so.1"}));
}

TEST(Shells, EveryLibraryOfNvidiaThatIsNeededHasOneAndNoOther) {
  const std::vector<ElfImports> torch = {
      {.soname = "libtorch_cuda.so", .needed = {"libcurand.so.10", "libc10.so", "libcublasLt.so.12", "libc.so.6"}},
      {.soname = "libtorch_cpu.so", .needed = {"libcublasLt.so.12", "libcupti.so.12"}}};
  EXPECT_EQ(sonames(decide_shells(torch, {})),
            (Strings{"libcublasLt.so.12", "libcuda.so.1", "libcupti.so.12", "libcurand.so.10", "libnvidia-ml.so.1"}));
}

TEST(Shells, ASymbolWithAVersionIsOfTheLibraryThatTheVersionIsOf) {
  const std::vector<ElfImports> torch = {
      {.soname = "libc10_cuda.so",
       .needed = {"libcudart.so.13"},
       .imports = {versioned("cudaMalloc", "libcudart.so.13"), {"malloc", "GLIBC_2.2.5", "libc.so.6"}}},
      {.soname = "libtorch_cuda.so",
       .needed = {"libcudart.so.13"},
       .imports = {versioned("cudaFree", "libcudart.so.13"),
                   versioned("cudaMalloc", "libcudart.so.13"),
                   {"nvshmem_init_thread", "NVSHMEM", "libnvshmem_host.so.3"}}}};
  const auto shells = decide_shells(torch, {});
  EXPECT_EQ(symbols(shells, "libcudart.so.13"), (Strings{"cudaFree@libcudart.so.13", "cudaMalloc@libcudart.so.13"}));
  EXPECT_EQ(symbols(shells, "libnvshmem_host.so.3"), (Strings{"nvshmem_init_thread@NVSHMEM"}));
  EXPECT_TRUE(symbols(shells, "libcuda.so.1").empty());
}

TEST(Shells, OneNameInTwoVersionsIsTwoSymbols) {
  const std::vector<ElfImports> torch = {
      {.soname = "a.so", .imports = {{"ncclSend", "NEW", "libnccl.so.2"}, {"ncclSend", "OLD", "libnccl.so.2"}}}};
  EXPECT_EQ(symbols(decide_shells(torch, {}), "libnccl.so.2"), (Strings{"ncclSend@NEW", "ncclSend@OLD"}));
}

TEST(Shells, ASymbolWithoutAVersionGoesByItsName) {
  const std::vector<ElfImports> torch = {
      {.soname = "libtorch_cuda.so",
       .needed = {"libnccl.so.2", "libcusparse.so.12", "libcusparseLt.so.0", "libcufile.so.0", "libnvshmem_host.so.3",
                  "libnvrtc.so.12", "libcupti.so.12"},
       .imports = {plain("ncclAllReduce"), plain("cusparseLtInit"), plain("cuFileRead"), plain("nvshmem_malloc"),
                   plain("nvrtcVersion"), plain("cuptiActivityEnable"), plain("cuMemCreate"), plain("nvmlInit_v2"),
                   plain("cungqr_"), plain("custom"), plain("cu"), plain("_ZN3c106DeviceE")}}};
  const auto shells = decide_shells(torch, {});
  EXPECT_EQ(symbols(shells, "libnccl.so.2"), Strings{"ncclAllReduce@"});
  EXPECT_EQ(symbols(shells, "libcusparseLt.so.0"), Strings{"cusparseLtInit@"});
  EXPECT_EQ(symbols(shells, "libcusparse.so.12"), Strings{});
  EXPECT_EQ(symbols(shells, "libcufile.so.0"), Strings{"cuFileRead@"});
  EXPECT_EQ(symbols(shells, "libnvshmem_host.so.3"), Strings{"nvshmem_malloc@"});
  EXPECT_EQ(symbols(shells, "libnvrtc.so.12"), Strings{"nvrtcVersion@"});
  EXPECT_EQ(symbols(shells, "libcupti.so.12"), Strings{"cuptiActivityEnable@"});
  EXPECT_EQ(symbols(shells, "libcuda.so.1"), Strings{"cuMemCreate@"});
  EXPECT_EQ(symbols(shells, "libnvidia-ml.so.1"), Strings{"nvmlInit_v2@"});
}

TEST(Shells, ASymbolOfALibraryThatNobodyNeedsIsLeftOut) {
  const std::vector<ElfImports> torch = {{.soname = "libtorch_cuda.so", .imports = {plain("ncclAllReduce")}}};
  EXPECT_EQ(sonames(decide_shells(torch, {})), (Strings{"libcuda.so.1", "libnvidia-ml.so.1"}));
}

TEST(Shells, WhatPyTorchDefinesIsNotDefinedAgain) {
  const std::vector<ElfImports> torch = {
      {.soname = "libtorch_cuda.so", .needed = {"libnccl.so.2"}, .imports = {plain("ncclOwn"), plain("ncclTheirs")}},
      {.soname = "libtorch_nccl.so", .defined = {"ncclOwn", "unrelated"}}};
  EXPECT_EQ(symbols(decide_shells(torch, {}), "libnccl.so.2"), Strings{"ncclTheirs@"});
}

TEST(Shells, WhatTheNullDeviceDefinesIsLeftOutButItsVersionStays) {
  const std::vector<ElfImports> torch = {
      {.soname = "libc10_cuda.so",
       .needed = {"libcudart.so.13"},
       .imports = {versioned("cudaMalloc", "libcudart.so.13"), plain("cuMemCreate"), plain("cuInit")}}};
  const Strings null_device = {"cudaMalloc", "cuMemCreate"};
  const auto shells = decide_shells(torch, null_device);
  ASSERT_EQ(sonames(shells), (Strings{"libcuda.so.1", "libcudart.so.13", "libnvidia-ml.so.1"}));
  EXPECT_EQ(shells[1].versions, Strings{"libcudart.so.13"});
  EXPECT_EQ(symbols(shells, "libcudart.so.13"), Strings{});
  EXPECT_EQ(symbols(shells, "libcuda.so.1"), Strings{"cuInit@"});
}

TEST(Shells, ANameWithAVersionServesThoseWhoAskWithout) {
  const std::vector<ElfImports> torch = {
      {.soname = "a.so", .needed = {"libnvrtc.so.12"}, .imports = {versioned("nvrtcVersion", "libnvrtc.so.12")}},
      {.soname = "b.so", .needed = {"libnvrtc.so.12"}, .imports = {plain("nvrtcVersion")}}};
  EXPECT_EQ(symbols(decide_shells(torch, {}), "libnvrtc.so.12"), Strings{"nvrtcVersion@libnvrtc.so.12"});
}

TEST(Shells, WhatIsAskedForWeaklyMayBeMissing) {
  ElfImport weak = plain("nvshmem_init");
  weak.is_weak = true;
  const std::vector<ElfImports> torch = {
      {.soname = "libtorch_nvshmem.so", .needed = {"libnvshmem_host.so.3"}, .imports = {weak}}};
  EXPECT_EQ(symbols(decide_shells(torch, {}), "libnvshmem_host.so.3"), Strings{});
}

TEST(Shells, ASymbolIsAnObjectIfOneLibrarySaysSo) {
  ElfImport object = {.name = "nvshmem_state", .version = "NVSHMEM", .file = "libnvshmem_host.so.3"};
  const ElfImport untyped = object;
  object.is_object = true;
  const std::vector<ElfImports> torch = {{.soname = "a.so", .imports = {untyped}},
                                         {.soname = "b.so", .imports = {object}},
                                         {.soname = "c.so", .imports = {untyped}}};
  EXPECT_EQ(symbols(decide_shells(torch, {}), "libnvshmem_host.so.3"), Strings{"nvshmem_state@NVSHMEM="});
}

TEST(Shells, LibrariesOfNvidiaBesidePyTorchsAreReplaced) {
  const std::vector<ElfImports> torch = {
      {.soname = "libtorch_cuda.so", .needed = {"libnccl.so.2"}, .imports = {plain("ncclAllReduce")}},
      {.soname = "libnccl.so.2",
       .needed = {"libcudart.so.12"},
       .imports = {versioned("cudaMalloc", "libcudart.so.12")},
       .defined = {"ncclAllReduce"}}};
  const auto shells = decide_shells(torch, {});
  EXPECT_EQ(sonames(shells), (Strings{"libcuda.so.1", "libnccl.so.2", "libnvidia-ml.so.1"}));
  EXPECT_EQ(symbols(shells, "libnccl.so.2"), Strings{"ncclAllReduce@"});
}

TEST(Shells, TheOrderOfTheLibrariesDoesNotMatter) {
  std::vector<ElfImports> torch = {
      {.soname = "a.so", .needed = {"libnccl.so.2"}, .imports = {plain("ncclSend"), plain("ncclRecv")}},
      {.soname = "b.so", .needed = {"libcudart.so.13"}, .imports = {versioned("cudaFree", "libcudart.so.13")}},
      {.soname = "c.so", .needed = {"libcudnn.so.9"}, .imports = {versioned("cudnnCreate", "libcudnn.so.9")}}};
  const auto one_way = decide_shells(torch, {});
  std::reverse(torch.begin(), torch.end());
  const auto other_way = decide_shells(torch, {});
  ASSERT_EQ(sonames(one_way), sonames(other_way));
  for (const std::string& soname : sonames(one_way)) EXPECT_EQ(symbols(one_way, soname), symbols(other_way, soname));
}

TEST(Shells, ASonameIsNvidiasByItsBeginning) {
  for (const char* soname : {"libcudart.so.12", "libcudart-d0da41ae.so.11.0", "libcublasLt.so.13", "libcudnn_ops.so.9",
                             "libcusparseLt.so.0", "libcuda.so.1", "libnvidia-ml.so.1", "libnvToolsExt.so.1"}) {
    EXPECT_TRUE(is_of_nvidia(soname)) << soname;
  }
  for (const char* soname : {"", "libc10_cuda.so", "libtorch_cuda.so", "libcaffe2_nvrtc.so", "libcuda_tools.so",
                             "libcudart.so/../../evil.so", "libc.so.6"}) {
    EXPECT_FALSE(is_of_nvidia(soname)) << soname;
  }
}

}  // namespace
}  // namespace unfrag::rehearsal
