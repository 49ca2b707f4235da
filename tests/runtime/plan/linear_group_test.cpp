//===- linear_group_test.cpp - The operands of a linear_group -------------===//
//
// The only kernel that asks for optional operands by its dims.
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/plan.h"
#include "tests/runtime/plan/bad_plans.h"
#include "tests/runtime/plan/tiny_model.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

/// The tiny plan, whose prefill makes q, k and v in one launch.
fb::PlanT groupPlan() {
  fb::PlanT plan = makeTinyPlan().plan;
  fb::LaunchT &first = launch(plan, Kernel::Linear);
  for (int nth : {1, 2}) {
    const fb::LaunchT &next = launch(plan, Kernel::Linear, nth);
    first.operands.insert(first.operands.end(), next.operands.begin() + 1,
                          next.operands.end());
    first.dims.push_back(next.dims[1]);
  }
  first.kernel = fb::Kernel::LinearGroup;
  auto &list = prefill(plan).instructions;
  for (int i = 0; i < 2; ++i) {
    const fb::LaunchT *apart = &launch(plan, Kernel::Linear);
    std::erase_if(list, [&](const auto &instruction) {
      return instruction->operation.AsLaunch() == apart;
    });
  }
  return plan;
}

fb::LaunchT &group(fb::PlanT &plan) {
  return launch(plan, Kernel::LinearGroup);
}

const BadPlan kBadGroups[] = {
    {"third output missing",
     [](fb::PlanT &p) { group(p).operands[9] = kNone; },
     {"(linear_group)", "out2", "missing"}},
    {"third weight missing",
     [](fb::PlanT &p) { group(p).operands[7] = kNone; },
     {"(linear_group)", "weight2", "missing"}},
    {"second weight missing",
     [](fb::PlanT &p) { group(p).operands[4] = kNone; },
     {"(linear_group)", "weight1", "missing"}},
    {"second matrix of no outputs",
     [](fb::PlanT &p) { group(p).dims[2] = 0; },
     {"(linear_group)", "dims", "2^31"}},
    {"third output of ids",
     [](fb::PlanT &p) { group(p).operands[9] = findBuffer(p, "prefill.ids"); },
     {"(linear_group)", "out2", "i32", "expected bf16 or f32"}},
    {"third weight too small",
     [](fb::PlanT &p) { group(p).operands[7] = findBuffer(p, "norm1"); },
     {"(linear_group)", "'norm1'", "32 bytes", "at least"}},
    {"an output that is its input",
     [](fb::PlanT &p) { group(p).operands[9] = group(p).operands[0]; },
     {"(linear_group)", "writes bytes that it also accesses"}},
    {"one output for two matrices",
     [](fb::PlanT &p) { group(p).operands[9] = group(p).operands[6]; },
     {"(linear_group)", "writes bytes that it also accesses"}},
    {"v of nobody",
     [](fb::PlanT &p) {
       group(p).dims[3] = 0;
       for (int i : {7, 8, 9})
         group(p).operands[i] = kNone;
     },
     {"(qk_norm_rope_write)", "nothing has written"}},
    {"tensor arithmetic over f32",
     [](fb::PlanT &p) { group(p).arithmetic = fb::Arithmetic::Tensor; },
     {"(linear_group)", "tensor arithmetic", "BF16"}},
};

} // namespace

class BadGroups : public ::testing::TestWithParam<BadPlan> {};

TEST_P(BadGroups, IsRefusedInOneLine) {
  expectRefused(groupPlan(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Crafted, BadGroups, ::testing::ValuesIn(kBadGroups),
                         nameOf);

TEST(Groups, OfThreeAndOfTwoAreTaken) {
  fb::PlanT plan = groupPlan();
  auto three = plan::Plan::fromBytes(pack(plan), "three.plan");
  EXPECT_TRUE(three.isOk()) << three.status().message();

  // v by itself again: a group of two in front of it.
  fb::LaunchT single;
  single.kernel = fb::Kernel::Linear;
  single.rows = group(plan).rows;
  single.operands = {group(plan).operands[0], group(plan).operands[7], kNone,
                     group(plan).operands[9]};
  single.dims = {group(plan).dims[0], group(plan).dims[3]};
  group(plan).dims[3] = 0;
  for (int i : {7, 8, 9})
    group(plan).operands[i] = kNone;
  size_t at = 0;
  while (prefill(plan).instructions[at]->operation.AsLaunch() != &group(plan))
    ++at;
  insert(plan, at + 1, fb::StreamKind::Compute, std::move(single));
  auto two = plan::Plan::fromBytes(pack(plan), "two.plan");
  EXPECT_TRUE(two.isOk()) << two.status().message();
}
