//===- flip_test.cpp - A plan with flipped bits is refused or verified ----===//
//
// Flips bits of the plan whose experts move. Whatever comes out, the answer is
// a plan or one line; the executor's flip test runs those that are accepted.
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/plan.h"
#include "tests/runtime/io/temporary_directory.h"
#include "tests/runtime/plan/tiny_model.h"

#include <random>

using namespace sluice;
using namespace sluice::testing;

TEST(Flips, OfExpertsThatMove) {
  std::vector<uint8_t> good = pack(makeTinyDynamicPlan().plan);
  std::mt19937_64 random(2028);
  int refused = 0, accepted = 0;
  for (int i = 0; i < 6000; ++i) {
    std::vector<uint8_t> bytes = good;
    // One to three bits: a second fault must not hide behind the first.
    for (int flips = 0; flips <= i % 3; ++flips) {
      uint64_t bit = random() % (bytes.size() * 8);
      bytes[bit / 8] ^= uint8_t(1 << bit % 8);
    }
    auto plan = plan::Plan::fromBytes(std::move(bytes), "flipped.plan");
    if (plan) {
      ++accepted;
      continue;
    }
    ++refused;
    expectLine(plan.status().message(), {"flipped.plan: "});
  }
  // Both must occur, or the test tests nothing.
  EXPECT_GT(refused, 3000);
  EXPECT_GT(accepted, 200);
}
