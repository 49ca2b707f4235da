//===- bad_experts_test.cpp - Crafted bad pools and banks -----------------===//
//
// Each case spoils one thing of a plan whose experts move.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/plan/bad_plans.h"
#include "tests/runtime/plan/tiny_model.h"

#include <cmath>

using namespace sluice;
using namespace sluice::testing;

namespace {

fb::ExpertPoolT &pool(fb::PlanT &plan) { return *plan.expert_pools[0]; }
fb::ExpertBankT &bank(fb::PlanT &plan, int index = 0) {
  return *plan.expert_banks[index];
}
std::vector<fb::Range> &ranges(fb::PlanT &plan) {
  return plan.sources[bank(plan).source]->ranges;
}

/// Moves buffer `name` to the arena of `other`, whose size follows.
void share(fb::PlanT &plan, const char *name, const char *other) {
  uint32_t from = buffer(plan, name).arena;
  buffer(plan, name).arena = buffer(plan, other).arena;
  for (uint32_t index : {from, buffer(plan, other).arena}) {
    plan.arenas[index]->bytes = 0;
    for (auto &each : plan.buffers)
      if (each->arena == index)
        plan.arenas[index]->bytes =
            std::max(plan.arenas[index]->bytes, each->offset + each->bytes);
  }
}

const BadPlan kBadExperts[] = {
    {"disk that costs less than memory",
     [](fb::PlanT &p) { p.expert_pools[0]->disk_cost = 0.5f; },
     {"expert pool 0", "disk_cost", "found 0.5", "at least 1"}},
    {"disk of infinite cost",
     [](fb::PlanT &p) { p.expert_pools[0]->disk_cost = INFINITY; },
     {"expert pool 0", "disk_cost", "finite"}},
    {"policy nobody knows",
     [](fb::PlanT &p) { p.policy = 4; },
     {"policy", "found 4", "below 4"}},
    {"predicted time not finite",
     [](fb::PlanT &p) { p.predicted_step_ms = NAN; },
     {"predicted_step_ms", "finite"}},
    {"predicted time below zero",
     [](fb::PlanT &p) { p.predicted_step_ms = -1; },
     {"predicted_step_ms", "at least 0"}},
    {"pool of one slot",
     [](fb::PlanT &p) { pool(p).slots = 1; },
     {"expert pool 0", "slots", "found 1", "at least 2"}},
    {"pool of no buffer",
     [](fb::PlanT &p) { pool(p).buffer = 4000; },
     {"expert pool 0", "buffer 4000"}},
    {"pool in host memory",
     [](fb::PlanT &p) { pool(p).buffer = pool(p).bounce_buffer; },
     {"expert pool 0", "'bounce'", "expected device"}},
    {"pool of integers",
     [](fb::PlanT &p) { buffer(p, "slots").dtype = fb::DType::I32; },
     {"expert pool 0", "'slots'", "I32", "BF16, F16 or F32"}},
    {"pool for more slots than fit",
     [](fb::PlanT &p) { pool(p).slots = 4; },
     {"expert pool 0", "'slots'", "3072 bytes", "4 slots of 1024"}},
    {"slots whose bytes overflow",
     [](fb::PlanT &p) { pool(p).slot_bytes = 1ull << 63; },
     {"expert pool 0", "3 slots of 9223372036854775808"}},
    {"empty slots",
     [](fb::PlanT &p) { pool(p).slot_bytes = 0; },
     {"expert pool 0", "slot_bytes", "found 0"}},
    {"slots of half an element",
     [](fb::PlanT &p) { pool(p).slot_bytes = 1023; },
     {"slot_bytes", "found 1023", "element's 2"}},
    {"host experts in device memory",
     [](fb::PlanT &p) { pool(p).host_buffer = findBuffer(p, "prefill.y"); },
     {"expert pool 0", "host_buffer", "'prefill.y'", "expected host"}},
    {"host experts of another type",
     [](fb::PlanT &p) { buffer(p, "host_experts").dtype = fb::DType::F16; },
     {"expert pool 0", "'host_experts'", "F16", "the same"}},
    {"host experts nowhere",
     [](fb::PlanT &p) { pool(p).host_buffer = kNone; },
     {"expert pool 0", "no host_buffer", "4 experts"}},
    {"host experts that do not fit",
     [](fb::PlanT &p) { bank(p).homes[1] = uint8_t(fb::Home::Host); },
     {"expert pool 0", "'host_experts'", "4096 bytes", "5 slots"}},
    {"disk experts without a ring",
     [](fb::PlanT &p) { pool(p).bounce_buffer = kNone; },
     {"expert pool 0", "no bounce_buffer", "4 experts"}},
    {"ring of one image",
     [](fb::PlanT &p) { buffer(p, "bounce").bytes -= 2; },
     {"expert pool 0", "'bounce'", "2046 bytes", "2 slots"}},
    {"one buffer twice in a pool",
     [](fb::PlanT &p) { pool(p).bounce_buffer = pool(p).host_buffer; },
     {"expert pool 0", "'host_experts'", "a buffer of none"}},
    {"two pools with one buffer",
     [](fb::PlanT &p) {
       p.expert_pools.push_back(std::make_unique<fb::ExpertPoolT>(pool(p)));
     },
     {"expert pool 1", "'slots' of expert pool 0"}},
    {"pool read by a launch",
     [](fb::PlanT &p) {
       launch(p, Kernel::Linear).operands[1] = findBuffer(p, "slots");
     },
     {"(linear)", "'slots' of expert pool 0"}},
    {"host experts written by a copy",
     [](fb::PlanT &p) { copy(p, 5).target = findBuffer(p, "host_experts"); },
     {"(copy)", "'host_experts' of expert pool 0"}},
    {"pool filled by a fetch",
     [](fb::PlanT &p) {
       p.load->instructions[0]->operation.AsFetch()->target =
           findBuffer(p, "slots");
     },
     {"load instruction 0 (fetch)", "'slots' of expert pool 0"}},
    {"pool filled by a rope table",
     [](fb::PlanT &p) { p.rope_tables[0]->cos = findBuffer(p, "slots"); },
     {"rope table 0", "'slots' of expert pool 0"}},
    {"pool as a port",
     [](fb::PlanT &p) {
       prefill(p).inputs[0]->buffer = findBuffer(p, "bounce");
     },
     {"prefill input 0", "'bounce' of expert pool 0"}},
    {"pool named by an instruction about experts",
     [](fb::PlanT &p) {
       step<fb::ExpertRunT>(p).outputs = findBuffer(p, "slots");
     },
     {"(expert.run)", "'slots' of expert pool 0"}},
    {"pool over the weights",
     [](fb::PlanT &p) {
       buffer(p, "slots").offset = buffer(p, "wq").offset;
       share(p, "slots", "wq");
     },
     {"load", "'slots'", "'wq'", "does not hold its data"}},
    {"pool over the workspace",
     [](fb::PlanT &p) {
       buffer(p, "slots").offset = buffer(p, "prefill.x").offset;
       share(p, "slots", "prefill.x");
     },
     {"prefill", "'slots'", "does not hold its data", "(embed)"}},
    {"ring over the host experts",
     [](fb::PlanT &p) {
       buffer(p, "bounce").offset = buffer(p, "host_experts").offset;
       share(p, "bounce", "host_experts");
     },
     {"'bounce'", "'host_experts'", "overlaps"}},
    {"more residents than slots",
     [](fb::PlanT &p) { bank(p).resident = {0, 1, 2}; },
     {"expert pool 0", "residents", "found 4", "at most its 3"}},
    {"bank of no pool",
     [](fb::PlanT &p) { bank(p).pool = 1; },
     {"expert bank 0", "pool", "found 1", "below 1"}},
    {"bank of no source",
     [](fb::PlanT &p) { bank(p).source = 99; },
     {"expert bank 0", "source", "found 99"}},
    {"two banks of one source",
     [](fb::PlanT &p) { bank(p, 1).source = bank(p).source; },
     {"expert bank 1", "source", "another bank"}},
    {"bank of no layer",
     [](fb::PlanT &p) { bank(p, 1).layer = 2; },
     {"expert bank 1", "layer", "found 2", "below the model's 2"}},
    {"banks out of order",
     [](fb::PlanT &p) { bank(p, 1).layer = 0; },
     {"expert bank 1", "layer", "found 0", "above the 0"}},
    {"bank of more experts",
     [](fb::PlanT &p) { bank(p).experts = 5; },
     {"expert bank 0", "experts", "found 5", "the model's 4"}},
    {"bank of another top_k",
     [](fb::PlanT &p) { bank(p).top_k = 1; },
     {"expert bank 0", "top_k", "the model's 2"}},
    {"bank of another hidden size",
     [](fb::PlanT &p) { bank(p).hidden = 8; },
     {"expert bank 0", "hidden", "the model's 16"}},
    {"bank of no inner size",
     [](fb::PlanT &p) { bank(p).inner = 0; },
     {"expert bank 0", "inner 0", "between 1 and"}},
    {"experts larger than their slot",
     [](fb::PlanT &p) { bank(p).inner = 17; },
     {"expert bank 0", "inside the slot"}},
    {"down beyond the slot",
     [](fb::PlanT &p) { bank(p).down_offset = 385; },
     {"expert bank 0", "down inside the slot"}},
    {"offset beyond all sense",
     [](fb::PlanT &p) { bank(p).up_offset = ~0ull; },
     {"expert bank 0", "an offset in the slot"}},
    {"up over gate",
     [](fb::PlanT &p) { bank(p).up_offset = bank(p).gate_offset + 127; },
     {"expert bank 0", "two matrices overlap"}},
    {"expert brought beyond the slots",
     [](fb::PlanT &p) {
       fb::Range &r = ranges(p).back();
       r = fb::Range(0, r.source_offset(), 4096, r.bytes());
     },
     {"expert bank 0", "'experts'", "256 bytes to 4096", "inside one of 4"}},
    {"expert brought across two slots",
     [](fb::PlanT &p) {
       fb::Range &r = ranges(p).back(); // Of the last, down is at 3584.
       ranges(p)[ranges(p).size() - 2] = r;
       r = fb::Range(0, r.source_offset(), 3000, r.bytes());
     },
     {"expert bank 0", "256 bytes to 3000", "inside one of 4 slots"}},
    {"matrix nobody brings",
     [](fb::PlanT &p) { ranges(p).erase(ranges(p).begin() + 4); },
     {"expert bank 0", "256 bytes of the up of expert 1"}},
    {"matrix brought in part",
     [](fb::PlanT &p) {
       fb::Range &r = ranges(p).back();
       r = fb::Range(0, r.source_offset(), r.target_offset(), 254);
     },
     {"expert bank 0", "of the down of expert 3"}},
    {"nothing brought",
     [](fb::PlanT &p) { ranges(p).clear(); },
     {"expert bank 0", "of the gate of expert 0"}},
    {"homes missing",
     [](fb::PlanT &p) { bank(p).homes.pop_back(); },
     {"expert bank 0", "3 homes", "4 experts"}},
    {"home nobody knows",
     [](fb::PlanT &p) { bank(p).homes[2] = 2; },
     {"expert bank 0", "home of expert 2", "found 2"}},
    {"resident of no expert",
     [](fb::PlanT &p) { bank(p).resident = {4}; },
     {"expert bank 0", "resident expert", "found 4", "below 4"}},
    {"resident twice",
     [](fb::PlanT &p) { bank(p).resident = {3, 3}; },
     {"expert bank 0", "expert 3 is resident twice"}},
    {"popularity of some experts",
     [](fb::PlanT &p) { bank(p).popularity.pop_back(); },
     {"expert bank 0", "3 popularities"}},
    {"popularity not finite",
     [](fb::PlanT &p) { bank(p).popularity[1] = INFINITY; },
     {"expert bank 0", "popularity of expert 1", "finite"}},
    {"popularity below zero",
     [](fb::PlanT &p) { bank(p).popularity[1] = -0.5f; },
     {"expert bank 0", "popularity of expert 1", "at least 0"}},
    {"successors missing",
     [](fb::PlanT &p) { bank(p, 1).successors.pop_back(); },
     {"expert bank 1", "7 successors", "2 for each of the 4"}},
    {"successors of the first bank",
     [](fb::PlanT &p) { bank(p).successor_count = 1; },
     {"expert bank 0", "0 successors", "0 experts of the bank before"}},
    {"successors uncounted",
     [](fb::PlanT &p) { bank(p).successors = {0}; },
     {"expert bank 0", "1 successors"}},
    {"more successors than experts",
     [](fb::PlanT &p) { bank(p, 1).successor_count = 5; },
     {"expert bank 1", "successor_count", "at most"}},
    {"successor of no expert",
     [](fb::PlanT &p) { bank(p, 1).successors[3] = 4; },
     {"expert bank 1", "successor", "found 4", "below 4"}},
};

} // namespace

class BadExperts : public ::testing::TestWithParam<BadPlan> {};

TEST_P(BadExperts, IsRefusedInOneLine) {
  expectRefused(makeTinyDynamicPlan().plan, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Crafted, BadExperts, ::testing::ValuesIn(kBadExperts),
                         nameOf);
