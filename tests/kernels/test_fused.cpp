//===- test_fused.cpp - Fused CPU kernels against their parts -------------===//
//
// What a pass fuses must not change a bit, with random operands and every
// element type.
//
//===----------------------------------------------------------------------===//

#include "kernels/cpu/registry.h"
#include "tests/kernels/cases.h"

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>

namespace sluice::test {
namespace {

/// A launch whose operands are some of another's, by index.
KernelArgs pickOperands(const KernelArgs &from,
                        std::initializer_list<int> operands,
                        std::initializer_list<int64_t> dims) {
  KernelArgs args;
  args.scalar[0] = from.scalar[0];
  args.maxRows = from.maxRows;
  int i = 0;
  for (int operand : operands) {
    args.data[i] = from.data[operand];
    args.dtype[i++] = from.dtype[operand];
  }
  i = 0;
  for (int64_t dim : dims)
    args.dim[i++] = dim;
  return args;
}

void run(Kernel kernel, const KernelArgs &args, int64_t rows) {
  cpu::findCpuKernel(kernel)(args, rows, {});
}

TEST(Fused, AddRmsNorm) {
  for (int seed = 0, end = caseCount(40); seed < end; ++seed) {
    Case source = makeCase(Kernel::AddRmsNorm, seed);
    Operands fused(source), parts(source);
    run(source.kernel, fused.args, source.rows);
    int64_t hidden = source.args.dim[0];
    run(Kernel::Add, pickOperands(parts.args, {0, 1, 3}, {hidden}),
        source.rows);
    run(Kernel::RmsNorm, pickOperands(parts.args, {3, 2, 4}, {1, hidden}),
        source.rows);
    EXPECT_EQ(compareBits(source, parts, fused), "");
  }
}

TEST(Fused, QkNormRopeWrite) {
  for (int seed = 0, end = caseCount(40); seed < end; ++seed) {
    Case source = makeCase(Kernel::QkNormRopeWrite, seed);
    Operands fused(source), parts(source);
    run(source.kernel, fused.args, source.rows);

    const int64_t *dim = source.args.dim;
    int64_t rows = source.rows;
    std::vector<std::byte> normed(source.image[0].size());
    std::vector<std::byte> key(source.image[1].size());
    KernelArgs norm = pickOperands(parts.args, {0, 3, 0}, {dim[0], dim[2]});
    norm.data[2] = normed.data();
    run(Kernel::RmsNorm, norm, rows);
    KernelArgs turn =
        pickOperands(parts.args, {0, 5, 8, 9, 10}, {dim[0], dim[2], dim[3]});
    turn.data[0] = normed.data();
    run(Kernel::Rope, turn, rows);

    norm = pickOperands(parts.args, {1, 4, 1}, {dim[1], dim[2]});
    norm.data[2] = normed.data();
    run(Kernel::RmsNorm, norm, rows);
    turn = pickOperands(parts.args, {1, 5, 8, 9, 1}, {dim[1], dim[2], dim[3]});
    turn.data[0] = normed.data();
    turn.data[4] = key.data();
    run(Kernel::Rope, turn, rows);
    KernelArgs write =
        pickOperands(parts.args, {1, 2, 5, 6, 7, 11, 12},
                     {dim[1], dim[2], dim[4], dim[5], dim[6], dim[7]});
    write.data[0] = key.data();
    run(Kernel::KvWrite, write, rows);
    EXPECT_EQ(compareBits(source, parts, fused), "");
  }
}

TEST(Fused, Route) {
  for (int seed = 0, end = caseCount(40); seed < end; ++seed) {
    Case source = makeCase(Kernel::Route, seed);
    Operands fused(source), parts(source);
    run(source.kernel, fused.args, source.rows);
    const int64_t *dim = source.args.dim;
    std::vector<std::byte> probabilities(source.image[0].size());
    KernelArgs softmax = pickOperands(parts.args, {0, 0}, {dim[0]});
    softmax.data[1] = probabilities.data();
    run(Kernel::Softmax, softmax, source.rows);
    KernelArgs topK =
        pickOperands(parts.args, {0, 1, 2}, {dim[0], dim[1], dim[2]});
    topK.data[0] = probabilities.data();
    run(Kernel::TopK, topK, source.rows);
    EXPECT_EQ(compareBits(source, parts, fused), "");
  }
}

} // namespace
} // namespace sluice::test
