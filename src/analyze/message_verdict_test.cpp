#include "analyze/message_verdict.h"

#include <gtest/gtest.h>

#include <string_view>

#include "ingest/memory_summary.h"
#include "ingest/oom_message.h"
#include "ingest/squeeze.h"

namespace unfrag::analyze {
namespace {

MessageFindings judged(std::string_view text) {
  return judge(ingest::find_oom_messages(ingest::squeeze(text)).last.value_or(trace::OomMessage{}));
}

struct Given {
  std::string_view request = "1.00 GiB";
  std::string_view free = "500.00 MiB";
  std::string_view processes{};
  std::string_view limit{};
  std::string_view allocated = "10.00 GiB";
  std::string_view pools{};
  std::string_view unallocated = "100.00 MiB";
};

/// A message of a device of 24 GiB.
std::string sentences(const Given& given) {
  std::string text = "CUDA out of memory. Tried to allocate ";
  text.append(given.request).append(". GPU 0 has a total capacity of 24.00 GiB of which ").append(given.free);
  text.append(" is free. ").append(given.processes).append(given.limit).append("Of the allocated memory ");
  text.append(given.allocated).append(" is allocated by PyTorch, ").append(given.pools).append("and ");
  text.append(given.unallocated).append(" is reserved by PyTorch but unallocated.");
  return text;
}

constexpr std::string_view kFull = "this process has 23.45 GiB memory in use. ";

TEST(MessageVerdict, IsALimitWhereTheDriverHadRoom) {
  const MessageFindings f = judged(sentences({.free = "13.00 GiB", .limit = "10.50 GiB allowed; "}));
  EXPECT_EQ(f.kind, VerdictKind::kLimit);
  EXPECT_EQ(f.also, std::vector{VerdictKind::kCapacity});
  EXPECT_EQ(f.may->value, static_cast<int64_t>((10_GiB + 512_MiB).value()));
}

TEST(MessageVerdict, IsNoLimitWhereTheDriverHadNoRoomEither) {
  const MessageFindings f =
      judged(sentences({.processes = kFull, .limit = "24.00 GiB allowed; ", .unallocated = "13.00 GiB"}));
  EXPECT_EQ(f.kind, VerdictKind::kFragmentation);
}

TEST(MessageVerdict, IsOutsideWhereAnotherProcessHoldsEnough) {
  const MessageFindings f = judged(
      sentences({.processes = "Process 7 has 12.00 GiB memory in use. this process has 11.00 GiB memory in use. "}));
  EXPECT_EQ(f.kind, VerdictKind::kOutside);
  EXPECT_EQ(f.named->value, static_cast<int64_t>((12_GiB).value()));
  EXPECT_FALSE(f.own_pid);
}

TEST(MessageVerdict, TakesTheProcessThatFitsForItsOwnInAContainer) {
  const MessageFindings f = judged(
      sentences({.processes = "Process 7 has 12.90 GiB memory in use. Process 8 has 10.60 GiB memory in use. "}));
  EXPECT_EQ(f.kind, VerdictKind::kOutside);
  EXPECT_EQ(f.own_pid, 8u);
  const MessageFindings alone =
      judged(sentences({.processes = "Process 9 has 23.45 GiB memory in use. ", .allocated = "22.90 GiB"}));
  EXPECT_EQ(alone.kind, VerdictKind::kCapacity);
  EXPECT_EQ(alone.own_pid, 9u);
}

TEST(MessageVerdict, AllowsAGibibyteForAContextWhereNoUseIsTold) {
  EXPECT_EQ(judged(sentences({})).kind, VerdictKind::kOutside);
  EXPECT_EQ(judged(sentences({.allocated = "22.50 GiB"})).kind, VerdictKind::kCapacity);
}

TEST(MessageVerdict, IsCapacityWhereLittleWouldBeSpareEvenWithoutHoles) {
  const MessageFindings f = judged(sentences({.processes = kFull, .allocated = "22.80 GiB"}));
  EXPECT_EQ(f.kind, VerdictKind::kCapacity);
  EXPECT_LT(f.spare->value, 0);
  EXPECT_FALSE(f.borderline);
}

TEST(MessageVerdict, IsStrandedWhereOnlyPrivatePoolsHoldTheRequest) {
  const MessageFindings f =
      judged(sentences({.processes = kFull,
                        .allocated = "22.80 GiB",
                        .pools = "with 5.00 GiB allocated in private pools (e.g., CUDA Graphs), "}));
  EXPECT_EQ(f.kind, VerdictKind::kStranded);
  EXPECT_EQ(f.allocated->value / (1 << 20), 18227);  // 22.80 less 5.00 GiB
}

TEST(MessageVerdict, IsFragmentationWhereBytesAreEnoughButNoHoleIs) {
  const MessageFindings f =
      judged(sentences({.processes = kFull, .allocated = "19.00 GiB", .unallocated = "3.90 GiB"}));
  EXPECT_EQ(f.kind, VerdictKind::kFragmentation);
  EXPECT_TRUE(f.also.empty());
}

TEST(MessageVerdict, IsUndecidedWhereTheDriverRefusedWithRoom) {
  const MessageFindings f =
      judged(sentences({.free = "8.00 GiB", .processes = "this process has 16.00 GiB memory in use. "}));
  EXPECT_EQ(f.kind, VerdictKind::kUndecided);
  EXPECT_EQ(f.unknown, Unknown::kRefusedWithRoom);
}

TEST(MessageVerdict, IsUndecidedWithoutTheFiguresUnlessTheDeviceIsTooSmallAnyway) {
  EXPECT_EQ(judged("XPU out of memory. Tried to allocate 4.00 GiB. GPU 0 has a total capacity of 15.11 GiB.").unknown,
            Unknown::kMissing);
  EXPECT_EQ(judged("XPU out of memory. Tried to allocate 16.00 GiB. GPU 0 has a total capacity of 15.11 GiB. Of the "
                   "allocated memory "
                   "1.00 GiB is allocated by PyTorch")
                .kind,
            VerdictKind::kCapacity);
  EXPECT_EQ(judged("CUDA error: out of memory").unknown, Unknown::kNoFigures);
}

TEST(MessageVerdict, SaysNearTheLimitOfCapacityThatRoundingMatters) {
  // may = 20.00 GiB; 5 % of that is 1 GiB, and spare is 1 GiB too.
  EXPECT_TRUE(
      judged(sentences({.free = "0 bytes", .processes = kFull, .allocated = "18.00 GiB", .unallocated = "2.00 GiB"}))
          .borderline);
}

TEST(MessageVerdict, KnowsWhichTensorsAskTheDriverForASize) {
  const auto tensor = [](std::string_view request) { return *judged(sentences({.request = request})).tensor; };
  EXPECT_EQ(tensor("2.00 MiB").at_most, 1_MiB);
  EXPECT_EQ(tensor("20.00 MiB").more_than, 1_MiB);
  EXPECT_EQ(tensor("20.00 MiB").at_most, 20_MiB);
  EXPECT_EQ(tensor("22.00 MiB").more_than, 20_MiB);
  EXPECT_EQ(tensor("22.00 MiB").at_most, 22_MiB);
  EXPECT_EQ(tensor("1.00 GiB").more_than, 1018_MiB);  // printed so from 1018.88 to 1029.12 MiB
  EXPECT_EQ(tensor("1.00 GiB").at_most, 1028_MiB);
  EXPECT_FALSE(tensor("12.50 MiB").is_driver_request);
  EXPECT_FALSE(tensor("1024.00 KiB").is_driver_request);
}

TEST(MessageVerdict, OfMpsIsTheWatermark) {
  const MessageFindings f = judged(
      "MPS backend out of memory (MPS allocated: 9.57 GiB, other allocations: 17.35 GiB, max allowed: 27.20 GiB). "
      "Tried to allocate 292.50 MiB on private pool.");
  EXPECT_EQ(f.kind, VerdictKind::kLimit);
}

SummaryFindings table(std::string_view active, std::string_view reserved, std::string_view holes) {
  std::string text;
  for (const auto& [name, value] :
       {std::pair("Allocated memory", active), std::pair("Active memory", active),
        std::pair("GPU reserved memory", reserved), std::pair("Non-releasable memory", holes)}) {
    text.append("| ").append(name);
    for (int i = 0; i < 4; ++i) text.append("|").append(value);
    text.append("|\n");
  }
  return judge(ingest::find_memory_summaries(ingest::squeeze(text)).last.value_or(trace::MemorySummary{}));
}

TEST(MessageVerdict, OfATableSaysWhatEmptyCacheReturns) {
  EXPECT_EQ(table("1000 MiB", "2000 MiB", "100 MiB").kind, VerdictKind::kCache);
  EXPECT_EQ(table("1000 MiB", "2000 MiB", "100 MiB").releasable->value, 900 << 20);
  EXPECT_EQ(table("1000 MiB", "2000 MiB", "900 MiB").kind, VerdictKind::kFragmentation);
  EXPECT_EQ(table("1000 MiB", "2000 MiB", "400 MiB").also, std::vector{VerdictKind::kFragmentation});
  EXPECT_EQ(table("1000 MiB", "1050 MiB", "40 MiB").kind, VerdictKind::kHealthy);
  EXPECT_EQ(judge(trace::MemorySummary{}).kind, VerdictKind::kUndecided);
}

}  // namespace
}  // namespace unfrag::analyze
