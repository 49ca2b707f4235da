//===- plan_test.cpp - Good plans open ------------------------------------===//

#include "runtime/plan/plan.h"
#include "tests/runtime/plan/tiny_model.h"

#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::testing;

TEST(Plan, AcceptsAWholeModel) {
  for (auto type : {fb::DType::F32, fb::DType::BF16}) {
    TinyModel model;
    model.activations = type;
    auto plan =
        plan::Plan::fromBytes(pack(makeTinyPlan(model).plan), "tiny.plan");
    ASSERT_TRUE(plan.isOk()) << plan.status().message();
    EXPECT_EQ((*plan)->get().entries()->size(), 2u);
    EXPECT_EQ((*plan)->name(), "tiny.plan");
  }
}

TEST(Plan, AcceptsAModelWithoutExperts) {
  auto plan =
      plan::Plan::fromBytes(pack(makeBigramPlan(5, 4).plan), "bigram.plan");
  EXPECT_TRUE(plan.isOk()) << plan.status().message();
}

TEST(Plan, OpenNamesAMissingFile) {
  auto plan = plan::Plan::open("/nowhere/x.plan");
  ASSERT_FALSE(plan.isOk());
  EXPECT_NE(plan.status().message().find("/nowhere/x.plan"), std::string::npos);
}

TEST(Plan, AcceptsExpertsThatMove) {
  TinyModel model{.layers = 2};
  auto accepts = [&](const TinyExperts &experts) {
    auto plan = plan::Plan::fromBytes(
        pack(makeTinyDynamicPlan(model, experts).plan), "tiny.plan");
    EXPECT_TRUE(plan.isOk()) << plan.status().message();
  };
  for (auto type : {fb::DType::F32, fb::DType::BF16}) {
    model.activations = type;
    for (uint32_t parts : {1, 2, 3})
      for (bool split : {false, true})
        accepts({.parts = parts, .split = split});
  }
  accepts({.all = true, .forget = true, .prefetch = 0, .graphs = false});
  accepts({.slots = 2, .homes = {fb::Home::Disk}, .resident = {}});
  accepts({.slots = 100, .homes = {fb::Home::Host}});
}
