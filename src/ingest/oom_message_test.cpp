#include "ingest/oom_message.h"

#include <gtest/gtest.h>

#include <string>

#include "ingest/squeeze.h"

namespace unfrag::ingest {
namespace {

using trace::BareError;
using trace::MessageForm;
using trace::OomMessage;

OomMessage read(std::string_view text) { return find_oom_messages(squeeze(text)).last.value_or(OomMessage{}); }
std::string text_of(const trace::PrintedOrNot& printed) { return printed ? printed->text : "-"; }

constexpr std::string_view kSentences =
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 996.00 MiB. GPU 2 has a total capacity of 44.43 GiB "
    "of which 9.06 GiB is free. Process 2102129 has 17.54 GiB memory in use. Including non-PyTorch memory, this "
    "process "
    "has 17.81 GiB memory in use. 17.69 GiB allowed; Of the allocated memory 17.44 GiB is allocated by PyTorch, with "
    "22.00 MiB allocated in private pools (e.g., CUDA Graphs), and 59.88 MiB is reserved by PyTorch but unallocated.";

TEST(OomMessage, ReadsEveryClauseOfTheSentences) {
  const OomMessage m = read(kSentences);
  EXPECT_EQ(m.form, MessageForm::kSentences);
  EXPECT_EQ(m.backend, "CUDA");
  EXPECT_EQ(m.device, 2u);
  EXPECT_EQ(text_of(m.requested), "996.00 MiB");
  EXPECT_EQ(text_of(m.total), "44.43 GiB");
  EXPECT_EQ(text_of(m.free), "9.06 GiB");
  EXPECT_EQ(text_of(m.limit), "17.69 GiB");
  EXPECT_EQ(text_of(m.allocated), "17.44 GiB");
  EXPECT_EQ(text_of(m.private_free), "22.00 MiB");
  EXPECT_EQ(text_of(m.unallocated), "59.88 MiB");
  EXPECT_EQ(text_of(m.reserved), "-");
  ASSERT_EQ(m.processes.size(), 2u);
  EXPECT_EQ(m.processes[0].pid, 2102129u);
  EXPECT_EQ(text_of(m.processes[0].bytes), "17.54 GiB");
  EXPECT_FALSE(m.processes[1].pid);
  EXPECT_EQ(text_of(m.processes[1].bytes), "17.81 GiB");
}

TEST(OomMessage, ReadsTheParenthesesWithALimit) {
  const OomMessage m = read(
      "RuntimeError: CUDA out of memory. Tried to allocate 37.25 GiB (GPU 0; 23.68 GiB total capacity; 192.29 MiB "
      "already allocated; 15.79 GiB free; 2.37 GiB allowed; 5.05 GiB reserved in total by PyTorch)");
  EXPECT_EQ(m.form, MessageForm::kParentheses);
  EXPECT_EQ(m.device, 0u);
  EXPECT_EQ(text_of(m.total), "23.68 GiB");
  EXPECT_EQ(text_of(m.allocated), "192.29 MiB");
  EXPECT_EQ(text_of(m.free), "15.79 GiB");
  EXPECT_EQ(text_of(m.limit), "2.37 GiB");
  EXPECT_EQ(text_of(m.reserved), "5.05 GiB");
  EXPECT_EQ(m.releases, "1.4 to 2.0");
}

TEST(OomMessage, ReadsWhatOldReleasesCalledCached) {
  const OomMessage m = read(
      "CUDA out of memory. Tried to allocate 25.00 MiB (GPU 0; 3.94 GiB total capacity; 3.14 GiB already allocated; "
      "21.56 MiB free; 634.00 KiB cached)");
  EXPECT_EQ(text_of(m.unallocated), "634.00 KiB");
  EXPECT_EQ(text_of(m.reserved), "-");
  EXPECT_EQ(m.releases, "1.3 or earlier");
}

TEST(OomMessage, ReadsTheListOfCudaMallocAsync) {
  const OomMessage m = read(
      "Allocation on device 3 would exceed allowed memory. (out of memory)\nCurrently allocated     : 15.16 GiB\n"
      "Requested               : 512.00 KiB\nDevice limit            : 15.99 GiB\nFree (according to CUDA): 0 bytes\n"
      "PyTorch limit (set by user-supplied memory fraction)\n                        : 17179869184.00 GiB");
  EXPECT_EQ(m.form, MessageForm::kAsync);
  EXPECT_EQ(m.device, 3u);
  EXPECT_EQ(text_of(m.allocated), "15.16 GiB");
  EXPECT_EQ(text_of(m.requested), "512.00 KiB");
  EXPECT_EQ(text_of(m.total), "15.99 GiB");
  EXPECT_EQ(text_of(m.free), "0 bytes");
  EXPECT_EQ(text_of(m.limit), "-");
}

TEST(OomMessage, ReadsMpsInOldAndNewUnits) {
  const OomMessage m = read(
      "MPS backend out of memory (MPS allocated: 9.57 GiB, other allocations: 17.35 GiB, max allowed: 27.20 GiB). "
      "Tried "
      "to allocate 292.50 MiB on private pool.");
  EXPECT_EQ(m.form, MessageForm::kMps);
  EXPECT_EQ(text_of(m.allocated), "9.57 GiB");
  EXPECT_EQ(text_of(m.other), "17.35 GiB");
  EXPECT_EQ(text_of(m.limit), "27.20 GiB");
  EXPECT_EQ(text_of(m.requested), "292.50 MiB");
  EXPECT_EQ(
      read("MPS backend out of memory (MPS allocated: 5.56 GB, other allocations: 1.10 GB, max allowed: 6.80 GB). "
           "Tried to allocate 768.00 MB on private pool.")
          .limit->value,
      7'301'444'403u);
}

TEST(OomMessage, KnowsOtherBackendsByTheirWords) {
  EXPECT_EQ(read("HIP out of memory. Tried to allocate 1.88 GiB. GPU 0 has").backend, "HIP");
  EXPECT_EQ(read("XPU out of memory. Tried to allocate 1.71 GiB (GPU 0; 15.56 GiB total capacity;").backend, "XPU");
  const OomMessage npu = read("NPU out of memory. Tried to allocate 20.00 MiB (NPU 1; 29.50 GiB total capacity;");
  EXPECT_EQ(npu.backend, "NPU");
  EXPECT_EQ(npu.device, 1u);
}

TEST(OomMessage, TakesNoUseWhereTheDriverDoesNotTell) {
  const OomMessage m = read(
      "CUDA out of memory. Tried to allocate 34.00 MiB. GPU 0 has a total capacity of 4.00 GiB of which 0 bytes is "
      "free. "
      "Including non-PyTorch memory, this process has 17179869184.00 GiB memory in use. Of the allocated memory 3.35 "
      "GiB "
      "is allocated by PyTorch, and 125.23 MiB is reserved by PyTorch but unallocated.");
  ASSERT_EQ(m.processes.size(), 1u);
  EXPECT_FALSE(m.processes[0].bytes);
  EXPECT_EQ(text_of(m.free), "0 bytes");
}

TEST(OomMessage, IsTheLastOfSeveralAndTheyAreCounted) {
  const std::string two = "CUDA out of memory. Tried to allocate 2.00 GiB (GPU 1; 8.00 GiB total capacity;\n" +
                          std::string(kSentences) + "\nCUDA error: out of memory";
  const FoundMessages found = find_oom_messages(squeeze(two));
  EXPECT_EQ(found.count, 2u);
  EXPECT_EQ(text_of(found.last->requested), "996.00 MiB");
}

constexpr std::string_view kSameBare = "\nRuntimeError: CUDA out of memory. Tried to allocate 996.00 MiB";
constexpr std::string_view kOtherBare = "\nRuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB";

FoundMessages find(std::string_view text) { return find_oom_messages(squeeze(text)); }

TEST(OomMessage, IsTheLastWithFiguresWhereOnlyItsFirstWordsAreRepeated) {
  const FoundMessages found = find(std::string(kSentences) + std::string(kSameBare) + std::string(kSameBare));
  EXPECT_EQ(found.last->form, MessageForm::kSentences);
  EXPECT_EQ(text_of(found.last->allocated), "17.44 GiB");
  EXPECT_EQ(found.count, 3u);
  EXPECT_EQ(found.later.count, 2u);
  EXPECT_EQ(found.later.of_another_size, 0u);
}

TEST(OomMessage, TellsOfLaterOnesWithoutFiguresOfAnotherSize) {
  const FoundMessages found = find(std::string(kSentences) + std::string(kOtherBare) + std::string(kSameBare));
  EXPECT_EQ(text_of(found.last->allocated), "17.44 GiB");
  EXPECT_EQ(found.later.count, 2u);
  EXPECT_EQ(found.later.of_another_size, 1u);
  EXPECT_EQ(text_of(found.later.requested), "20.00 MiB");
}

TEST(OomMessage, DoesNotTakeTheFiguresOfTheNext) {
  const FoundMessages found = find(std::string(kOtherBare) + "\n" + std::string(kSentences));
  EXPECT_EQ(text_of(found.last->requested), "996.00 MiB");
  EXPECT_EQ(found.later.count, 0u);
  const FoundMessages mps = find(
      "MPS backend out of memory (MPS allocated: 9.57 GiB, max allowed: 27.20 GiB). Tried to "
      "allocate 292.50 MiB on private pool. Tried to allocate 1.00 MiB");
  EXPECT_EQ(text_of(mps.last->requested), "292.50 MiB");
  EXPECT_EQ(text_of(mps.later.requested), "1.00 MiB");
}

TEST(OomMessage, IsTheLastOfAllWhereNoneHasFigures) {
  const FoundMessages found = find(std::string(kSameBare) + std::string(kOtherBare));
  EXPECT_EQ(found.last->form, MessageForm::kShort);
  EXPECT_EQ(text_of(found.last->requested), "20.00 MiB");
  EXPECT_EQ(found.later.count, 0u);
}

TEST(OomMessage, OfCudaMallocAsyncIsNotHiddenByItsFirstWords) {
  const std::string words = "Allocation on device 3 would exceed allowed memory. (out of memory)\n";
  const FoundMessages found = find(words + "Requested : 512.00 KiB\nDevice limit : 15.99 GiB\n" + words);
  EXPECT_EQ(text_of(found.last->total), "15.99 GiB");
  EXPECT_EQ(found.later.count, 1u);
  EXPECT_EQ(found.later.of_another_size, 0u);
}

TEST(OomMessage, HasOnlyWhatIsThereWhereTheTextIsCut) {
  for (size_t length = 0; length <= kSentences.size(); ++length) {
    const auto found = find_oom_messages(squeeze(kSentences.substr(0, length)));
    if (!found.last || !found.last->free) continue;
    ASSERT_EQ(text_of(found.last->free), "9.06 GiB") << length;
  }
}

TEST(OomMessage, WithoutFiguresSaysWhatKindItIs) {
  EXPECT_EQ(read("RuntimeError: CUDA error: out of memory\nCUDA kernel errors").bare, BareError::kDriver);
  EXPECT_EQ(read("Search for `cudaErrorMemoryAllocation' in").bare, BareError::kDriver);
  EXPECT_EQ(read("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling").bare, BareError::kLibrary);
  EXPECT_EQ(read("CUDA out of memory. Tried to allocate more than 1EB memory.").bare, BareError::kTooLarge);
  EXPECT_EQ(read("CUDA out of memory. Allocation preemptively rejected").bare, BareError::kRejected);
  EXPECT_EQ(read("torch.cuda.OutOfMemoryError: CUDA out of memory.").bare, BareError::kOutOfMemory);
  EXPECT_EQ(read("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes").bare, BareError::kHost);
}

TEST(OomMessage, IsNotFoundInOtherText) {
  EXPECT_FALSE(find_oom_messages("").last);
  EXPECT_FALSE(find_oom_messages(squeeze("failed to allocate 17.79G (19104890880 bytes)")).last);
  EXPECT_FALSE(find_oom_messages(squeeze("Out of memory: Killed process 4711 (python)")).last);
}

}  // namespace
}  // namespace unfrag::ingest
