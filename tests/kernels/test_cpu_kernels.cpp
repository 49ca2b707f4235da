//===- test_cpu_kernels.cpp - CPU kernels over random launches ------------===//
//
// Every kernel, with every set of instructions this processor has: the bits of
// the plain model, the numbers of the double-precision reference, no byte
// written outside, and rows that do not depend on their neighbours.
//
//===----------------------------------------------------------------------===//

#include "kernels/cpu/primitives.h"
#include "kernels/cpu/registry.h"
#include "tests/kernels/model.h"
#include "tests/kernels/reference/reference.h"
#include "tests/kernels/threads.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace sluice::test {
namespace {

/// Runs `body` once with each table of primitives in force.
template <typename Body> void withEachTable(const Body &body) {
  for (int i = 0; const cpu::Primitives *table = cpu::availablePrimitives(i);
       ++i) {
    SCOPED_TRACE(table->name);
    cpu::forcePrimitives(table);
    body();
  }
  cpu::forcePrimitives(nullptr);
}

Operands runCpu(const Case &source, const cpu::Parallel &parallel = {}) {
  Operands data(source);
  cpu::findCpuKernel(source.kernel)(data.args, source.rows, parallel);
  return data;
}

/// The worst error that rounding explains, as a share of the squared sum: two
/// roundings to bf16 where a norm reads a rounded sum.
double tolerance(DType type) { return type == DType::BF16 ? 3e-5 : 1e-10; }

void expectNear(const Case &source, const Doubles &expected,
                const Operands &actual) {
  for (int i = 0; i < static_cast<int>(source.image.size()); ++i) {
    // Ids of equal probabilities may be told apart in double.
    bool isTie = (source.kernel == Kernel::Route && i == 1) ||
                 (source.kernel == Kernel::AddNormRoute && i == 7);
    if (!isResult(source, i) || isTie)
      continue;
    ASSERT_EQ(static_cast<int64_t>(expected[i].size()), actual.elements(i));
    double error = 0, power = 0;
    for (int64_t k = 0; k < actual.elements(i); ++k) {
      double wanted = expected[i][k], difference = actual.value(i, k) - wanted;
      error += difference * difference;
      power += wanted * wanted;
    }
    // What comes of a rounded norm has its error, whatever its own type.
    DType type =
        source.args.dtype[source.kernel == Kernel::AddNormRoute ? 0 : i];
    double limit = source.args.dtype[i] == DType::I32 ? 0 : tolerance(type);
    EXPECT_LE(error, limit * power)
        << source.signature().operands[i].name << " of " << source.describe();
  }
}

void checkCase(const Case &source, bool withReference = true) {
  Operands expected(source);
  runModel(source, expected);
  if (withReference)
    expectNear(source, runReference(source), expected);
  Threads threads(3);
  withEachTable([&] {
    for (const cpu::Parallel &parallel :
         {cpu::Parallel{}, threads.parallel()}) {
      Operands actual = runCpu(source, parallel);
      EXPECT_EQ(actual.damage(source), "") << source.describe();
      EXPECT_EQ(compareBits(source, expected, actual), "");
    }
  });
}

class CpuKernel : public testing::TestWithParam<int> {
protected:
  Kernel kernel() const { return static_cast<Kernel>(GetParam()); }
};

TEST_P(CpuKernel, HasTheBitsOfTheModelAndTheNumbersOfTheReference) {
  for (int seed = 0, end = caseCount(40); seed < end && !HasFailure(); ++seed)
    checkCase(makeCase(kernel(), seed));
}

TEST_P(CpuKernel, TakesTensorShapes) {
  CaseOptions options;
  options.tensor = true;
  for (uint64_t seed = 100; seed < 106 && !HasFailure(); ++seed)
    checkCase(makeCase(kernel(), seed, options));
}

TEST_P(CpuKernel, RowsAreInvariant) {
  if (kernel() == Kernel::ExpertDemand)
    return; // Sorts all rows together by its nature.
  for (int seed = 200, end = 200 + caseCount(12); seed < end && !HasFailure();
       ++seed) {
    Case source = makeCase(kernel(), seed);
    Operands together = runCpu(source);
    // The results of all rows alone, gathered; caches go from row to row.
    Operands gathered(source);
    for (int64_t row = 0; row < source.rows; ++row) {
      Case one = rowCase(source, row);
      Operands alone(one);
      auto each = [&](auto visit) {
        for (int i = 0; i < static_cast<int>(source.image.size()); ++i)
          if (isResult(source, i)) {
            auto all = gathered.bytes(i), own = alone.bytes(i);
            bool isRow =
                source.signature().operands[i].shape[0].kind == Factor::Rows;
            visit(all.data() + (isRow ? row * own.size() : 0), own);
          }
      };
      each([](std::byte *all, std::span<std::byte> own) {
        std::memcpy(own.data(), all, own.size());
      });
      cpu::findCpuKernel(kernel())(alone.args, 1, {});
      EXPECT_EQ(alone.damage(one), "");
      each([](std::byte *all, std::span<std::byte> own) {
        std::memcpy(all, own.data(), own.size());
      });
    }
    EXPECT_EQ(compareBits(source, together, gathered), "");
  }
}

TEST_P(CpuKernel, NoRowsTouchNothing) {
  if (kernel() == Kernel::ExpertDemand || kernel() == Kernel::ExpertGateUp ||
      kernel() == Kernel::ExpertDown)
    return; // Their rows are in the offsets; a demand of nothing is written.
  Case source = makeCase(kernel(), 7);
  Operands data(source);
  cpu::findCpuKernel(kernel())(data.args, 0, {});
  EXPECT_EQ(compareBits(source, Operands(source), data), "");
}

INSTANTIATE_TEST_SUITE_P(
    All, CpuKernel, testing::Range(0, kKernelCount), [](const auto &param) {
      return findSignature(static_cast<Kernel>(param.param))->name;
    });

// Sizes past what a thread's stack holds take other paths to the same bits.

TEST(CpuKernels, LinearOfManyInputs) {
  for (int64_t inputs :
       {int64_t{8200}, int64_t{16390}, cpu::kPackedFloats + 7}) {
    CaseOptions options{.rows = 6,
                        .dims = {{"inputs", inputs}, {"outputs", 5}}};
    checkCase(makeCase(Kernel::Linear, 1, options));
    checkCase(makeCase(Kernel::Linear, 2, options));
  }
}

TEST(CpuKernels, ExpertsOfManyInputs) {
  CaseOptions options{.rows = 3,
                      .dims = {{"experts", 4},
                               {"top_k", 2},
                               {"slots", 4},
                               {"hidden", cpu::kPackedFloats + 9},
                               {"inner", 3}}};
  checkCase(makeCase(Kernel::ExpertGateUp, 1, options));
  options.dims[3].second = 3;
  options.dims[4].second = cpu::kPackedFloats + 9;
  checkCase(makeCase(Kernel::ExpertDown, 1, options));
}

TEST(CpuKernels, AttentionOverAWideHead) {
  CaseOptions options{.rows = 2,
                      .dims = {{"heads", 2},
                               {"kv_heads", 1},
                               {"head_dim", 1046},
                               {"partial", 1048}}};
  checkCase(makeCase(Kernel::Attention, 1, options));
}

TEST(CpuKernels, AttentionOverALongContext) {
  CaseOptions options{.rows = 2,
                      .dims = {{"heads", 1},
                               {"kv_heads", 1},
                               {"head_dim", 1024},
                               {"partial", 1026},
                               {"sequences", 1},
                               {"page_tokens", 16},
                               {"pages", 300},
                               {"pages_per_sequence", 300},
                               {"splits", 19}}};
  // More splits than fit on the stack, then one that fits.
  for (uint64_t seed : {1, 2, 3})
    checkCase(makeCase(Kernel::Attention, seed, options));
}

TEST(CpuKernels, RouteOverMoreExpertsThanTheStackHolds) {
  CaseOptions options{.rows = 2, .dims = {{"experts", 9001}, {"top_k", 5}}};
  checkCase(makeCase(Kernel::Route, 1, options));
}

TEST(CpuKernels, RoutingSurvivesNan) {
  for (Kernel kernel : {Kernel::TopK, Kernel::Route})
    for (uint64_t seed = 0; seed < 8; ++seed) {
      Case source = makeCase(kernel, seed);
      auto *values = reinterpret_cast<float *>(source.image[0].data());
      int64_t count = static_cast<int64_t>(source.image[0].size() / 4);
      int64_t experts = source.args.dim[0], topK = source.args.dim[1];
      for (int64_t i = 0; i < count; ++i)
        if (seed % 2 == 0 || i % 3 == 0)
          values[i] = NAN;
      Operands data = runCpu(source);
      EXPECT_EQ(data.damage(source), "");
      auto ids = data.as<int32_t>(1);
      for (int64_t row = 0; row < source.rows; ++row) {
        std::vector<bool> seen(experts, false);
        for (int32_t id : ids.subspan(row * topK, topK)) {
          ASSERT_GE(id, 0);
          ASSERT_LT(id, experts);
          EXPECT_FALSE(seen[id]) << "chosen twice";
          seen[id] = true;
        }
      }
    }
}

TEST(CpuKernels, UnknownKernelIsNull) {
  EXPECT_EQ(cpu::findCpuKernel(static_cast<Kernel>(kKernelCount)), nullptr);
}

} // namespace
} // namespace sluice::test
