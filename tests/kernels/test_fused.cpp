//===- test_fused.cpp - Fused CPU kernels against their parts -------------===//
//
// What a pass fuses must not change a bit, with random operands and every
// element type.
//
//===----------------------------------------------------------------------===//

#include "kernels/cpu/expert_halves.h"
#include "kernels/cpu/registry.h"
#include "tests/kernels/cases.h"
#include "tests/kernels/threads.h"

#include <gtest/gtest.h>

#include <algorithm>
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

// The parts are picked by hand: kernels/linear_group.h is what is tested.
TEST(Fused, LinearGroup) {
  Threads threads(3);
  for (int seed = 0, end = caseCount(60); seed < end; ++seed) {
    Case source = makeCase(Kernel::LinearGroup, seed);
    Operands parts(source);
    const int64_t *dim = source.args.dim;
    auto linear = [&](std::initializer_list<int> operands, int64_t outputs) {
      run(Kernel::Linear, pickOperands(parts.args, operands, {dim[0], outputs}),
          source.rows);
    };
    linear({0, 1, 2, 3}, dim[1]);
    linear({0, 4, 5, 6}, dim[2]);
    if (dim[3] > 0)
      linear({0, 7, 8, 9}, dim[3]);
    for (const cpu::Parallel &parallel :
         {cpu::Parallel{}, threads.parallel()}) {
      Operands fused(source);
      cpu::findCpuKernel(source.kernel)(fused.args, source.rows, parallel);
      EXPECT_EQ(compareBits(source, parts, fused), "");
    }
  }
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

// The parts are picked by hand here too.
TEST(Fused, AddNormRoute) {
  Threads threads(3);
  for (int seed = 0, end = caseCount(60); seed < end; ++seed) {
    Case source = makeCase(Kernel::AddNormRoute, seed);
    Operands parts(source);
    const int64_t *dim = source.args.dim;
    run(Kernel::AddRmsNorm, pickOperands(parts.args, {0, 1, 2, 4, 5}, {dim[0]}),
        source.rows);
    KernelArgs linear =
        pickOperands(parts.args, {5, 3, 0, 6}, {dim[0], dim[1]});
    linear.data[2] = nullptr;
    run(Kernel::Linear, linear, source.rows);
    run(Kernel::Route,
        pickOperands(parts.args, {6, 7, 8}, {dim[1], dim[2], dim[3]}),
        source.rows);
    for (const cpu::Parallel &parallel :
         {cpu::Parallel{}, threads.parallel()}) {
      Operands fused(source);
      cpu::findCpuKernel(source.kernel)(fused.args, source.rows, parallel);
      EXPECT_EQ(compareBits(source, parts, fused), "");
    }
  }
}

/// expert_down behind an expert_gate_up, over its first `experts` experts. What
/// serves as gate there serves as weights here, which are as many.
KernelArgs downBehind(const KernelArgs &up, int64_t experts,
                      std::vector<float> &out) {
  KernelArgs down = up;
  down.data[0] = up.data[5];
  down.dtype[0] = DType::F32;
  out.assign(static_cast<size_t>(up.maxRows * up.dim[1] * up.dim[2]), -1);
  down.data[5] = out.data();
  down.dim[0] = experts;
  down.dim[7] = 0;
  return down;
}

/// What both halves give, one kernel after the other.
void runApart(const KernelArgs &up, int64_t experts, int64_t rows,
              std::vector<float> &out) {
  run(Kernel::ExpertGateUp, up, rows);
  run(Kernel::ExpertDown, downBehind(up, experts, out), rows);
}

TEST(Fused, ExpertHalves) {
  cpu::ExpertHalves halves;
  Threads threads(3);
  for (int seed = 0, end = caseCount(40); seed < end; ++seed) {
    Case source = makeCase(Kernel::ExpertGateUp, seed);
    const int64_t experts = source.args.dim[0] - seed % 2;
    Operands parts(source);
    std::vector<float> expected;
    runApart(parts.args, experts, source.rows, expected);
    for (const cpu::Parallel &parallel :
         {cpu::Parallel{}, threads.parallel()}) {
      Operands both(source);
      std::vector<float> out;
      const KernelArgs down = downBehind(both.args, experts, out);
      ASSERT_TRUE(cpu::ExpertHalves::areHalves(Kernel::ExpertGateUp, both.args,
                                               Kernel::ExpertDown, down,
                                               source.rows));
      std::atomic<uint32_t> upDone{0};
      halves.open(both.args, down, 3);
      halves.run(parallel, upDone);
      EXPECT_EQ(upDone, 1u);
      EXPECT_EQ(compareBits(source, parts, both), "");
      EXPECT_EQ(std::memcmp(expected.data(), out.data(),
                            expected.size() * sizeof(float)),
                0)
          << source.describe();
    }
  }
}

/// The outputs that expert_down computes for each expert with rows, in order.
std::vector<std::vector<int32_t>> pairsByExpert(const KernelArgs &down) {
  const auto *offsets = static_cast<const int32_t *>(down.data[1]);
  const auto *order = static_cast<const int32_t *>(down.data[2]);
  std::vector<std::vector<int32_t>> found;
  for (int64_t expert = 0; expert < down.dim[0]; ++expert)
    if (offsets[expert + 1] > offsets[expert])
      found.emplace_back(order + offsets[expert], order + offsets[expert + 1]);
  return found;
}

// What is taken back is not computed, all else is as it would be without, and
// expert_down over what is left brings the rest.
TEST(Fused, ExpertHalvesTakeBack) {
  cpu::ExpertHalves halves;
  Threads threads(3);
  for (int seed = 0, end = caseCount(40); seed < end; ++seed) {
    Case source = makeCase(Kernel::ExpertGateUp, seed);
    Operands parts(source);
    const int64_t experts = source.args.dim[0], hidden = source.args.dim[2];
    std::vector<float> expected, out;
    runApart(parts.args, experts, source.rows, expected);
    Operands both(source);
    const KernelArgs down = downBehind(both.args, experts, out);
    const auto pairs = pairsByExpert(down);
    const auto all = static_cast<int64_t>(pairs.size()) * hidden;
    halves.open(both.args, down, 3);
    EXPECT_EQ(halves.left(), all > 0 ? 1 : 0);
    EXPECT_EQ(halves.takeBack(0), 0);
    // Some at once, some more behind it; of pieces that are not whole nothing.
    const int64_t asked = all * (seed % 4) / 3;
    int64_t taken = halves.takeBack(asked);
    EXPECT_LE(taken, asked);
    EXPECT_GT(taken + 16, asked);
    std::atomic<uint32_t> upDone{0};
    halves.run(threads.parallel(), upDone);
    EXPECT_EQ(upDone, 1u);
    EXPECT_EQ(halves.takeBack(hidden), 0) << "after the run";
    EXPECT_EQ(halves.left(), 0);
    EXPECT_EQ(compareBits(source, parts, both), "");
    const int64_t kept = all - taken;
    for (size_t i = 0; i < pairs.size(); ++i)
      for (int32_t pair : pairs[i])
        for (int64_t output = 0; output < hidden; ++output) {
          const int64_t at = pair * hidden + output;
          const bool isThere = static_cast<int64_t>(i) * hidden + output < kept;
          ASSERT_EQ(out[at], isThere ? expected[at] : -1.0f)
              << source.describe() << " pair " << pair << " output " << output;
        }
    if (taken == 0)
      continue;
    // The rest, expert by expert, as the device would go on.
    int64_t first = kept / hidden, index = 0;
    std::vector<int32_t> offsets(experts + 1), all32(experts + 1);
    const auto *from = static_cast<const int32_t *>(down.data[1]);
    for (int64_t expert = 0; expert < experts; ++expert) {
      const bool has = from[expert + 1] > from[expert];
      if (has && index++ >= first) {
        KernelArgs rest = down;
        std::fill(offsets.begin(), offsets.end(), from[expert]);
        std::fill(offsets.begin() + expert + 1, offsets.end(),
                  from[expert + 1]);
        rest.data[1] = offsets.data();
        rest.dim[7] = index - 1 == first ? kept % hidden : 0;
        run(Kernel::ExpertDown, rest, source.rows);
      }
    }
    EXPECT_EQ(std::memcmp(expected.data(), out.data(),
                          expected.size() * sizeof(float)),
              0)
        << source.describe();
  }
}

// From all to nothing without a step back, also where the second half begins.
TEST(Fused, ExpertHalvesSayWhatIsLeft) {
  cpu::ExpertHalves halves;
  Threads threads(3);
  for (int seed = 0, end = caseCount(20); seed < end; ++seed) {
    Case source = makeCase(Kernel::ExpertGateUp, seed,
                           {.rows = 6,
                            .dims = {{"experts", 8},
                                     {"top_k", 4},
                                     {"slots", 8},
                                     {"hidden", 512},
                                     {"inner", 192}}});
    Operands both(source);
    std::vector<float> out;
    halves.open(both.args, downBehind(both.args, 8, out), 3);
    std::vector<double> seen = {halves.left()};
    EXPECT_EQ(seen.front(), 1);
    std::atomic<uint32_t> upDone{0};
    {
      std::jthread watcher([&] {
        while (seen.back() > 0)
          seen.push_back(halves.left());
      });
      halves.run(threads.parallel(), upDone);
    }
    EXPECT_TRUE(std::ranges::is_sorted(seen, std::ranges::greater()))
        << source.describe();
  }
}

// Taken from another thread while it runs: every output is computed once or
// taken back.
TEST(Fused, ExpertHalvesTakeBackMeanwhile) {
  cpu::ExpertHalves halves;
  Threads threads(3);
  for (int seed = 0, end = caseCount(40); seed < end; ++seed) {
    Case source = makeCase(Kernel::ExpertGateUp, seed);
    Operands both(source);
    const int64_t experts = source.args.dim[0], hidden = source.args.dim[2];
    std::vector<float> out;
    const KernelArgs down = downBehind(both.args, experts, out);
    const auto pairs = pairsByExpert(down);
    halves.open(both.args, down, 3);
    std::atomic<uint32_t> upDone{0};
    int64_t taken = 0;
    {
      std::jthread taker([&] {
        for (int turn = 0; turn < 8; ++turn)
          taken += halves.takeBack(70);
      });
      halves.run(threads.parallel(), upDone);
    }
    int64_t untouched = 0;
    for (const auto &rows : pairs)
      for (int64_t output = 0; output < hidden; ++output)
        untouched += out[rows.front() * hidden + output] == -1.0f;
    EXPECT_EQ(untouched, taken) << source.describe();
  }
}

TEST(Fused, KnowsHalves) {
  Case source = makeCase(Kernel::ExpertGateUp, 1);
  Operands data(source);
  std::vector<float> out;
  const KernelArgs &up = data.args;
  const KernelArgs down = downBehind(up, up.dim[0], out);
  auto joins = [&](const KernelArgs &first, const KernelArgs &second) {
    return cpu::ExpertHalves::areHalves(
        Kernel::ExpertGateUp, first, Kernel::ExpertDown, second, source.rows);
  };
  EXPECT_TRUE(joins(up, down));
  EXPECT_FALSE(cpu::ExpertHalves::areHalves(
      Kernel::ExpertDown, down, Kernel::ExpertDown, down, source.rows));
  KernelArgs other = down;
  other.data[0] = out.data(); // Other rows.
  EXPECT_FALSE(joins(up, other));
  other = down;
  other.data[3] = out.data(); // Other slots.
  EXPECT_FALSE(joins(up, other));
  other = down;
  other.dim[7] = 1; // Not all outputs.
  EXPECT_FALSE(joins(up, other));
  other = down;
  ++other.dim[0]; // An expert that the first half has not.
  EXPECT_FALSE(joins(up, other));
  other = down;
  other.data[5] = up.data[0]; // What the first half reads.
  EXPECT_FALSE(joins(up, other));
  KernelArgs many = up;
  many.dim[0] = cpu::ExpertHalves::kMostExperts + 1;
  EXPECT_FALSE(joins(many, down));
}

} // namespace
} // namespace sluice::test
