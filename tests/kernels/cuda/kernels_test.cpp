//===- kernels_test.cpp - CUDA kernels against the CPU's ------------------===//
//
// Portable kernels must give the CPU's bits, tensor kernels must stay near
// them, both must not care who their neighbours are. Without a GPU the whole
// program says so in one line and ends well.
//
//===----------------------------------------------------------------------===//

#include "kernels/add_norm_route.h"
#include "kernels/cpu/registry.h"
#include "tests/kernels/cuda/gpu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace sluice::test {
namespace {

constexpr double kLargestNmse = 1e-5;

using Dims = decltype(CaseOptions::dims);

Operands runOnCpu(const Case &source) {
  Operands operands(source);
  cpu::findCpuKernel(source.kernel)(operands.args, source.rows, {});
  return operands;
}

double largestNmse(const Case &source, const Operands &expected,
                   const Operands &actual) {
  double largest = 0;
  for (int i = 0; i < static_cast<int>(source.image.size()); ++i)
    // Ids of nearly equal logits may change places; see ChoosesByItsOwnLogits.
    if (isResult(source, i) && source.args.dtype[i] != DType::I32) {
      double own = nmse(expected, actual, i);
      largest = own <= largest ? largest : own; // a NaN stays
    }
  return largest;
}

/// What chooses the forms of kernels: few multiprocessors make large blocks of
/// work, many make small ones, and older devices have other ways to wait.
const GpuOptions kForms[] = {{}, {.multiprocessors = 1}, {.older = true}};

std::vector<Kernel> allKernels() {
  std::vector<Kernel> kernels;
  for (int i = 0; i < kKernelCount; ++i)
    kernels.push_back(static_cast<Kernel>(i));
  return kernels;
}

std::string kernelName(const testing::TestParamInfo<Kernel> &info) {
  return findSignature(info.param)->name;
}

class Portable : public testing::TestWithParam<Kernel> {};
class Tensor : public testing::TestWithParam<Kernel> {};

TEST_P(Portable, GivesTheBitsOfTheCpu) {
  for (int seed = 0, end = caseCount(60); seed < end; ++seed) {
    Case source = makeCase(GetParam(), seed);
    Operands expected = runOnCpu(source);
    for (const GpuOptions &options : kForms) {
      Operands actual(source);
      ASSERT_EQ(runOnGpu(source, options, actual), "");
      ASSERT_EQ(actual.damage(source), "") << source.describe();
      ASSERT_EQ(compareBits(source, expected, actual), "");
    }
  }
}

TEST_P(Portable, TakesOperandsOfAnyAlignment) {
  for (int seed = 500, end = 500 + caseCount(8); seed < end; ++seed) {
    Case source = makeCase(GetParam(), seed);
    Operands expected = runOnCpu(source), actual(source);
    ASSERT_EQ(runOnGpu(source, {.shift = 4}, actual), "");
    ASSERT_EQ(actual.damage(source), "") << source.describe();
    ASSERT_EQ(compareBits(source, expected, actual), "");
  }
}

TEST_P(Portable, GivesTheSameBitsInAGraph) {
  for (int seed = 100, end = 100 + caseCount(4); seed < end; ++seed) {
    Case source = makeCase(GetParam(), seed);
    Operands expected = runOnCpu(source), actual(source);
    ASSERT_EQ(runOnGpu(source, {.graph = true}, actual), "");
    ASSERT_EQ(compareBits(source, expected, actual), "");
  }
}

// A few rows of a case, each alone.
void checkRows(const Case &source, const GpuOptions &options) {
  Operands together(source);
  ASSERT_EQ(runOnGpu(source, options, together), "");
  int64_t step = std::max<int64_t>(1, source.rows / 4);
  for (int64_t row = 0; row < source.rows; row += step) {
    Case one = rowCase(source, row);
    Operands alone(one);
    ASSERT_EQ(runOnGpu(one, options, alone), "");
    ASSERT_EQ(compareRow(source, together, alone, row), "");
  }
}

TEST_P(Portable, KeepsARowsBitsWhateverItsNeighbours) {
  if (GetParam() == Kernel::ExpertDemand)
    return; // its result is about all rows together
  for (int seed = 200, end = 200 + caseCount(10); seed < end; ++seed)
    checkRows(makeCase(GetParam(), seed), {});
}

// Sizes at which kernels change their form, with all element types.
class Border : public testing::TestWithParam<std::pair<Kernel, Dims>> {};

TEST_P(Border, GivesTheBitsOfTheCpu) {
  auto [kernel, dims] = GetParam();
  constexpr int64_t kRows[] = {1, 2, 3, 5, 8, 9};
  for (int seed = 600, end = 600 + caseCount(12); seed < end; ++seed) {
    // A router's fast form takes bf16 alone: every second case is of that.
    const bool all16 =
        kernel == Kernel::AddNormRoute && (seed / 6 + seed) % 2 == 0;
    Case source = makeCase(
        kernel, seed, {.rows = kRows[seed % 6], .tensor = all16, .dims = dims});
    Operands expected = runOnCpu(source);
    for (const GpuOptions &options : kForms) {
      Operands actual(source);
      ASSERT_EQ(runOnGpu(source, options, actual), "");
      ASSERT_EQ(actual.damage(source), "") << source.describe();
      ASSERT_EQ(compareBits(source, expected, actual), "");
    }
  }
}

std::vector<std::pair<Kernel, Dims>> borders() {
  std::vector<std::pair<Kernel, Dims>> all;
  // Whole runs or not, one warp or more, the most threads of a block.
  for (int64_t width : {8, 248, 256, 264, 2044, 2048, 4096, 8192, 8200}) {
    all.push_back({Kernel::AddRmsNorm, {{"hidden", width}}});
    all.push_back({Kernel::RmsNorm, {{"groups", 2}, {"width", width}}});
  }
  for (int64_t headDim : {16, 24, 128, 240, 256, 272})
    all.push_back({Kernel::QkNormRopeWrite, {{"head_dim", headDim}}});
  // One chunk of a row or two; outputs for small blocks, large ones, many.
  for (int64_t inputs : {8, 2040, 2048, 2052, 4096, 4104})
    for (int64_t outputs : {1, 4, 9, 1056, 1064})
      all.push_back(
          {Kernel::Linear, {{"inputs", inputs}, {"outputs", outputs}}});
  // Matrices that begin within a block, or a block's worth of outputs; few and
  // many together; a group of two.
  for (int64_t inputs : {8, 2048, 2052, 4104})
    for (auto [first, second, third] :
         std::initializer_list<std::array<int64_t, 3>>{
             {1, 1, 1}, {9, 4, 0}, {32, 8, 8}, {1056, 3, 130}, {1, 1064, 40}})
      all.push_back({Kernel::LinearGroup,
                     {{"inputs", inputs},
                      {"outputs0", first},
                      {"outputs1", second},
                      {"outputs2", third}}});
  // Fewer experts than blocks, one a warp, some with a second, all with one;
  // rows of which lanes hold all or a part, and the widest; then such as are
  // no whole runs or too wide, and too many experts or choices.
  for (auto [hidden, experts, topK] :
       std::initializer_list<std::array<int64_t, 3>>{{8, 1, 1},
                                                     {248, 5, 5},
                                                     {264, 40, 8},
                                                     {512, 128, 8},
                                                     {1032, 129, 8},
                                                     {2048, 128, 8},
                                                     {1024, 256, 32},

                                                     {2048, 256, 32},
                                                     {2052, 16, 4},
                                                     {3072, 127, 33},
                                                     {4096, 64, 6},
                                                     {4104, 8, 2},
                                                     {520, 257, 8}})
    all.push_back(
        {Kernel::AddNormRoute,
         {{"hidden", hidden}, {"experts", experts}, {"top_k", topK}}});
  // Heads around the widths of the forms; contexts of one split to nine.
  for (int64_t headDim : {32, 40, 64, 72, 120, 124, 128, 136})
    for (int64_t pages : {16, 17, 144})
      all.push_back({Kernel::Attention,
                     {{"heads", 6},
                      {"kv_heads", 2},
                      {"head_dim", headDim},
                      {"partial", headDim + 2},
                      {"page_tokens", 16},
                      {"sequences", 1},
                      {"pages_per_sequence", pages},
                      {"pages", pages + 1},
                      {"splits", (pages * 16 + 255) / 256}}});
  for (auto [experts, topK] :
       std::initializer_list<std::pair<int, int>>{{1, 1},
                                                  {8, 8},
                                                  {32, 32},
                                                  {60, 33},
                                                  {128, 8},
                                                  {255, 5},
                                                  {256, 32},
                                                  {257, 8}})
    for (Kernel kernel : {Kernel::TopK, Kernel::Route})
      all.push_back({kernel, {{"experts", experts}, {"top_k", topK}}});
  return all;
}

std::string borderName(const testing::TestParamInfo<Border::ParamType> &info) {
  std::string text = findSignature(info.param.first)->name;
  for (const auto &[name, value] : info.param.second)
    text += "_" + std::string(name) + "_" + std::to_string(value);
  return text;
}

// A NaN comes after all others, of several the first.
TEST(TopK, PutsNanLast) {
  for (int64_t experts : {5, 128, 300}) {
    Case source = makeCase(Kernel::TopK, 1,
                           {.rows = 3,
                            .dims = {{"experts", experts},
                                     {"top_k", std::min<int64_t>(experts, 32)},
                                     {"normalize", 0}}});
    Operands expected(source), actual(source);
    for (int64_t i = 0; i < expected.elements(0); ++i)
      if (i % 17 > 1 || experts == 5) {
        expected.setValue(0, i, std::nanf(""));
        actual.setValue(0, i, std::nanf(""));
      }
    cpu::findCpuKernel(source.kernel)(expected.args, source.rows, {});
    ASSERT_EQ(runOnGpu(source, {}, actual), "");
    auto ids = expected.as<int32_t>(1), own = actual.as<int32_t>(1);
    ASSERT_TRUE(std::equal(ids.begin(), ids.end(), own.begin()));
  }
}

/// How a tensor kernel can run: linear with the library and without.
std::vector<GpuOptions> tensorOptions(Kernel kernel) {
  std::vector<GpuOptions> options = {{.arithmetic = Arithmetic::Tensor}};
  if (kernel == Kernel::Linear || kernel == Kernel::LinearGroup ||
      kernel == Kernel::AddNormRoute)
    options.push_back({.arithmetic = Arithmetic::Tensor, .cublas = false});
  return options;
}

/// Rows of tensor cases: tails of tiles, whole tiles, several of them.
int64_t tensorRows(int seed) {
  constexpr int64_t rows[] = {0, 0, 64, 65, 200, 1, 129, 0};
  return rows[seed % 8];
}

TEST_P(Tensor, StaysNearThePortableKernel) {
  for (int seed = 0, end = caseCount(48); seed < end; ++seed) {
    Case source =
        makeCase(GetParam(), seed, {.rows = tensorRows(seed), .tensor = true});
    Operands expected = runOnCpu(source);
    for (GpuOptions options : tensorOptions(GetParam())) {
      Operands actual(source), again(source), replayed(source);
      ASSERT_EQ(runOnGpu(source, options, actual), "");
      ASSERT_EQ(actual.damage(source), "") << source.describe();
      ASSERT_LE(largestNmse(source, expected, actual), kLargestNmse)
          << source.describe();
      ASSERT_EQ(runOnGpu(source, options, again), "");
      ASSERT_EQ(compareBits(source, actual, again), "") << "second run";
      options.graph = true;
      ASSERT_EQ(runOnGpu(source, options, replayed), "");
      ASSERT_EQ(compareBits(source, actual, replayed), "") << "in a graph";
    }
  }
}

TEST_P(Tensor, KeepsARowsBitsWhateverItsNeighbours) {
  for (int seed = 300, end = 300 + caseCount(24); seed < end; ++seed)
    for (const GpuOptions &options : tensorOptions(GetParam()))
      checkRows(makeCase(GetParam(), seed,
                         {.rows = tensorRows(seed), .tensor = true}),
                options);
}

// What the matrix units cannot take runs as the portable kernel does.
TEST_P(Tensor, FallsBackForOtherTypesAndSizes) {
  for (int seed = 400, end = 400 + caseCount(16); seed < end; ++seed) {
    Case source = makeCase(GetParam(), seed);
    Operands expected = runOnCpu(source), actual(source);
    ASSERT_EQ(runOnGpu(source, {.arithmetic = Arithmetic::Tensor}, actual), "");
    ASSERT_EQ(actual.damage(source), "") << source.describe();
    ASSERT_LE(largestNmse(source, expected, actual), kLargestNmse)
        << source.describe();
  }
}

// The tensor class is the product's alone: the norm in front of it and the
// choice behind it are the portable ones, to the bit.
TEST(AddNormRoute, ChoosesByItsOwnLogits) {
  for (int seed = 0, end = caseCount(24); seed < end; ++seed) {
    Case source = makeCase(Kernel::AddNormRoute, seed,
                           {.rows = tensorRows(seed), .tensor = true});
    for (const GpuOptions &options : tensorOptions(source.kernel)) {
      Operands expected = runOnCpu(source), actual(source);
      ASSERT_EQ(runOnGpu(source, options, actual), "");
      const AddNormRouteParts parts = partsOfAddNormRoute(expected.args);
      constexpr int kLogits = 6;
      std::ranges::copy(actual.bytes(kLogits), expected.bytes(kLogits).begin());
      cpu::findCpuKernel(Kernel::Route)(parts.route, source.rows, {});
      ASSERT_EQ(compareBits(source, expected, actual), "");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, Portable, testing::ValuesIn(allKernels()),
                         kernelName);
INSTANTIATE_TEST_SUITE_P(Kernels, Border, testing::ValuesIn(borders()),
                         borderName);
INSTANTIATE_TEST_SUITE_P(Kernels, Tensor,
                         testing::Values(Kernel::Linear, Kernel::LinearGroup,
                                         Kernel::AddNormRoute,
                                         Kernel::Attention,
                                         Kernel::ExpertGateUp,
                                         Kernel::ExpertDown),
                         kernelName);

} // namespace
} // namespace sluice::test

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  if (std::string why = sluice::test::whyNoGpu(); !why.empty()) {
    std::printf("skipped: no GPU (%s)\n", why.c_str());
    return 0;
  }
  return RUN_ALL_TESTS();
}
