// What cuSOLVER itself answers, against the formulas. Every figure here was asked of the library.
#include "rehearsal/null/figures.h"

#include <gtest/gtest.h>

namespace unfrag::null {
namespace {

constexpr int kCuda124 = 12040;
constexpr int kCuda128 = 12080;
constexpr int kCuda132 = 13020;

Shape square(int version, uint64_t n) { return {.version = version, .m = n, .n = n, .k = n}; }

// Rounding to 32 elements is not modelled.
void expect_exact(uint64_t model, uint64_t library) { EXPECT_NEAR(static_cast<double>(model), library, 96.0); }

void expect_within(uint64_t model, uint64_t library, double share) {
  EXPECT_NEAR(static_cast<double>(model), library, share * static_cast<double>(library));
}

TEST(SolverFigures, FollowGeqrfThroughThreeReleases) {
  EXPECT_EQ(geqrf_work(square(kCuda124, 3)), 196'608U);
  EXPECT_EQ(geqrf_work(square(kCuda124, 1000)), 643'072U);
  EXPECT_EQ(geqrf_work(square(kCuda128, 3)), 786'432U);
  EXPECT_EQ(geqrf_work(square(kCuda128, 1000)), 1'548'288U);
  EXPECT_EQ(geqrf_work(square(kCuda132, 3)), 50'331'648U);
  EXPECT_EQ(geqrf_work(square(kCuda132, 5000)), 74'514'432U);
  EXPECT_EQ(geqrf_work({.version = kCuda128, .m = 4096, .n = 1024}), 1'572'864U);
}

TEST(SolverFigures, FollowSyevdThroughTwoReleases) {
  expect_exact(syevd_work(square(kCuda124, 0)), 32'929);
  expect_exact(syevd_work(square(kCuda124, 128)), 82'593);
  expect_exact(syevd_work(square(kCuda124, 1000)), 3'145'585);
  expect_exact(syevd_work(square(kCuda124, 10'000)), 301'306'561);
  expect_exact(syevd_work(square(kCuda128, 0)), 65'603);
  expect_exact(syevd_work(square(kCuda128, 256)), 458'819);
  expect_exact(syevd_work(square(kCuda132, 8192)), 269'508'803);
}

TEST(SolverFigures, KnowWhatReflectorsNeed) {
  expect_exact(orgqr_work(square(kCuda128, 3)), 33'056);
  expect_exact(orgqr_work({.version = kCuda128, .m = 10'000, .n = 100, .k = 100}), 1'036'640);
  expect_exact(orgqr_work({.version = kCuda128, .m = 4096, .n = 4096, .k = 4096}), 1'589'504);
  expect_exact(ormqr_work({.version = kCuda128, .m = 1000, .n = 1000, .k = 500}), 1'584'832);
  expect_exact(ormqr_work({.version = kCuda128, .m = 1000, .n = 2000, .k = 64, .right = true}), 454'912);
  expect_exact(ormqr_work({.version = kCuda124, .m = 1000, .n = 100, .k = 64}), 98'528);
}

TEST(SolverFigures, KnowWhatFactorsNeed) {
  EXPECT_EQ(potrf_work({.n = 1000, .element = 4}), 1056U);
  EXPECT_EQ(potrf_work({.n = 20'000, .element = 4}), 390'664U);
  EXPECT_EQ(potrf_work({.n = 7, .element = 8}), 20U);
  EXPECT_EQ(potrf_work({.n = 4096, .element = 16}), 40U);
  EXPECT_EQ(sytrf_work({.version = kCuda124, .n = 33}), 2176U);
  EXPECT_EQ(sytrf_work({.version = kCuda128, .n = 33, .element = 8}), 13'328U);
  EXPECT_EQ(sytrf_work({.version = kCuda128, .n = 4096}), 524'352U);
  expect_within(getrf_work({.m = 10'000, .n = 10'000, .element = 4}), 118'040, 0.2);
  expect_within(getrf_work({.m = 8192, .n = 8192, .element = 16}), 67'121'576, 0.001);
}

TEST(SolverFigures, KnowWhatJacobiNeeds) {
  EXPECT_EQ(syevj_work({.n = 32}), 3109U);
  expect_within(syevj_work({.n = 512}), 281'104, 0.01);
  EXPECT_EQ(syevj_batched_work({.n = 4, .batch = 16}), 17'812U);
  EXPECT_EQ(syevj_batched_work({.n = 32, .batch = 10}), 22'158U);
  expect_exact(syevj_batched_work({.n = 64, .batch = 10}), 63'770);
  EXPECT_EQ(gesvdj_batched_work({.m = 32, .n = 32, .batch = 1000}), 992U);
  expect_within(gesvdj_work(square(kCuda128, 1000)), 2'071'712, 0.01);
  expect_exact(gesvdj_work({.version = kCuda128, .m = 1000, .n = 500}), 1'585'344);
  expect_exact(gesvdj_work({.version = kCuda124, .m = 1000, .n = 500}), 897'056);
  expect_exact(gesvdj_work({.version = kCuda128, .m = 50, .n = 100}), 791'552);
}

TEST(SolverFigures, KnowWhatSingularValuesNeed) {
  expect_exact(gesvd_work(square(kCuda124, 1000)), 3'149'600);
  expect_exact(gesvd_work(square(kCuda128, 1000)), 3'325'888);
  expect_within(gesvd_work({.version = kCuda128, .m = 100'000, .n = 64}), 44'978'272, 0.05);
  expect_within(gesvd_work({.version = kCuda124, .m = 4096, .n = 1024}), 16'280'704, 0.01);
  expect_within(gesvda_work({.version = kCuda128, .m = 1000, .n = 100, .batch = 2, .element = 8}), 565'358, 0.01);
  expect_within(gesvda_work({.version = kCuda128, .m = 8192, .n = 64}), 8'422'912 / 4, 0.01);
  expect_within(gesvda_work({.version = kCuda124, .m = 8192, .n = 64, .batch = 10, .element = 8}), 148'000, 0.1);
}

TEST(OtherFigures, GiveEachVersionItsForm) {
  EXPECT_EQ(nvrtc_major({.version = kCuda132}), 13U);
  EXPECT_EQ(nvrtc_minor({.version = kCuda132}), 2U);
  EXPECT_EQ(cupti_version({.version = kCuda124}), 22U);
  EXPECT_EQ(cupti_version({.version = kCuda132}), 130'200U);
  EXPECT_EQ(nccl_version({.version = kCuda124}), 22'105U);
  EXPECT_EQ(nccl_version({.version = kCuda132}), 23'007U);
}

TEST(OtherFigures, DoNotOverflowForWhatIsNotThere) {
  EXPECT_EQ(fourier_work({}), 0U);
  EXPECT_EQ(sparse_product_work({}), 0U);
  EXPECT_EQ(geev_work({}), 0U);
}

}  // namespace
}  // namespace unfrag::null
