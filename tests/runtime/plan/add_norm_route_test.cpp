//===- add_norm_route_test.cpp - The operands of an add_norm_route --------===//

#include "runtime/plan/plan.h"
#include "tests/runtime/plan/bad_plans.h"
#include "tests/runtime/plan/tiny_model.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

constexpr int kRouterLinear = 4; // behind those of q, k, v and o

/// The tiny plan, whose prefill routes its first layer in one launch.
fb::PlanT routedPlan(const TinyModel &model = {}) {
  fb::PlanT plan = makeTinyPlan(model).plan;
  fb::LaunchT &norm = launch(plan, Kernel::AddRmsNorm);
  const fb::LaunchT &linear = launch(plan, Kernel::Linear, kRouterLinear);
  const fb::LaunchT &route = launch(plan, Kernel::Route);
  norm.kernel = fb::Kernel::AddNormRoute;
  norm.operands = {norm.operands[0],   norm.operands[1],  norm.operands[2],
                   linear.operands[1], norm.operands[3],  norm.operands[4],
                   linear.operands[3], route.operands[1], route.operands[2]};
  norm.dims = {norm.dims[0], route.dims[0], route.dims[1], route.dims[2]};
  std::erase_if(prefill(plan).instructions, [&](const auto &instruction) {
    const fb::LaunchT *own = instruction->operation.AsLaunch();
    return own == &linear || own == &route;
  });
  return plan;
}

fb::LaunchT &router(fb::PlanT &plan) {
  return launch(plan, Kernel::AddNormRoute);
}

const BadPlan kBadRouters[] = {
    {"no logits",
     [](fb::PlanT &p) { router(p).operands[6] = kNone; },
     {"(add_norm_route)", "logits", "missing"}},
    {"more chosen than there are",
     [](fb::PlanT &p) { router(p).dims[2] = router(p).dims[1] + 1; },
     {"(add_norm_route)", "top_k at most experts"}},
    {"normalised twice",
     [](fb::PlanT &p) { router(p).dims[3] = 2; },
     {"(add_norm_route)", "normalize 0 or 1"}},
    {"experts of another model",
     [](fb::PlanT &p) { --router(p).dims[1]; },
     {"(add_norm_route)", "experts", "the model's"}},
    {"ids of floats",
     [](fb::PlanT &p) { router(p).operands[7] = router(p).operands[8]; },
     {"(add_norm_route)", "ids", "expected i32"}},
    {"a router too small",
     [](fb::PlanT &p) { router(p).operands[3] = findBuffer(p, "norm1"); },
     {"(add_norm_route)", "'norm1'", "at least"}},
    {"a norm in place of its sum",
     [](fb::PlanT &p) { router(p).operands[5] = router(p).operands[4]; },
     {"(add_norm_route)", "writes bytes that it also accesses"}},
    {"tensor arithmetic over f32",
     [](fb::PlanT &p) { router(p).arithmetic = fb::Arithmetic::Tensor; },
     {"(add_norm_route)", "tensor arithmetic", "BF16"}},
};

} // namespace

class BadRouters : public ::testing::TestWithParam<BadPlan> {};

TEST_P(BadRouters, IsRefusedInOneLine) {
  expectRefused(routedPlan(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Crafted, BadRouters, ::testing::ValuesIn(kBadRouters),
                         nameOf);

// The matrix units take the router's outputs in eights, as a linear's.
TEST(Routers, OfFewExpertsHaveNoTensorArithmetic) {
  TinyModel model;
  model.activations = fb::DType::BF16;
  expectRefused(routedPlan(model),
                {"tensor arithmetic for four experts",
                 [](fb::PlanT &p) {
                   router(p).arithmetic = fb::Arithmetic::Tensor;
                   for (int weight : {2, 3})
                     p.buffers[router(p).operands[weight]]->dtype =
                         fb::DType::BF16;
                 },
                 {"(add_norm_route)", "experts", "4", "a multiple of 8"}});
}

// Experts take its ids as they take those of a route.
TEST(Routers, InOneLaunchAreTaken) {
  fb::PlanT plan = routedPlan();
  auto taken = plan::Plan::fromBytes(pack(plan), "router.plan");
  EXPECT_TRUE(taken.isOk()) << taken.status().message();
}
