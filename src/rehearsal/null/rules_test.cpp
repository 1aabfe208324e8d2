#include "rehearsal/null/rules.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "rehearsal/null/call_for_tests.h"
#include "rehearsal/null/rule.h"

namespace unfrag::null {

// Where these tests run without the runtime that knows better; their device's memory is the host's.
[[gnu::weak]] int cuda_version() { return 12080; }
[[gnu::weak]] void clear_device(uint64_t address, uint64_t bytes) { std::memset(to_pointer<void>(address), 0, bytes); }

namespace {

constexpr uint64_t kUntouched = 0x7777'7777'7777'7777;

bool has_rule(std::string_view name) { return find_rule("", name) != nullptr; }

TEST(Pattern, StandsForTheLettersOfElementTypesAlone) {
  EXPECT_TRUE(match("cublas*gemm_v2", "cublasSgemm_v2").matches);
  EXPECT_TRUE(match("cublas*scal_v2", "cublasZdscal_v2").matches);
  EXPECT_EQ(match("cublas*scal_v2", "cublasZdscal_v2").letters, "Zd");
  EXPECT_FALSE(match("cublas*gemm_v2", "cublasgemm_v2").matches);
  EXPECT_FALSE(match("cublas*gemm_v2", "cublasXgemm_v2").matches);
  EXPECT_FALSE(match("cublas*gemm_v2", "cublasSDCgemm_v2").matches);
  EXPECT_FALSE(match("cublas*gemm_v2", "cublasSgemm_v2_64").matches);
  EXPECT_FALSE(match("cublas*gemm_v2", "cublasSgemm").matches);
  EXPECT_FALSE(match("ncclSend", "ncclSendRecv").matches);
}

TEST(Rules, AnswerEachNameOnceAndHaveOneStarAtMost) {
  for (const Library& library : libraries()) {
    if (library.rules == nullptr) continue;
    std::set<std::string_view> names;
    for (const Rule& rule : library.rules()) {
      EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
      EXPECT_TRUE(rule.name.starts_with(library.prefix)) << rule.name;
      EXPECT_EQ(rule.name.find('*'), rule.name.rfind('*')) << rule.name;
    }
  }
}

TEST(Rules, SayWhereTheSizeOfEveryBufferComesFrom) {
  for (const Library& library : libraries()) {
    if (library.rules == nullptr) continue;
    for (const Rule& rule : library.rules()) {
      const bool size =
          rule.name.find("ufferSize") != std::string_view::npos || rule.name.find("orkspace") != std::string_view::npos;
      EXPECT_TRUE(!size || rule.figure != Figure::kNone) << rule.name;
    }
  }
}

TEST(Rules, CoverWhatProgramsCall) {
  for (const char* name : {"cublasSgemm_v2",
                           "cublasGemmEx",
                           "cublasGemmStridedBatchedEx",
                           "cublasCgetrfBatched",
                           "cublasZtrsmBatched",
                           "cublasDznrm2_v2",
                           "cublasIcamax_v2",
                           "cublasCsrot_v2",
                           "cublasDotEx",
                           "cusolverDnCreate",
                           "cusolverDnSgetrf_bufferSize",
                           "cusolverDnZunmqr_bufferSize",
                           "cusolverDnXsyevBatched_bufferSize",
                           "cusolverDnCheevjBatched",
                           "cusolverDnXgeev",
                           "cusparseCreateCsr",
                           "cusparseDestroySpMat",
                           "cusparseSpGEMM_compute",
                           "cusparseSpMM_bufferSize",
                           "cusparseZbsrsv2_bufferSize",
                           "cusparseXcsrgeam2Nnz",
                           "cusparseLtMatmulSearch",
                           "cufftXtMakePlanMany",
                           "cufftXtExec",
                           "cuptiActivityGetNextRecord",
                           "nvrtcGetLoweredName",
                           "ncclCommInitRankConfig",
                           "ncclCommSplit",
                           "ncclGetUniqueId",
                           "nvshmem_malloc",
                           "cuFileRead"}) {
    EXPECT_TRUE(has_rule(name)) << name;
  }
}

TEST(Rules, LeaveAloneWhatIsAnsweredByHand) {
  for (const char* name : {"cublasCreate_v2", "cublasDestroy_v2", "cublasSetStream_v2", "cublasGetStream_v2",
                           "cublasSetWorkspace_v2", "cublasGetMathMode", "cublasSetPointerMode_v2", "cublasLtMatmul",
                           "cudaMalloc", "cuMemCreate", "cudnnCreate", "nvmlInit_v2"}) {
    EXPECT_FALSE(has_rule(name)) << name;
  }
}

TEST(Rules, LetNothingSucceedThatMovesDataBetweenRanks) {
  for (const char* name : {"ncclAllReduce", "ncclBroadcast", "ncclSend", "ncclRecv", "ncclAllGather", "ncclAlltoAll"}) {
    EXPECT_FALSE(has_rule(name)) << name;
    EXPECT_EQ(call(name, {}), 5U) << name;
  }
}

TEST(Rules, PreferAnExactNameToAPattern) {
  EXPECT_EQ(find_rule("", "cusolverDnXgeqrf_bufferSize")->name, "cusolverDnXgeqrf_bufferSize");
  EXPECT_EQ(find_rule("", "cusolverDnDgeqrf_bufferSize")->name, "cusolverDn*geqrf_bufferSize");
  // Other arguments than those of the typed functions, and no rule of its own.
  EXPECT_EQ(find_rule("", "cusolverDnXgesvd_bufferSize"), nullptr);
}

TEST(Rules, AreFoundByNameWhateverTheLibrary) {
  EXPECT_EQ(find_rule("libnccl.so.2", "ncclGetVersion"), find_rule("libsomething.so", "ncclGetVersion"));
  EXPECT_EQ(find_rule("libnccl.so.2", "unknown"), nullptr);
}

TEST(NotSupported, IsTheWordOfEachLibrary) {
  const std::pair<const char*, uint64_t> expected[] = {
      {"libcudart.so.13", 801},    {"libcuda.so.1", 801},     {"libcublas.so.12", 15},    {"libcublasLt.so.13", 15},
      {"libcudnn.so.9", 3000},     {"libcusparse.so.12", 10}, {"libcusparseLt.so.0", 10}, {"libcusolver.so.11", 9},
      {"libcufft.so.12", 16},      {"libcurand.so.10", 204},  {"libnvrtc.so.12", 11},     {"libnccl.so.2", 5},
      {"libcupti.so.13", 27},      {"libnvidia-ml.so.1", 3},  {"libcufile.so.0", 5007},   {"libnvshmem_host.so.3", 3},
      {"libunheard-of.so.1", 801},
  };
  for (const auto& [library, code] : expected) EXPECT_EQ(not_supported(library), code) << library;
}

TEST(NotSupported, IsAnsweredForNamesNobodyWroteARuleFor) {
  EXPECT_EQ(call("cusolverDnXnewest", {}, "libcusolver.so.12"), 9U);
  EXPECT_EQ(call("cuptiMetricGetValue", {}, "libcupti.so.12"), 27U);
  EXPECT_EQ(call("cuMemNewest", {}, "libcuda.so.1"), 801U);
  EXPECT_EQ(call("newest", {}, "libcufft.so.12"), 16U);
  EXPECT_EQ(call("newest", {}, "libunheard-of.so.1"), 801U);
}

TEST(Answer, UsesTheRuleThatTheEntryHas) {
  const Entry entry{.name = "unknown", .library = "", .rule = find_rule("", "cuptiActivityGetNextRecord"), .calls = 0};
  const uint64_t registers[6] = {};
  EXPECT_EQ(answer({.entry = entry, .registers = registers, .stack = registers}), 12U);
}

TEST(Answer, WritesAnIntAndNothingBesideIt) {
  uint64_t out = kUntouched;
  EXPECT_EQ(call("cusolverDnDorgqr_bufferSize", {kUntouched, 3, 3, 3, nullptr, 3, nullptr, &out}), 0U);
  EXPECT_EQ(out & 0xffffffff, 33033U);
  EXPECT_EQ(out >> 32, kUntouched >> 32);
}

TEST(Answer, WritesASizeInAllItsBytes) {
  std::array<uint64_t, 3> out{kUntouched, kUntouched, kUntouched};
  EXPECT_EQ(call("cusolverDnXpotrf_bufferSize", {kUntouched, nullptr, 0, 7, 1, nullptr, 7, 1, &out[0], &out[1]}), 0U);
  EXPECT_EQ(out, (std::array<uint64_t, 3>{160, 0, kUntouched}));
}

TEST(Answer, IgnoresTheUpperHalvesOfIntArguments) {
  int32_t out = 0;
  constexpr uint64_t kGarbage = 0xdead'beef'0000'0000;
  call("cusolverDnSorgqr_bufferSize", {0, kGarbage | 1000, kGarbage | 64, kGarbage | 64, nullptr, 1000, nullptr, &out});
  EXPECT_EQ(out, 97024);
}

TEST(Answer, TakesANegativeDimensionForNone) {
  int32_t out = 0;
  call("cusolverDnSorgqr_bufferSize", {0, 1000, -1, -1, nullptr, 1000, nullptr, &out});
  EXPECT_EQ(out, 33024);
}

TEST(Answer, RefusesASizeThatDoesNotFitItsInt) {
  int32_t out = -7;
  EXPECT_EQ(call("cusolverDnSsyevd_bufferSize", {0, 1, 0, 40000, nullptr, 40000, nullptr, &out}), 3U);
  EXPECT_EQ(out, 0);
}

TEST(Answer, PassesOverOutputsThatAreNotWanted) {
  EXPECT_EQ(call("cuptiGetVersion", {nullptr}), 0U);
  EXPECT_EQ(call("cusparseCreate", {nullptr}), 0U);
  EXPECT_EQ(call("nvrtcDestroyProgram", {nullptr}), 0U);
  EXPECT_EQ(call("cuptiActivityPopExternalCorrelationId", {0, nullptr}), 0U);
  EXPECT_EQ(call("ncclCommInitAll", {nullptr, 2, nullptr}), 0U);
}

TEST(Handles, AreDistinctAndCanBeRead) {
  std::set<const uint64_t*> living;
  for (int i = 0; i < 100; ++i) {
    const uint64_t* handle = nullptr;
    EXPECT_EQ(call("cusolverDnCreate", {&handle}), 0U);
    ASSERT_NE(handle, nullptr);
    EXPECT_TRUE(living.insert(handle).second);
    if (i % 3 == 0) {
      EXPECT_NE(*handle, 0U);
      EXPECT_EQ(call("cusolverDnDestroy", {handle}), 0U);
      living.erase(handle);
    }
  }
}

TEST(Handles, MayBeGivenBackTwiceOrNeverHaveBeenOnes) {
  void* handle = nullptr;
  call("cuptiSubscribe", {&handle, nullptr, nullptr});
  EXPECT_EQ(call("cuptiUnsubscribe", {handle}), 0U);
  EXPECT_EQ(call("cuptiUnsubscribe", {handle}), 0U);
  EXPECT_EQ(call("cusparseDestroy", {nullptr}), 0U);
  EXPECT_EQ(call("cusparseDestroy", {3}), 0U);
  void* first = nullptr;
  void* second = nullptr;
  call("cusparseCreate", {&first});
  call("cusparseCreate", {&second});
  EXPECT_NE(first, second);
}

TEST(Handles, ThatAreNumbersAreDistinctToo) {
  std::array<int32_t, 2> first{0, 77};
  int32_t second = 0;
  call("cufftCreate", {first.data()});
  call("cufftCreate", {&second});
  EXPECT_GT(first[0], 0);
  EXPECT_EQ(first[1], 77);
  EXPECT_NE(first[0], second);
}

TEST(Blas, SaysZeroToTheProgramWhereABatchWentWell) {
  std::array<int32_t, 2> info{-1, -1};
  call("cublasSgeqrfBatched", {0, 4, 4, nullptr, 4, nullptr, info.data(), 2});
  EXPECT_EQ(info, (std::array<int32_t, 2>{0, -1}));
  info = {-1, -1};
  call("cublasZgetrsBatched", {0, 0, 4, 1, nullptr, 4, nullptr, nullptr, 4, info.data(), 2});
  EXPECT_EQ(info, (std::array<int32_t, 2>{0, -1}));
}

TEST(Blas, FillsAHostCopyWithZerosWithinItsLeadingDimension) {
  std::vector<float> host(12, 1.0F);
  call("cublasGetMatrixAsync", {2, 3, sizeof(float), nullptr, 2, host.data(), 4, nullptr});
  EXPECT_EQ(host, (std::vector<float>{0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1}));
  host.assign(6, 1.0F);
  call("cublasGetVectorAsync", {3, sizeof(float), nullptr, 1, host.data(), 2, nullptr});
  EXPECT_EQ(host, (std::vector<float>{0, 1, 0, 1, 0, 1}));
}

TEST(Solver, CountsTheBytesOfTheTypeThatIsPassed) {
  uint64_t of_float = 0;
  uint64_t of_complex_double = 0;
  call("cusolverDnXgeqrf_bufferSize", {0, nullptr, 5000, 5000, 0, nullptr, 5000, 0, nullptr, 0, &of_float, nullptr});
  call("cusolverDnXgeqrf_bufferSize",
       {0, nullptr, 5000, 5000, 5, nullptr, 5000, 5, nullptr, 5, &of_complex_double, nullptr});
  EXPECT_EQ(of_complex_double - 128, 4 * (of_float - 128));
}

TEST(Solver, SaysOnTheDeviceThatEachProblemOfABatchWentWell) {
  std::array<int32_t, 3> info{5, 5, 5};
  call("cusolverDnSgetrf", {0, 4, 4, nullptr, 4, nullptr, nullptr, info.data()});
  EXPECT_EQ(info, (std::array<int32_t, 3>{0, 5, 5}));
  constexpr uint64_t kGarbage = 0xdead'beef'0000'0000;
  call("cusolverDnDpotrfBatched", {0, 0, 4, nullptr, 4, info.data(), kGarbage | 2});
  EXPECT_EQ(info, (std::array<int32_t, 3>{0, 0, 5}));
  call("cublasCgetrfBatched", {0, 4, nullptr, 4, nullptr, info.data(), 3});
  EXPECT_EQ(info, (std::array<int32_t, 3>{0, 0, 0}));
  EXPECT_EQ(call("cusolverDnSgetrf", {0, 4, 4, nullptr, 4, nullptr, nullptr, nullptr}), 0U);
}

TEST(Sparse, RemembersTheSizeOfAMatrix) {
  void* matrix = nullptr;
  call("cusparseCreateCsr", {&matrix, 100, 200, 1234, nullptr, nullptr, nullptr, 2, 2, 0, 0});
  std::array<int64_t, 4> size{-1, -1, -1, -1};
  EXPECT_EQ(call("cusparseSpMatGetSize", {matrix, &size[0], &size[1], &size[2]}), 0U);
  EXPECT_EQ(size, (std::array<int64_t, 4>{100, 200, 1234, -1}));
}

TEST(Sparse, EstimatesABufferFromItsOperands) {
  void* matrix = nullptr;
  void* right = nullptr;
  call("cusparseCreateCsr", {&matrix, 1000, 1000, 5000, nullptr, nullptr, nullptr, 2, 2, 0, 0});
  call("cusparseCreateDnMat", {&right, 1000, 10, 1000, nullptr, 0, 1});
  uint64_t product = 0;
  uint64_t solution = 0;
  call("cusparseSpMM_bufferSize", {0, 0, 0, nullptr, matrix, right, nullptr, nullptr, 0, 0, &product});
  call("cusparseSpSM_bufferSize", {0, 0, 0, nullptr, matrix, right, nullptr, 0, 0, nullptr, &solution});
  EXPECT_EQ(product, 4004U);
  EXPECT_EQ(solution, 12 * 5000U + 16 * 1000U + 4 * 1000U * 10U);
}

TEST(Sparse, FindsNoPivotThatIsZero) {
  std::array<int32_t, 2> position{7, 7};
  EXPECT_EQ(call("cusparseXbsrsv2_zeroPivot", {0, nullptr, position.data()}), 0U);
  EXPECT_EQ(position, (std::array<int32_t, 2>{-1, 7}));
}

TEST(Sparse, CompressesHalfOfTheEntries) {
  alignas(16) std::array<char, 512> descriptor{};
  uint64_t compressed = 0;
  uint64_t buffer = 0;
  constexpr int kHalf = 2;
  constexpr int kInt8 = 3;
  call("cusparseLtStructuredDescriptorInit", {nullptr, descriptor.data(), 128, 64, 64, 16, kHalf, 1, 0});
  call("cusparseLtSpMMACompressedSize2", {nullptr, descriptor.data(), &compressed, &buffer});
  EXPECT_EQ(compressed, 128 * 64 * 2 * 9 / 16U);
  call("cusparseLtStructuredDescriptorInit", {nullptr, descriptor.data(), 128, 64, 64, 16, kInt8, 1, 0});
  call("cusparseLtSpMMACompressedSize2", {nullptr, descriptor.data(), &compressed, &buffer});
  EXPECT_EQ(compressed, 128 * 64 * 10 / 16U);
}

TEST(Sparse, FillsAnAttributeOfTheSizeThatIsPassed) {
  std::array<int32_t, 3> data{9, 9, 9};
  call("cusparseLtMatmulAlgGetAttribute", {nullptr, nullptr, 0, data.data(), 8});
  EXPECT_EQ(data, (std::array<int32_t, 3>{0, 0, 9}));
}

uint64_t plan(std::vector<int64_t> lengths, int batch, int input, int output, int execution) {
  uint64_t bytes = kUntouched;
  call("cufftXtMakePlanMany",
       {1, lengths.size(), lengths.data(), nullptr, 1, 1, input, nullptr, 1, 1, output, batch, &bytes, execution});
  return bytes;
}

TEST(Fourier, NeedsTheComplexDataOnce) {
  constexpr int kFloat = 0;
  constexpr int kComplexFloat = 4;
  constexpr int kComplexDouble = 5;
  EXPECT_EQ(plan({100, 100}, 1, kComplexFloat, kComplexFloat, kComplexFloat), 80'000U);
  EXPECT_EQ(plan({64, 64}, 4, kComplexDouble, kComplexDouble, kComplexDouble), 262'144U);
  EXPECT_EQ(plan({64, 64}, 1, kFloat, kComplexFloat, kComplexFloat), 64 * 33 * 8U);
}

TEST(Fourier, NeedsMoreWhereALengthHasALargePrime) {
  constexpr int kComplexFloat = 4;
  const uint64_t smooth = plan({1024}, 1, kComplexFloat, kComplexFloat, kComplexFloat);
  const uint64_t prime = plan({1021}, 1, kComplexFloat, kComplexFloat, kComplexFloat);
  EXPECT_GT(prime, 2 * smooth);
  EXPECT_LT(prime, 16 * smooth);
}

TEST(Compiler, GivesAnEmptyProgramAndItsName) {
  uint64_t* program = nullptr;
  call("nvrtcCreateProgram", {&program, "source", "name", 0, nullptr, nullptr});
  ASSERT_NE(program, nullptr);
  EXPECT_EQ(call("nvrtcCompileProgram", {program, 0, nullptr}), 0U);
  uint64_t size = 0;
  std::array<char, 2> text{'x', 'x'};
  call("nvrtcGetPTXSize", {program, &size});
  call("nvrtcGetPTX", {program, text.data()});
  EXPECT_EQ(size, 1U);
  EXPECT_EQ(text, (std::array<char, 2>{'\0', 'x'}));
  const char* lowered = nullptr;
  call("nvrtcGetLoweredName", {program, "kernel<float>", &lowered});
  EXPECT_STREQ(lowered, "kernel<float>");
  call("nvrtcDestroyProgram", {&program});
  EXPECT_EQ(program, nullptr);
}

TEST(Compiler, HasTheVersionOfTheRuntime) {
  int32_t major = 0;
  int32_t minor = 0;
  call("nvrtcVersion", {&major, &minor});
  EXPECT_EQ(major * 1000 + minor * 10, cuda_version());
}

TEST(Profiler, FindsNoRecordAndNoneDropped) {
  EXPECT_EQ(call("cuptiActivityRegisterCallbacks", {nullptr, nullptr}), 0U);
  EXPECT_EQ(call("cuptiActivityGetNextRecord", {nullptr, 0, nullptr}), 12U);
  uint64_t dropped = kUntouched;
  EXPECT_EQ(call("cuptiActivityGetNumDroppedRecords", {nullptr, 0, &dropped}), 0U);
  EXPECT_EQ(dropped, 0U);
  const char* text = nullptr;
  call("cuptiGetResultString", {27, &text});
  EXPECT_NE(text, nullptr);
}

TEST(Collectives, TellACommunicatorItsSizeAndRank) {
  void* communicator = nullptr;
  // The identifier is passed by value, on the stack: it is no argument.
  EXPECT_EQ(call("ncclCommInitRankConfig", {&communicator, 8, 5, nullptr}), 0U);
  std::array<int32_t, 2> count{-1, -1};
  std::array<int32_t, 2> rank{-1, -1};
  call("ncclCommCount", {communicator, count.data()});
  call("ncclCommUserRank", {communicator, rank.data()});
  EXPECT_EQ(count, (std::array<int32_t, 2>{8, -1}));
  EXPECT_EQ(rank, (std::array<int32_t, 2>{5, -1}));
  int32_t error = -1;
  EXPECT_EQ(call("ncclCommGetAsyncError", {communicator, &error}), 0U);
  EXPECT_EQ(error, 0);
}

TEST(Collectives, SplitOnlyThoseWithAColor) {
  void* parent = nullptr;
  void* child = nullptr;
  call("ncclCommInitRank", {&parent, 4, 1});
  call("ncclCommSplit", {parent, 0, 1, &child, nullptr});
  ASSERT_NE(child, nullptr);
  EXPECT_NE(child, parent);
  int32_t count = 0;
  call("ncclCommCount", {child, &count});
  EXPECT_EQ(count, 4);
  call("ncclCommSplit", {parent, -1, 1, &child, nullptr});
  EXPECT_EQ(child, nullptr);
}

TEST(Collectives, StartOneForEachDeviceOfAProcess) {
  std::array<void*, 3> communicators{};
  call("ncclCommInitAll", {communicators.data(), 2, nullptr});
  int32_t rank = -1;
  call("ncclCommUserRank", {communicators[1], &rank});
  EXPECT_EQ(rank, 1);
  EXPECT_NE(communicators[0], communicators[1]);
  EXPECT_EQ(communicators[2], nullptr);
}

TEST(Collectives, NeverGiveAnIdentifierTwice) {
  std::array<char, 136> first{};
  std::array<char, 136> second{};
  call("ncclGetUniqueId", {first.data()});
  call("ncclGetUniqueId", {second.data()});
  EXPECT_NE(std::memcmp(first.data(), second.data(), 128), 0);
  for (size_t i = 128; i < first.size(); ++i) EXPECT_EQ(first[i], 0);
}

TEST(Files, SayAnErrorThatIsNoNumberOfBytes) {
  EXPECT_EQ(static_cast<int64_t>(call("cuFileRead", {nullptr, nullptr, 4096, 0, 0})), -5007);
  EXPECT_EQ(call("cuFileHandleRegister", {nullptr, nullptr}), 5007U);
}

TEST(SharedMemory, IsNotThere) {
  EXPECT_EQ(call("nvshmem_malloc", {4096}), 0U);
  EXPECT_EQ(static_cast<int32_t>(call("nvshmem_team_n_pes", {0})), -1);
  EXPECT_EQ(call("nvshmemid_hostlib_init_attr", {}, "libnvshmem_host.so.3"), 3U);
}

}  // namespace
}  // namespace unfrag::null
