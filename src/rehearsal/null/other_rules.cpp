// cuFFT, NVRTC, CUPTI, NCCL, NVSHMEM and cuFile.
#include <cstring>

#include "rehearsal/null/figures.h"
#include "rehearsal/null/objects.h"
#include "rehearsal/null/tables.h"

namespace unfrag::null {
namespace {

constexpr Rule kFourierRules[] = {
    writes("cufftCreate", Does::kNumber, 0, 0),  // A handle that is an int.
    succeed("cufftDestroy"),
    succeed("cufftSetAutoAllocation"),
    succeed("cufftSetStream"),
    succeed("cufftSetWorkArea"),
    succeed("cufftXtExec"),
    size_figure("cufftXtMakePlanMany", 12, fourier_work, Figure::kEstimated,
                {.batch = 11, .type = 13, .input_type = 6, .output_type = 10, .rank = 1, .lengths = 2, .wide = true}),
};

void destroy_program(const Call& call) {
  auto* program = call.pointer<uint64_t>(0);
  if (program == nullptr) return;
  destroy_object(*program);
  *program = 0;
}

// Whatever is compiled is an empty text; nothing of it is ever run.
constexpr Rule kCompilerRules[] = {
    succeed("nvrtcAddNameExpression"),
    succeed("nvrtcCompileProgram"),
    handle("nvrtcCreateProgram"),
    other("nvrtcDestroyProgram", 0, destroy_program),
    writes("nvrtcGetCUBIN", Does::kZeros, 1, 1),
    writes("nvrtcGetCUBINSize", Does::kSize, 1, 1),
    returns_text("nvrtcGetErrorString", "not answered by the null device"),
    {.name = "nvrtcGetLoweredName", .effects = {{{.does = Does::kSame, .at = 2, .from = 1}}}},
    writes("nvrtcGetPTX", Does::kZeros, 1, 1),
    writes("nvrtcGetPTXSize", Does::kSize, 1, 1),
    writes("nvrtcGetProgramLog", Does::kZeros, 1, 1),
    writes("nvrtcGetProgramLogSize", Does::kSize, 1, 1),
    {.name = "nvrtcVersion",
     .effects = {{{.does = Does::kInt, .at = 0, .model = nvrtc_major},
                  {.does = Does::kInt, .at = 1, .model = nvrtc_minor}}}},
};

// A buffer of activities has no further record (CUPTI_ERROR_MAX_LIMIT_REACHED): how a profiler learns that it is read.
constexpr uint64_t kNoMoreRecords = 12;

// A profiler that is told everything went well and is never called back. Hardware counters (events, metrics) are left
// out: a count of zero would be a lie.
constexpr Rule kProfilerRules[] = {
    succeed("cuptiActivityDisable"),
    succeed("cuptiActivityEnable"),
    succeed("cuptiActivityEnableCudaEventDeviceTimestamps"),
    succeed("cuptiActivityEnableDriverApi"),
    succeed("cuptiActivityEnableRuntimeApi"),
    succeed("cuptiActivityFlushAll"),
    returns("cuptiActivityGetNextRecord", kNoMoreRecords),
    writes("cuptiActivityGetNumDroppedRecords", Does::kSize, 2, 0),
    writes("cuptiActivityPopExternalCorrelationId", Does::kSize, 1, 0),
    succeed("cuptiActivityPushExternalCorrelationId"),
    succeed("cuptiActivityRegisterCallbacks"),
    succeed("cuptiActivityRegisterTimestampCallback"),
    succeed("cuptiActivitySetAttribute"),
    succeed("cuptiEnableCallback"),
    succeed("cuptiEnableDomain"),
    succeed("cuptiFinalize"),
    writes_text("cuptiGetCallbackName", 2, "unknown"),
    writes("cuptiGetDeviceId", Does::kInt, 1, 0),
    writes_text("cuptiGetResultString", 1, "not answered by the null device"),
    {.name = "cuptiGetVersion", .effects = {{{.does = Does::kInt, .at = 0, .model = cupti_version}}}},
    handle("cuptiSubscribe"),
    destroy("cuptiUnsubscribe"),
};

// The communicator of a split is the parent's again: which ranks it has is known to the other processes alone.
void split(const Call& call) {
  constexpr int32_t kNoColor = -1;
  auto* made = call.pointer<Object*>(3);
  if (made == nullptr) return;
  const bool in_none = static_cast<int32_t>(call.argument(1)) == kNoColor;
  *made = in_none ? nullptr : copy_object(call.pointer<const Object>(0));
}

// One for each device of this process; number and rank stand where ncclCommInitRank has them.
void init_all(const Call& call) {
  auto* made = call.pointer<Object*>(0);
  const auto count = static_cast<int32_t>(call.argument(1));
  for (int32_t rank = 0; made != nullptr && rank < count; ++rank) {
    const uint64_t registers[6] = {0, static_cast<uint64_t>(count), static_cast<uint64_t>(rank), 0, 0, 0};
    const uint64_t stack[8] = {};
    made[rank] = create_object({.entry = call.entry, .registers = registers, .stack = stack});
  }
}

// What moves data between ranks, windows and memory of its own are left out: they must not succeed by doing nothing.
constexpr Rule kCollectiveRules[] = {
    destroy("ncclCommAbort"),
    {.name = "ncclCommCount", .effects = {{{.does = Does::kKeptInt, .at = 1, .from = 1}}}},
    destroy("ncclCommDeregister", 1),
    destroy("ncclCommDestroy"),
    succeed("ncclCommFinalize"),
    writes("ncclCommGetAsyncError", Does::kInt, 1, 0),
    writes("ncclCommGetUniqueId", Does::kRandom, 1, 128),
    other("ncclCommInitAll", 0, init_all),
    handle("ncclCommInitRank"),
    handle("ncclCommInitRankConfig"),
    handle("ncclCommInitRankScalable"),
    handle("ncclCommRegister", 3),
    other("ncclCommSplit", 3, split),
    {.name = "ncclCommUserRank", .effects = {{{.does = Does::kKeptInt, .at = 1, .from = 2}}}},
    returns_text("ncclGetErrorString", "not answered by the null device"),
    returns_text("ncclGetLastError", ""),
    writes("ncclGetUniqueId", Does::kRandom, 0, 128),
    {.name = "ncclGetVersion", .effects = {{{.does = Does::kInt, .at = 0, .model = nccl_version}}}},
    succeed("ncclGroupEnd"),
    succeed("ncclGroupStart"),
    writes("ncclRedOpCreatePreMulSum", Does::kInt, 0, 5),  // The first number after those that are built in.
    succeed("ncclRedOpDestroy"),
};

// There is none: it was not started, and pointers it would return are null rather than a status taken for an address.
constexpr Rule kShmemRules[] = {
    succeed("nvshmem_free"),
    {.name = "nvshmem_info_get_version",
     .effects = {{{.does = Does::kInt, .at = 0, .constant = 3}, {.does = Does::kInt, .at = 1, .constant = 3}}}},
    returns("nvshmem_malloc", 0),
    returns("nvshmem_ptr", 0),
    returns("nvshmem_team_n_pes", ~uint64_t{0}),  // -1: no such team.
    succeed("nvshmemid_hostlib_finalize"),
    returns("nvshmemid_init_status", 0),  // Not initialized.
    returns("nvshmemx_mc_ptr", 0),
};

// Reads and writes return a number of bytes, so a status must be negative not to be taken for one.
constexpr uint64_t kPlatformNotSupported = static_cast<uint64_t>(-5007);

constexpr Rule kFileRules[] = {
    returns("cuFileRead", kPlatformNotSupported),
    returns("cuFileWrite", kPlatformNotSupported),
};

}  // namespace

std::span<const Rule> cufft_rules() { return kFourierRules; }
std::span<const Rule> nvrtc_rules() { return kCompilerRules; }
std::span<const Rule> cupti_rules() { return kProfilerRules; }
std::span<const Rule> nccl_rules() { return kCollectiveRules; }
std::span<const Rule> nvshmem_rules() { return kShmemRules; }
std::span<const Rule> cufile_rules() { return kFileRules; }

}  // namespace unfrag::null
